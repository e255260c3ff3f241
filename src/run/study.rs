//! A search space with everything it names: the network, the choices, the images.

use crate::data::{Augmentation, Dataset, Normalization};
use crate::error::{Error, Result};
use crate::exec::Network;
use crate::run::table::{planning_table, resolve_budget};
use crate::scheme::Scheme;
use crate::solve::{Budget, Ilp, Outcome, Problem, Solver, certify, diagnose};
use crate::space::{Space, SplitSpec};
use crate::store::hash_json;
use crate::supernet::{Split, SuperNet};
use crate::zoo::Architecture;

/// What can be known without opening the data.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The search space.
    pub space: Space,
    /// The network and its choices.
    pub net: SuperNet,
}

impl Outline {
    /// Builds the network and binds the choices to it.
    ///
    /// # Errors
    /// When the network cannot be built or the search space names a layer that it does not have.
    pub fn new(space: Space) -> Result<Self> {
        let graph = Architecture::of(&space.model).build()?;
        let scheme = Scheme::new(&space.search, &space.quantizer, &graph)?;
        let net = SuperNet::new(Network::new(graph), scheme);
        Ok(Self { space, net })
    }

    /// The choices.
    pub fn scheme(&self) -> &Scheme {
        self.net.scheme()
    }

    /// Budgets of every plan of the search space, in absolute terms.
    ///
    /// # Errors
    /// When a limit names an unknown candidate.
    pub fn budgets(&self) -> Result<Vec<(String, Vec<Budget>)>> {
        let resolve = |plan: &crate::space::PlanRequest| {
            let budgets = plan.budgets.iter().map(|b| resolve_budget(self.scheme(), b)).collect::<Result<_>>()?;
            Ok((plan.name.clone(), budgets))
        };
        self.space.plans.iter().map(resolve).collect()
    }

    /// Smallest and largest value that each budget can have.
    ///
    /// # Errors
    /// Never for a checked search space.
    pub fn ranges(&self) -> Result<Vec<(String, f64, f64)>> {
        let table = planning_table(&self.space.name, self.scheme(), None)?;
        let range = |(k, name): (usize, &String)| {
            let extreme = |pick: fn(f64, f64) -> f64, start: f64| -> f64 {
                table.layers().iter().map(|l| l.candidates.iter().map(|c| c.cost[k]).fold(start, pick)).sum()
            };
            (name.clone(), extreme(f64::min, f64::INFINITY), extreme(f64::max, 0.0))
        };
        Ok(table.cost_names().iter().enumerate().map(range).collect())
    }

    /// Fails before any expensive work if some plan's budgets cannot be met.
    ///
    /// # Errors
    /// [`Error::Infeasible`], naming the plan, the budgets and the smallest feasible values.
    pub fn check_budgets(&self) -> Result<()> {
        let table = planning_table(&self.space.name, self.scheme(), None)?;
        for (name, budgets) in self.budgets()? {
            let problem = Problem::new(&table, &budgets)?;
            let certificate = certify(&problem, &Ilp.solve(&problem, None)?, None)?;
            if certificate.outcome == Outcome::Infeasible {
                return Err(Error::Infeasible(format!("plan `{name}`: {}", diagnose(&problem, None)?)));
            }
        }
        Ok(())
    }
}

/// A search space with its images.
#[derive(Debug, Clone)]
pub struct Study {
    /// The search space and the network.
    pub outline: Outline,
    /// Training images.
    pub train: Dataset,
    /// Held-out images.
    pub test: Dataset,
    /// How pixels become inputs.
    pub normalization: Normalization,
    /// Content hashes of the training and held-out files.
    pub data_hashes: [String; 2],
}

impl Study {
    /// Reads the images.
    ///
    /// # Errors
    /// When a file is missing or damaged, or does not fit the network.
    pub fn open(outline: Outline) -> Result<Self> {
        let Space { model, data, .. } = &outline.space;
        let load = |split: &SplitSpec| -> Result<(Dataset, String)> {
            let source = split.source.in_folder(outline.space.folder());
            let dataset = source.load(model.input, model.classes, split.limit)?;
            Ok((dataset, hash_json(&(source.content_hash()?, split.limit))?))
        };
        let ((train, train_hash), (test, test_hash)) = (load(&data.train)?, load(&data.test)?);
        let normalization = match &data.normalization {
            None => Normalization::measured(&train)?,
            Some(n) => {
                let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
                Normalization::new(narrow(&n.mean), narrow(&n.std))?
            }
        };
        Ok(Self { outline, train, test, normalization, data_hashes: [train_hash, test_hash] })
    }

    /// Random changes of training images.
    pub fn augmentation(&self) -> Option<Augmentation> {
        let spec = self.outline.space.data.augmentation.as_ref()?;
        Some(Augmentation { crop_padding: spec.crop_padding, flip: spec.flip })
    }

    /// The training images, for statistics and traces.
    pub fn train_split(&self, batch_size: usize) -> Split<'_> {
        Split { dataset: &self.train, normalization: &self.normalization, batch_size }
    }

    /// The held-out images.
    pub fn test_split(&self) -> Split<'_> {
        let batch_size = self.outline.space.evaluation.batch_size;
        Split { dataset: &self.test, normalization: &self.normalization, batch_size }
    }
}
