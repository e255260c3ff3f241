//! A search space with everything it names: the network, the choices, the images or texts.

use std::path::PathBuf;

use crate::data::{Augmentation, Batches, Dataset, Normalization};
use crate::error::ValueFault;
use crate::error::{Error, Result};
use crate::exec::{Backend, Network};
use crate::latency::Latency;
use crate::model::{Model, Start};
use crate::run::Task;
use crate::run::table::{planning_table, resolve_budget};
use crate::scheme::Scheme;
use crate::solve::{Problem, infeasibility};
use crate::space::{ModelSource, Space};
use crate::supernet::{Split, SuperNet, load_float};
use crate::table::Budget;

/// Number of the shuffled order that samples are taken in; no epoch of training has it.
const SAMPLE_ORDER: u64 = u64::MAX;

/// What can be known without opening the data.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The search space.
    pub space: Space,
    /// The network and its choices.
    pub net: SuperNet,
    /// Its FP32 weights to begin with.
    pub start: Start,
    /// What a reader of the network's file should know.
    pub notes: Vec<String>,
    /// Numbers of weights that the network's file has once and the network again.
    pub copied: u64,
    /// Where the network is trained and evaluated.
    pub backend: Backend,
    /// What its layers take on a device, if the search space says where that stands.
    pub latency: Option<Latency>,
}

impl Outline {
    /// Builds the network, binds the choices to it and reads the latencies.
    ///
    /// # Errors
    /// When the network cannot be built, the search space names a layer that it does not have, or the latencies are not
    /// those of these choices.
    pub fn new(space: Space) -> Result<Self> {
        let model = Model::load(&space.model.source, space.folder())?;
        Self::of(space, model)
    }

    /// The same for a network that has been read already.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(space: Space, model: Model) -> Result<Self> {
        let Model { graph, start, notes, copied } = model;
        if start.dynamic().is_some() && space.model.weights.is_some() {
            let place = format!("network `{}`", graph.name);
            let remedy = "name the network that an earlier run found as `model.file`";
            return Err(Error::input(place, "`model.weights`", "none: groups are learnt with the weights", remedy));
        }
        let scheme = Scheme::new(&space.search, &space.quantizer, &graph)?;
        let read = |spec| Latency::new(spec, space.folder(), &graph, &scheme);
        let latency = space.latency.as_ref().map(read).transpose()?;
        let net = SuperNet::new(Network::new(graph), scheme);
        Ok(Self { space, net, start, notes, copied, backend: Backend::default(), latency })
    }

    /// The same, run elsewhere.
    pub fn on(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// What the network is trained and judged by.
    ///
    /// # Errors
    /// When it reads or gives something that we do not know to judge.
    pub fn task(&self) -> Result<Task> {
        Task::of(self.net.network().graph())
    }

    /// The folder that the network came from, if it is one.
    fn model_folder(&self) -> Option<PathBuf> {
        match &self.space.model.source {
            ModelSource::File { path, .. } => Some(self.space.folder().join(path)).filter(|path| path.is_dir()),
            ModelSource::Zoo { .. } => None,
        }
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
            let budgets = plan.budgets.iter().map(|b| resolve_budget(self, b)).collect::<Result<_, _>>();
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
        let table = planning_table(self, None)?;
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
        let table = planning_table(self, None)?;
        for (name, budgets) in self.budgets()? {
            let problem = Problem::new(&table, &budgets)?;
            if let Some(reason) = infeasibility(&problem)? {
                return Err(reason.into_error(Some(&name)));
            }
        }
        Ok(())
    }
}

/// A search space with its images or texts.
#[derive(Debug, Clone)]
pub struct Study {
    /// The search space and the network.
    pub outline: Outline,
    /// Training samples.
    pub train: Dataset,
    /// Held-out samples.
    pub test: Dataset,
    /// How pixels become inputs.
    pub normalization: Normalization,
    /// Content hashes of the training and held-out files.
    pub data_hashes: [String; 2],
}

impl Study {
    /// Reads the images or texts.
    ///
    /// # Errors
    /// When a file is missing or damaged, or does not fit the network.
    pub fn open(outline: Outline) -> Result<Self> {
        let data = &outline.space.data;
        let (task, model) = (outline.task()?, outline.model_folder());
        let load = |split| task.load(split, outline.space.folder(), model.as_deref());
        let ((train, train_hash), (test, test_hash)) = (load(&data.train)?, load(&data.test)?);
        let normalization = match (&data.normalization, task) {
            (None, Task::NextToken { .. }) => Normalization::identity(1),
            (Some(_), Task::NextToken { .. }) => {
                let remedy = "leave `data.normalization` out";
                return Err(Error::input("normalization", "numbers for a text", "them for images only", remedy));
            }
            (None, Task::Classification { .. }) => Normalization::measured(&train)?,
            (Some(n), Task::Classification { .. }) => {
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
            load_float(self.outline.net.network(), &path, &self.outline.start.tables())?;
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
