//! Draws of the traces of a network's curvature, layer by layer, from one block of samples at a time.
//!
//! ```text
//! L = mean_n ℓ(z_n)        H = ∂²L/∂W²,  per layer:  t_l = Tr(H_ll)
//! G = mean_n J_nᵀ A_n J_n  A_n = ∂²ℓ/∂z² = S_n S_nᵀ        Gauss–Newton part of H
//! Tr(G_ll) = mean_n E_u ‖J_{n,l}ᵀ S_n u‖²,   E[u uᵀ] = I        curvature propagation
//! Fisher:   mean_n ‖J_{n,l}ᵀ ∂ℓ/∂z‖², with the labels as they are
//! ```
//!
//! *Gauss–Newton* draws (Martens, Sutskever and Swersky, arXiv 1206.6464, whose estimator this is for the Gauss–Newton
//! matrix) take one reverse pass for all layers, never give a negative trace, and have no cross terms: neither other layers
//! nor, since every sample's norm is taken alone, other samples add variance. For a network that is linear in pieces
//! `H_ll = G_ll` wherever it is differentiable: `z` is linear in the weights of one layer. So this is the Hessian trace there
//! and the default; elsewhere (GELU, attention) `G` leaves out `Σ ∂ℓ/∂z ∂²z/∂W²` and Hutchinson's estimator is the default.
//! *Fisher*, the empirical one, equals neither in general (Kunstner et al., arXiv 1905.12558): a cheap proxy.
//!
//! Several predictions per sample, as of a language model: `L` is the mean over all N predictions that count, `ℓ_n` and `z_n`
//! are the sum over a sample's and their outputs side by side, and `mean_n` stands for `Σ_n / N`. A `u` of its own for every
//! prediction gives Gauss–Newton's traces as before: the cross terms have the mean 0. Fisher's are of the gradients of whole
//! samples, in which the predictions of one sample do not stand apart.
//!
//! Activations: with respect to a layer's input or output `a`, `mean_n Tr(∂²ℓ_n/∂a_n²)`.
//!
//! Cost of a draw: a forward and a reverse pass (Gauss–Newton; times the outputs of a sample if exact; Fisher), about two
//! of them (Hutchinson), or three for every product and layer (Hutch++, XTrace, exact).

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::data::{IGNORED, counted};
use crate::error::{Error, Result};
use crate::exec::{Bindings, HessianPass, Loss, Network, Real, Samples, Tape, Variation, forward, host, sample_norms};
use crate::graph::Op;
use crate::numeric::rng::Stream;
use crate::sensitivity::Estimator;
use crate::sensitivity::block_hessian::BlockHessian;
use crate::space::ActivationSite;
use crate::trace::{ProbeDistribution, TraceEstimator, TraceSource};

/// Traces of every layer's weights and, if asked for, of its activations, in element type `T`.
pub struct NetworkTraces<'a, T> {
    network: &'a Network,
    bindings: &'a Bindings,
    samples: &'a Samples<'a>,
    estimator: Estimator,
    activations: Option<ActivationSite>,
    seed: u64,
    shares: Vec<f64>,
    /// Exact traces of the weights, which need not be drawn again beside those of activations.
    exact: RefCell<BTreeMap<usize, Vec<f64>>>,
    element: std::marker::PhantomData<T>,
}

impl<'a, T: Real> NetworkTraces<'a, T> {
    /// `bindings` unquantised, with fixed norm statistics; `activations`: of which tensor of a layer, if of any.
    pub fn new(
        network: &'a Network,
        bindings: &'a Bindings,
        samples: &'a Samples<'a>,
        estimator: Estimator,
        activations: Option<ActivationSite>,
        seed: u64,
    ) -> Self {
        let all = samples.counted().iter().sum::<usize>() as f64;
        let shares = samples.counted().iter().map(|&predictions| predictions as f64 / all).collect();
        Self {
            network,
            bindings,
            samples,
            estimator,
            activations,
            seed,
            shares,
            exact: RefCell::default(),
            element: std::marker::PhantomData,
        }
    }

    /// Names of the quantities: the layers, then their activations.
    pub fn names(&self) -> Vec<String> {
        let layers = || self.network.layers().iter().map(|l| l.name.clone());
        let site = |site: ActivationSite| layers().map(move |name| format!("{name}.{site}"));
        layers().chain(self.activations.into_iter().flat_map(site)).collect()
    }

    /// # Errors
    /// When there is not one vector of outputs for every label.
    fn check_outputs(&self) -> Result<()> {
        let graph = self.network.graph();
        let (outputs, predictions) = (&graph.nodes()[graph.output()].shape, self.samples.predictions_per_sample());
        if outputs.split_last().is_some_and(|(_, rows)| rows.iter().product::<usize>() == predictions) {
            return Ok(());
        }
        let found = format!("outputs of shape {outputs:?} for {predictions} labels of a sample");
        let remedy = "use data of this network's task, or pool the positions in front of the last layer";
        Err(Error::input(format!("network `{}`", graph.name), found, "one vector of scores for each label", remedy))
    }

    fn loss(&self) -> Loss {
        Loss::default()
    }

    fn tape(&self, images: &Tensor) -> Result<Tape> {
        let mut tape = forward::<T>(self.network, self.bindings, images)?;
        tape.keep_for_reverse(self.network);
        Ok(tape)
    }

    /// Traces from gradients of single samples: `Σ ‖J_nᵀ e_n‖²` over columns `e` made by `column(logits, k)`, divided by the
    /// predictions that count.
    fn traces_of_gradients(
        &self,
        tape: &Tape,
        labels: &[u32],
        columns: usize,
        mut column: impl FnMut(&[T], usize) -> Vec<T>,
    ) -> Result<Vec<f64>> {
        let (layers, predictions) = (self.network.layers().len(), counted(labels) as f64);
        let mut traces = vec![0.0; if self.activations.is_some() { 2 * layers } else { layers }];
        for k in 0..columns {
            let e = column(&host::read::<T>(tape.output()?)?, k);
            let norms = sample_norms::<T>(self.network, self.bindings, tape, host::tensor(e, tape.output()?.dims())?)?;
            let sites = match self.activations {
                None => Vec::new(),
                Some(ActivationSite::Input) => norms.inputs,
                Some(ActivationSite::Output) => norms.outputs,
            };
            for (trace, samples) in traces.iter_mut().zip(norms.weights.iter().chain(&sites)) {
                *trace += samples.iter().sum::<f64>() / predictions;
            }
        }
        Ok(traces)
    }

    /// `S u` for every prediction, with `u(r)` for the `r`th of a sample; 0 where it does not count.
    fn factor(&self, logits: &[T], labels: &[u32], mut u: impl FnMut(usize) -> Vec<f64>) -> Vec<T> {
        let (classes, predictions) = (logits.len() / labels.len(), self.samples.predictions_per_sample());
        let mut e = vec![T::ZERO; logits.len()];
        let rows = e.chunks_exact_mut(classes).zip(logits.chunks_exact(classes)).zip(labels).enumerate();
        for (n, ((e, row), _)) in rows.filter(|(_, (_, label))| **label != IGNORED) {
            let factor = self.loss().curvature_factor(row, &u(n % predictions));
            e.iter_mut().zip(factor).for_each(|(e, value)| *e = T::from_f64(value));
        }
        e
    }

    fn gauss_newton(&self, tape: &Tape, labels: &[u32], exact: bool, stream: &mut Stream) -> Result<Vec<f64>> {
        let outputs = tape.output()?.elem_count() / tape.batch;
        let classes = outputs / self.samples.predictions_per_sample();
        if !exact {
            return self.traces_of_gradients(tape, labels, 1, |logits, _| {
                self.factor(logits, labels, |_| ProbeDistribution::Rademacher.vector(classes, stream))
            });
        }
        self.traces_of_gradients(tape, labels, outputs, |logits, k| {
            self.factor(logits, labels, |r| (0..classes).map(|i| f64::from(u8::from(r * classes + i == k))).collect())
        })
    }

    fn fisher(&self, tape: &Tape, labels: &[u32]) -> Result<Vec<f64>> {
        let predictions = T::from_f64(counted(labels) as f64);
        self.traces_of_gradients(tape, labels, 1, |logits, _| {
            // The gradient of the mean over all predictions, times their number: each sample's own.
            let gradient = self.loss().evaluate(logits, labels, None).gradient;
            gradient.into_iter().map(|g| g * predictions).collect()
        })
    }

    /// `vᵀ (Hv)` for every layer's activations.
    fn activation_traces(
        &self,
        pass: &HessianPass<'_>,
        site: ActivationSite,
        round: u64,
        block: usize,
    ) -> Result<Vec<f64>> {
        let (layers, nodes) = (self.network.layers(), self.network.graph().nodes());
        let mut stream = Stream::new(self.seed, "activation probe", &[round, block as u64]);
        let mut direction = Variation::none(layers.len());
        let mut probe = |node: usize| -> Result<Tensor> {
            let shape = self.network.batch_shape(node, self.samples.sizes()[block]);
            let entries = ProbeDistribution::Rademacher.vector(shape.iter().product(), &mut stream);
            host::tensor(entries.into_iter().map(T::from_f64).collect(), shape)
        };
        for (l, layer) in layers.iter().enumerate() {
            match site {
                // Token numbers do not move.
                ActivationSite::Input if matches!(nodes[layer.node].op, Op::Embedding(_)) => {}
                ActivationSite::Input => direction.inputs[l] = Some(probe(nodes[layer.node].inputs[0])?),
                ActivationSite::Output => direction.outputs[l] = Some(probe(layer.node)?),
            }
        }
        pass.forms::<T>(&direction)
    }
}

impl<T: Real> TraceSource for NetworkTraces<'_, T> {
    fn quantities(&self) -> usize {
        self.network.layers().len() * if self.activations.is_some() { 2 } else { 1 }
    }

    fn shares(&self) -> &[f64] {
        &self.shares
    }

    fn random(&self) -> bool {
        match self.estimator {
            Estimator::GaussNewton { exact } => !exact,
            Estimator::Fisher => false,
            Estimator::Products(products) => products.random() || self.activations.is_some(),
        }
    }

    fn draw(&self, round: u64, block: usize, go_on: &dyn Fn() -> Result<()>) -> Result<Vec<f64>> {
        let (images, labels) = self.samples.block(block)?;
        self.check_outputs()?;
        let images =
            host::tensor(host::read::<f32>(&images)?.iter().map(|&x| T::from_f64(x.into())).collect(), images.dims())?;
        let products = match self.estimator {
            Estimator::Products(products) => products,
            Estimator::GaussNewton { exact } => {
                let tape = self.tape(&images)?;
                let mut stream = Stream::new(self.seed, "curvature", &[round, block as u64]);
                return self.gauss_newton(&tape, &labels, exact, &mut stream);
            }
            Estimator::Fisher => {
                let tape = self.tape(&images)?;
                return self.fisher(&tape, &labels);
            }
        };
        let pass = HessianPass::new::<T>(self.network, self.bindings, &self.loss(), &images, &labels)?;
        let operator = BlockHessian::<T>::new(self.network, &pass, go_on);
        let mut traces = match (products, self.exact.borrow().get(&block)) {
            (TraceEstimator::Exact, Some(known)) => known.clone(),
            _ => products.draw(&operator, self.seed, round, block)?,
        };
        if products == TraceEstimator::Exact {
            self.exact.borrow_mut().insert(block, traces.clone());
        }
        if let Some(site) = self.activations {
            traces.extend(self.activation_traces(&pass, site, round, block)?);
        }
        Ok(traces)
    }
}
