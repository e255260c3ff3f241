//! A search space with everything it names: the network, the choices, the images.

use std::path::PathBuf;

use crate::data::{Augmentation, Batches, Dataset, Normalization};
use crate::error::ValueFault;
use crate::error::{Error, Result};
use crate::exec::{Backend, Network};
use crate::run::table::{planning_table, resolve_budget};
use crate::scheme::Scheme;
use crate::solve::{Problem, infeasibility};
use crate::space::{SourceSpec, Space, SplitSpec};
use crate::store::hash_json;
use crate::supernet::{Split, SuperNet, load_float};
use crate::table::Budget;
use crate::zoo::Architecture;

/// Number of the shuffled order that samples are taken in; no epoch of training has it.
const SAMPLE_ORDER: u64 = u64::MAX;

/// What can be known without opening the data.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The search space.
    pub space: Space,
    /// The network and its choices.
    pub net: SuperNet,
    /// Where the network is trained and evaluated.
    pub backend: Backend,
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
        Ok(Self { space, net, backend: Backend::default() })
    }

    /// The same, run elsewhere.
    pub fn on(self, backend: Backend) -> Self {
        Self { backend, ..self }
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
            let budgets = plan.budgets.iter().map(|b| resolve_budget(self.scheme(), b)).collect::<Result<_, _>>();
            let wrong = |f: ValueFault| Error::input(format!("plan `{}`", plan.name), f.found, f.expected, f.remedy);
            Ok((plan.name.clone(), budgets.map_err(wrong)?))
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
            if let Some(reason) = infeasibility(&problem)? {
                return Err(reason.into_error(Some(&name)));
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
            let arrays = match &split.source {
                SourceSpec::Npz { images, labels, .. } => Some((images, labels)),
                _ => None,
            };
            Ok((dataset, hash_json(&(arrays, source.content_hash()?, split.limit))?))
        };
        let ((train, train_hash), (test, test_hash)) = (load(&data.train)?, load(&data.test)?);
        let normalization = match &data.normalization {
            None => Normalization::measured(&train)?,
            Some(n) => {
                let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
                Normalization::new(narrow(&n.mean), narrow(&n.std))?
            }
        };
        let study = Self { outline, train, test, normalization, data_hashes: [train_hash, test_hash] };
        study.check()?;
        Ok(study)
    }

    /// Finds now what training would stumble over later.
    fn check(&self) -> Result<()> {
        Batches::new(&self.train, self.normalization.clone(), 1, Some((0, 0)), self.augmentation())?;
        if let Some(path) = self.float_weights() {
            load_float(self.outline.net.network(), &path)?;
        }
        Ok(())
    }

    /// The trained FP32 weights that the search space names.
    pub fn float_weights(&self) -> Option<PathBuf> {
        let Outline { space, .. } = &self.outline;
        space.model.weights.as_ref().map(|weights| space.folder().join(weights))
    }

    /// Random changes of training images.
    pub fn augmentation(&self) -> Option<Augmentation> {
        let spec = self.outline.space.data.augmentation.as_ref()?;
        Some(Augmentation { crop_padding: spec.crop_padding, flip: spec.flip })
    }

    /// The training images in an order of their own, for statistics and traces: the first of them are a fair sample
    /// even if the file is sorted by class.
    pub fn train_split(&self, batch_size: usize) -> Split<'_> {
        let order = Some((self.outline.space.seed, SAMPLE_ORDER));
        Split {
            dataset: &self.train,
            normalization: &self.normalization,
            batch_size,
            order,
            backend: self.outline.backend,
        }
    }

    /// The held-out images.
    pub fn test_split(&self) -> Split<'_> {
        let batch_size = self.outline.space.evaluation.batch_size;
        Split {
            dataset: &self.test,
            normalization: &self.normalization,
            batch_size,
            order: None,
            backend: self.outline.backend,
        }
    }
}
