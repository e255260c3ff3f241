//! Draws of traces in a run: estimated, in parts, or taken over from elsewhere.

use std::path::Path;

use crate::error::Result;
use crate::exec::{Bindings, Network, Samples};
use crate::progress::Stage;
use crate::run::pipeline::key;
use crate::run::{Pipeline, Study};
use crate::sensitivity::{Estimator, NetworkTraces};
use crate::supernet::{Parameters, bind_float};
use crate::trace::{Cells, Part, TraceEstimator, TraceOptions, TraceSource, Traces, estimate, estimate_part, merge};

/// File of the draws: the checkpoint of the estimate, and what the parts of several processes are merged into.
pub(super) const TRACES: &str = "traces.json";

/// What a draw depends on beside the estimator, which the file names itself. The weights themselves: those that two machines
/// trained may differ in a bit.
pub(super) fn traces_key(study: &Study, float: &Parameters) -> Result<String> {
    let space = &study.outline.space;
    let weights = float.content_hash()?;
    key(
        "traces",
        &(
            weights,
            &study.normalization,
            &study.data_hashes[0],
            space.sensitivity.images,
            space.sensitivity.batch_size,
            space.seed,
        ),
    )
}

/// What the FP32 model's traces are drawn from.
pub(super) struct Draws<'a> {
    study: &'a Study,
    network: &'a Network,
    key: String,
    /// The FP32 model.
    pub bindings: Bindings,
    /// The training images that the loss is taken over.
    pub samples: Samples<'a>,
    /// Who draws.
    pub estimator: Estimator,
}

impl<'a> Draws<'a> {
    /// Of the search space of `study`.
    pub fn new(study: &'a Study, float: &Parameters) -> Result<Self> {
        let (spec, network) = (&study.outline.space.sensitivity, study.outline.net.network());
        Ok(Self {
            study,
            network,
            key: traces_key(study, float)?,
            bindings: bind_float(network, float, false)?,
            samples: study.train_split(spec.batch_size).samples(spec.images)?,
            estimator: Estimator::of(spec, network.graph()),
        })
    }

    fn source(&self) -> NetworkTraces<'_, f32> {
        let Self { network, bindings, samples, estimator, .. } = self;
        let space = &self.study.outline.space;
        NetworkTraces::new(network, bindings, samples, *estimator, space.sensitivity.activation_traces, space.seed)
    }

    /// Draws of an interrupted or merged estimate; none if there are none or they belong to something else.
    fn taken(&self, path: &Path) -> Result<Cells> {
        let source = self.source();
        let none = Cells::new(&self.key, &self.estimator.to_string(), source.names(), source.shares().to_vec())?;
        let found = Cells::read(path).and_then(|cells| merge([(String::new(), none.clone()), (String::new(), cells)]));
        Ok(found.unwrap_or(none))
    }
}

impl Pipeline<'_> {
    /// Takes over draws that were made elsewhere; [`Pipeline::sensitivity`] goes on from them.
    ///
    /// # Errors
    /// When they are not of this search space, its weights, images and estimator.
    pub fn adopt_traces(&mut self, path: &Path) -> Result<()> {
        let (_, float) = self.float()?;
        let ours = Draws::new(self.study, &float)?.taken(&self.workspace.path(TRACES))?;
        let theirs = (path.display().to_string(), Cells::read(path)?);
        merge([("the search space".to_string(), ours), theirs])?.write(&self.workspace.path(TRACES))?;
        self.workspace.outdate("sensitivity")
    }

    /// Draws the cells of one part of all `max_probes` rounds and gives the name of its file.
    ///
    /// # Errors
    /// As [`Pipeline::sensitivity`].
    pub fn traces_part(&mut self, part: Part) -> Result<String> {
        let (_, float) = self.float()?;
        let draws = Draws::new(self.study, &float)?;
        let rounds = self.study.outline.space.sensitivity.max_probes as u64;
        let name = format!("traces-{}.json", part.to_string().replace('/', "-of-"));
        let path = self.workspace.path(&name);
        let mut cells = draws.taken(&path)?;
        let blocks = draws.samples.sizes().len();
        let cells_of_part =
            |round| (0..blocks).filter(move |&block| part.contains(round, block, blocks)).count() as u64;
        let total = (0..rounds).map(cells_of_part).sum();
        self.observer.start(Stage::new("traces", total).of("probes").after(cells.len() as u64));
        let mut save = |cells: &Cells| cells.write(&path);
        estimate_part(&draws.source(), rounds, part, &mut cells, &mut save, self.observer)?;
        self.observer.finish(&name);
        Ok(name)
    }

    pub(super) fn traces(&mut self, draws: &Draws<'_>) -> Result<Traces> {
        let spec = &self.study.outline.space.sensitivity;
        let options = TraceOptions {
            min_rounds: spec.min_probes as u64,
            max_rounds: spec.max_probes as u64,
            relative_error: spec.relative_error,
            max_seconds: spec.max_seconds,
        };
        let (source, estimator, batches) = (draws.source(), draws.estimator, draws.samples.sizes().len());
        let path = self.workspace.path(TRACES);
        let mut cells = draws.taken(&path)?;
        if estimator == Estimator::Products(TraceEstimator::Exact) {
            let products: usize = draws.network.layers().iter().map(|l| l.parameters()).sum();
            self.observer.warn(&format!(
                "the estimator `exact` takes {products} products for each of {batches} batches, {} {} in all; \
                 `gauss_newton_exact` gives the same for networks that are linear in pieces",
                draws.samples.count(),
                self.study.train.samples()
            ));
        }
        let rounds = if source.random() { options.max_rounds } else { 1 };
        let (what, unit) = (format!("traces ({estimator})"), if source.random() { "probes" } else { "batches" });
        self.observer.start(Stage::new(&what, rounds * batches as u64).of(unit).after(cells.len() as u64));
        let mut save = |cells: &Cells| cells.write(&path);
        let traces = estimate(&source, &options, &mut cells, &mut save, self.observer)?;
        let error = traces
            .worst_relative_error
            .map_or("error unknown".into(), |e| format!("standard error at most {:.1} %", 100.0 * e));
        self.observer.finish(&format!("{} probes a batch, {error}", traces.rounds));
        Ok(traces)
    }
}
