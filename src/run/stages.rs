//! The stages. Each has a key made from everything it depends on, reads what earlier stages wrote, and writes its own
//! files; the driver [`run`] at the end of the file is the pipeline.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::exec::forward;
use crate::plan::{Plan, Provenance, optimize};
use crate::progress::Observer;
use crate::report::{AccuracyTable, Report, markdown, text};
use crate::run::evaluation::{PlanNetworks, evaluate_all};
use crate::run::table::planning_table;
use crate::run::{Outline, Study, Workspace};
use crate::sampling::{Sampler, Strategy, roulette};
use crate::scheme::Scheme;
use crate::sensitivity::{NetworkHessian, SensitivityReport, TraceOptions, activation_divergence, hutchinson};
use crate::solve::{Budget, RawTable};
use crate::space::Sampling;
use crate::store::{TensorFile, hash_json, read_json, write_atomic, write_json};
use crate::supernet::{
    EpochRecord, MasterCheckpoint, MixedPhase, PackedWeights, Parameters, Session, TrainState, bind_float, float_file,
    initial_float, load_float, recalibrate, train_float, train_mixed_precision, train_multi_precision,
};
use crate::zoo::Architecture;

/// Stages of a run on one study in one folder.
pub struct Pipeline<'a> {
    study: &'a Study,
    workspace: &'a mut Workspace,
    observer: &'a mut dyn Observer,
}

/// Images of the one pass that activation scales start from; more change the mean of |x| by less than a percent.
const SCALE_IMAGES: usize = 256;

impl<'a> Pipeline<'a> {
    /// A pipeline that writes to `workspace` and tells `observer`.
    pub fn new(study: &'a Study, workspace: &'a mut Workspace, observer: &'a mut dyn Observer) -> Self {
        Self { study, workspace, observer }
    }

    /// Runs `compute` unless the stage is current; it gives the names of the files that it wrote.
    fn stage(&mut self, name: &str, key: &str, compute: impl FnOnce(&mut Self) -> Result<Vec<String>>) -> Result<()> {
        if self.workspace.is_current(name, key) {
            return Ok(());
        }
        let start = Instant::now();
        let files = compute(self)?;
        self.workspace.finish(name, key, &files, start.elapsed().as_secs_f64())
    }

    /// One phase of training: resumes from a checkpoint of the same key, else starts from `initial`; writes
    /// `NAME.safetensors` and `NAME.history.json`.
    fn train(
        &mut self,
        name: &str,
        key: &str,
        initial: impl FnOnce(&mut Self) -> Result<Parameters>,
        phase: impl FnOnce(&Session<'_>, TrainState, &mut dyn Observer) -> Result<TrainState>,
    ) -> Result<Vec<String>> {
        let checkpoint = self.workspace.path(&format!("{name}.checkpoint"));
        let state = match TrainState::resume(&checkpoint, key) {
            Some(state) => state,
            None => TrainState::new(initial(self)?),
        };
        let session = Session {
            dataset: &self.study.train,
            normalization: &self.study.normalization,
            augmentation: self.study.augmentation(),
            seed: self.study.outline.space.seed,
            checkpoint: &checkpoint,
            checkpoint_every: self.study.outline.space.training.checkpoint_every_steps as u64,
            key,
        };
        let state = phase(&session, state, self.observer)?;
        let files = [format!("{name}.safetensors"), format!("{name}.history.json")];
        float_file(self.study.outline.net.network(), &state.parameters)?.write(&self.workspace.path(&files[0]))?;
        let history: &[EpochRecord] = &state.position.history;
        write_json(&self.workspace.path(&files[1]), &history)?;
        Ok(files.to_vec())
    }

    fn parameters(&self, name: &str) -> Result<Parameters> {
        Parameters::load(&TensorFile::read(&self.workspace.path(&format!("{name}.safetensors")))?, "")
    }

    /// The training is over and its files are recorded: its checkpoint is of no more use.
    fn drop_checkpoint(&self, name: &str) {
        let _ = std::fs::remove_file(self.workspace.path(&format!("{name}.checkpoint")));
    }

    /// The FP32 model, trained or loaded by name: its stage key and parameters.
    ///
    /// # Errors
    /// When training diverges, the given weights are of another model, or a file cannot be written.
    pub fn float(&mut self) -> Result<(String, Parameters)> {
        let space = &self.study.outline.space;
        let network = self.study.outline.net.network();
        let data = (&self.study.data_hashes[0], &self.study.normalization, self.study.augmentation());
        if let Some(weights) = &space.model.weights {
            let path = space.folder().join(weights);
            let parameters = load_float(network, &path)?;
            return Ok((
                key("fp32", &(Architecture::of(&space.model), crate::store::hash_file(&path)?, data))?,
                parameters,
            ));
        }
        let recipe = &space.training.fp32;
        let key = key("fp32", &(Architecture::of(&space.model), recipe, space.seed, data))?;
        self.stage("fp32", &key, |p| {
            let initial = |_: &mut Self| initial_float(network, space.seed);
            p.train("fp32", &key, initial, |session, state, observer| {
                train_float(network, recipe, session, state, observer)
            })
        })?;
        self.drop_checkpoint("fp32");
        let parameters = load_float(network, &self.workspace.path("fp32.safetensors"))?;
        Ok((key, parameters))
    }

    /// Hessian traces and sensitivities of the FP32 model.
    ///
    /// # Errors
    /// When the model has diverged or a file cannot be written.
    pub fn sensitivity(&mut self) -> Result<(String, SensitivityReport)> {
        let (float_key, float) = self.float()?;
        let (space, network) = (&self.study.outline.space, self.study.outline.net.network());
        let (spec, scheme) = (&space.sensitivity, self.study.outline.scheme());
        let key = key("sensitivity", &(float_key, spec, scheme, space.seed))?;
        self.stage("sensitivity", &key, |p| {
            p.observer.start("Hessian traces", spec.max_probes as u64);
            let bindings = bind_float(network, &float, false)?;
            let split = p.study.train_split(spec.batch_size);
            let batches = split.batches(spec.images)?;
            let operator = NetworkHessian::<f32>::new(network, &bindings, &batches);
            let options = TraceOptions {
                min_probes: spec.min_probes as u64,
                max_probes: spec.max_probes as u64,
                relative_error: spec.relative_error,
                seed: space.seed,
            };
            let traces = hutchinson(&operator, &options, p.observer)?;
            let weights = scheme.layers.iter().map(|l| float.values(&format!("{}.weight", l.name)));
            let weights = weights.collect::<Result<Vec<_>>>()?;
            let images = spec.images.min(p.study.train.len()) as u64;
            let error = 100.0 * traces.worst_relative_error;
            p.observer.finish(&format!("{} probes, standard error at most {error:.1} % of a trace", traces.probes));
            p.observer.start("activation sensitivities", batches.len() as u64);
            let bits: Vec<Vec<u32>> = scheme
                .layers
                .iter()
                .map(|l| l.candidates.iter().map(|c| u32::from(c.activation_bits())).collect())
                .collect();
            let rounding = scheme.quantizer().rounding;
            let divergences = activation_divergence(network, &bindings, &bits, rounding, &batches, p.observer)?;
            p.observer.finish("");
            let report = SensitivityReport::new(scheme, &weights, &divergences, &traces, spec.objective, images);
            report.warnings.iter().for_each(|w| p.observer.warn(w));
            write_json(&p.workspace.path("sensitivity.json"), &report)?;
            Ok(vec!["sensitivity.json".into()])
        })?;
        let path = self.workspace.path("sensitivity.json");
        let report: SensitivityReport = read_json(&path)?;
        report.check(scheme, &path.display().to_string())?;
        Ok((key, report))
    }

    /// The SuperNet, trained through multi-precision and mixed-precision phases; writes the integer master too.
    ///
    /// # Errors
    /// When training diverges or a file cannot be written.
    pub fn supernet(&mut self) -> Result<(String, Parameters)> {
        let (float_key, float) = self.float()?;
        let (sensitivity_key, sensitivity) = self.sensitivity()?;
        let (space, net) = (&self.study.outline.space, &self.study.outline.net);
        let recipe = &space.training.multi_precision;
        let multi_key = key("multi_precision", &(float_key, recipe, net.scheme(), space.seed))?;
        self.stage("multi_precision", &multi_key, |p| {
            let initial = |p: &mut Self| {
                let images = p.study.train_split(SCALE_IMAGES).batches(SCALE_IMAGES)?;
                let tape = forward::<f32>(net.network(), &bind_float(net.network(), &float, true)?, &images[0].0)?;
                net.initial(&float, &tape)
            };
            p.train("multi_precision", &multi_key, initial, |session, state, observer| {
                train_multi_precision(net, recipe, session, state, observer)
            })
        })?;
        self.drop_checkpoint("multi_precision");
        let recipe = &space.training.mixed_precision;
        let mixed_key = key("supernet", &(multi_key, sensitivity_key, recipe))?;
        let sampler = sampler(net.scheme(), &sensitivity, recipe.sampling, recipe.kappa);
        self.stage("supernet", &mixed_key, |p| {
            let initial = |p: &mut Self| {
                let mut parameters = p.parameters("multi_precision")?;
                net.spread_norms(&mut parameters)?;
                Ok(parameters)
            };
            let mut files = p.train("supernet", &mixed_key, initial, |session, state, observer| {
                train_mixed_precision(net, MixedPhase { recipe, sampler: &sampler }, session, state, observer)
            })?;
            let master = MasterCheckpoint::new(net, Architecture::of(&space.model), &p.parameters("supernet")?)?;
            master.write(&p.workspace.path("master.safetensors"))?;
            files.push("master.safetensors".into());
            Ok(files)
        })?;
        self.drop_checkpoint("supernet");
        Ok((mixed_key, self.parameters("supernet")?))
    }

    /// The best plan for every set of budgets of the search space.
    ///
    /// # Errors
    /// [`Error::Infeasible`] when budgets cannot be met; when a file cannot be written.
    pub fn plans(&mut self) -> Result<(String, Vec<(String, Plan)>)> {
        let (sensitivity_key, sensitivity) = self.sensitivity()?;
        let outline = &self.study.outline;
        let requests = outline.budgets()?;
        let limits: Vec<(&String, Vec<(&String, f64)>)> =
            requests.iter().map(|(n, budgets)| (n, budgets.iter().map(|b| (&b.name, b.limit)).collect())).collect();
        let key = key("plans", &(sensitivity_key, outline.scheme(), limits))?;
        self.stage("plans", &key, |p| {
            let table = planning_table(&outline.space.name, outline.scheme(), Some(&sensitivity))?;
            let raw = RawTable::from(&table).to_json()?;
            write_atomic(&p.workspace.path("table.json"), raw.as_bytes())?;
            let mut files = vec!["table.json".to_string()];
            p.observer.start("planning", requests.len() as u64);
            for (i, (name, budgets)) in requests.iter().enumerate() {
                let provenance = Provenance {
                    version: crate::VERSION.into(),
                    inputs: [("table".to_string(), crate::store::hash_bytes(raw.as_bytes()))].into(),
                    seed: outline.space.seed,
                    command: format!("bitplan plan --table table.json{}", arguments(budgets)),
                };
                let plan = optimize(&table, budgets, None, provenance, crate::plan::Report::Reproducible)?;
                let file = plan_file("plan", i, name, "json");
                write_atomic(&p.workspace.path(&file), plan.to_json()?.as_bytes())?;
                files.push(file);
                p.observer.at(i as u64 + 1, name);
            }
            p.observer.finish(&format!("{} plans, each proved optimal for its budgets", requests.len()));
            Ok(files)
        })?;
        let read = |(i, (name, _)): (usize, &(String, Vec<Budget>))| {
            Ok((name.clone(), Plan::read(&self.workspace.path(&plan_file("plan", i, name, "json")))?))
        };
        let plans = requests.iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok((key, plans))
    }

    /// Packed weights of every plan, and the accuracy of everything.
    ///
    /// # Errors
    /// When the packed weights are not the trained network, or a file cannot be written.
    pub fn evaluation(&mut self) -> Result<(String, AccuracyTable)> {
        let (_, float) = self.float()?;
        let (net_key, supernet) = self.supernet()?;
        let (plan_key, plans) = self.plans()?;
        let (study, net) = (self.study, &self.study.outline.net);
        let spec = &study.outline.space.evaluation;
        let key = key("evaluation", &(net_key, plan_key, spec, &study.data_hashes[1]))?;
        self.stage("evaluation", &key, |p| {
            let master = MasterCheckpoint::read(&p.workspace.path("master.safetensors"))?;
            let total = 1 + net.scheme().bases().len() + plans.len();
            p.observer.start("evaluation", total as u64);
            let (mut files, mut networks) = (Vec::new(), Vec::new());
            for (i, (name, plan)) in plans.iter().enumerate() {
                let configuration = configuration_of(net.scheme(), plan)?;
                let mut training_form = net.bind(&supernet, &configuration, false)?;
                let recalibrated = match spec.recalibration_images {
                    0 => None,
                    images => {
                        let split = study.train_split(spec.batch_size);
                        Some(recalibrate(net.network(), &training_form, &split, images)?)
                    }
                };
                let packed = master.pack(name, &configuration, recalibrated.as_deref())?;
                training_form.norms = recalibrated.unwrap_or(training_form.norms);
                let file = plan_file("weights", i, name, "safetensors");
                packed.write(&p.workspace.path(&file))?;
                let packed = PackedWeights::read(&p.workspace.path(&file))?;
                networks.push(PlanNetworks { name: name.clone(), configuration, packed, training_form });
                files.push(file);
            }
            let mut done = 0;
            let observer = &mut *p.observer;
            let table = evaluate_all(study, &float, &supernet, &networks, &mut |row| {
                done += 1;
                observer.at(done, &format!("{} {:.2} %", row.name, row.accuracy()));
            })?;
            p.observer.finish(&format!("{} networks on {} held-out images", table.rows.len(), study.test.len()));
            write_json(&p.workspace.path("evaluation.json"), &table)?;
            files.push("evaluation.json".into());
            Ok(files)
        })?;
        Ok((key, read_json(&self.workspace.path("evaluation.json"))?))
    }

    /// The report of the whole run.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn report(&mut self) -> Result<Report> {
        let (_, sensitivity) = self.sensitivity()?;
        let (_, plans) = self.plans()?;
        let (evaluation_key, accuracies) = self.evaluation()?;
        let Outline { space, net } = &self.study.outline;
        let report = Report::new(space, net.scheme(), &net.network().graph().name, &sensitivity, &plans, accuracies);
        self.stage("report", &key("report", &evaluation_key)?, |p| {
            write_atomic(&p.workspace.path("report.txt"), text(&report).as_bytes())?;
            write_atomic(&p.workspace.path("report.md"), markdown(&report).as_bytes())?;
            write_json(&p.workspace.path("report.json"), &report)?;
            Ok(vec!["report.txt".into(), "report.md".into(), "report.json".into()])
        })?;
        Ok(report)
    }
}

/// Hash of everything that a stage depends on, the program's version included.
fn key(stage: &str, inputs: &impl Serialize) -> Result<String> {
    hash_json(&(crate::VERSION, stage, inputs))
}

/// The first plan is `plan.json`, others carry their name.
fn plan_file(what: &str, index: usize, name: &str, extension: &str) -> String {
    if index == 0 { format!("{what}.{extension}") } else { format!("{what}-{name}.{extension}") }
}

fn arguments(budgets: &[Budget]) -> String {
    budgets.iter().map(|b| format!(" --budget {}={}", b.name, b.limit)).collect()
}

fn sampler(scheme: &Scheme, sensitivity: &SensitivityReport, sampling: Sampling, kappa: f64) -> Sampler {
    let strategy = match sampling {
        Sampling::Hasb => Strategy::Hasb,
        Sampling::Uniform => Strategy::Uniform,
        Sampling::Tempered => Strategy::Tempered { kappa },
    };
    let bits: Vec<Vec<u32>> =
        scheme.layers.iter().map(|l| l.candidates.iter().map(|c| u32::from(c.weight_bits())).collect()).collect();
    Sampler::new(roulette(strategy, &bits, &sensitivity.average_traces()), &scheme.groups)
}

/// The configuration that a plan chooses.
///
/// # Errors
/// When the plan has other layers or candidates than the scheme.
pub fn configuration_of(scheme: &Scheme, plan: &Plan) -> Result<Vec<usize>> {
    let wrong = |found: String, expected: String| {
        Error::input("plan", found, expected, "make the plan for this network and these candidates")
    };
    if plan.layers.len() != scheme.layers.len() {
        return Err(wrong(format!("{} layers", plan.layers.len()), format!("{}", scheme.layers.len())));
    }
    let choice = |(planned, layer): (&crate::plan::PlanLayer, &crate::scheme::LayerScheme)| {
        if planned.name != layer.name {
            return Err(wrong(format!("layer `{}`", planned.name), format!("layer `{}`", layer.name)));
        }
        layer.candidates.iter().position(|c| c.to_string() == planned.candidate).ok_or_else(|| {
            let known: Vec<String> = layer.candidates.iter().map(ToString::to_string).collect();
            wrong(format!("layer `{}` at `{}`", layer.name, planned.candidate), known.join(", "))
        })
    };
    plan.layers.iter().zip(&scheme.layers).map(choice).collect()
}

/// The whole pipeline, from a search space to the report.
///
/// # Errors
/// Whatever ends it early; what is finished stays, and the next run goes on from there.
pub fn run(outline: Outline, folder: &Path, space_file: &Path, observer: &mut dyn Observer) -> Result<Report> {
    outline.check_budgets()?;
    let study = Study::open(outline)?;
    let mut workspace = Workspace::open(folder)?;
    workspace.remember_space(space_file)?;
    let mut pipeline = Pipeline::new(&study, &mut workspace, observer);
    pipeline.float()?;
    pipeline.sensitivity()?;
    pipeline.plans()?;
    pipeline.supernet()?;
    pipeline.evaluation()?;
    pipeline.report()
}
