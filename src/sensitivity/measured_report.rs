//! Measured against predicted loss increases, `bitplan.measured/1`.

use serde::{Deserialize, Serialize};

use crate::numeric::rank::{kendall, spearman};
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::sensitivity::{
    Additivity, CandidateSensitivity, Estimate, LayerSensitivity, Measured, Pair, SensitivityReport,
};
use crate::space::Candidate;

/// What this program writes.
const FORMAT: &str = "bitplan.measured/1";

/// One candidate of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredCandidate {
    /// Its bits.
    pub candidate: Candidate,
    /// `ΔL`, loss increase with only this layer at it.
    pub increase: f64,
    /// Standard error of the paired differences.
    pub stderr: f64,
    /// Its prediction to second order.
    pub predicted: f64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredLayer {
    /// Its name.
    pub name: String,
    /// Its candidates, widest first.
    pub candidates: Vec<MeasuredCandidate>,
}

/// Two layers at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPair {
    /// Their names.
    pub layers: [String; 2],
    /// Their bits.
    pub candidates: [Candidate; 2],
    /// `ΔL` of both together.
    pub increase: f64,
    /// `I`, what it is above the sum of the two alone.
    pub interaction: f64,
    /// Paired standard error of `I`.
    pub stderr: f64,
}

/// All layers at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredJoint {
    /// The uniform candidate.
    pub candidate: Candidate,
    /// `ΔL` of all layers together.
    pub increase: Estimate,
    /// `Σ ΔL` of the layers alone.
    pub sum: Estimate,
    /// Share of the joint increase that is not a sum; none if there is no increase.
    pub not_additive: Option<Estimate>,
}

/// How well the predicted order is the measured one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankAgreement {
    /// Among the layers that have this candidate; none: all layers and candidates.
    pub candidate: Option<Candidate>,
    /// Values compared.
    pub count: u64,
    /// Spearman's ρ; none if it has no value.
    pub spearman: Option<f64>,
    /// Kendall's τ-b; none if it has no value.
    pub kendall: Option<f64>,
}

/// Everything that was measured, with the prediction beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredReport {
    /// `bitplan.measured/1`.
    pub format: String,
    /// Scale of the quantised weights.
    pub scale: WeightScale,
    /// Images that the loss was taken over.
    pub images: u64,
    /// Loss of the FP32 network.
    pub base: Estimate,
    /// One per layer, in graph order.
    pub layers: Vec<MeasuredLayer>,
    /// The pairs.
    pub pairs: Vec<MeasuredPair>,
    /// One per uniform candidate, widest first.
    pub joint: Vec<MeasuredJoint>,
    /// Over all, then for each candidate.
    pub agreement: Vec<RankAgreement>,
}

impl MeasuredReport {
    /// Puts a measurement beside the sensitivities; all of one scheme. `pairs` as measured; the joint configurations are
    /// those of `uniform`, in order. Layers that stay FP32 have no part in the ranks.
    pub fn new(
        scheme: &Scheme,
        sensitivity: &SensitivityReport,
        measured: &Measured,
        pairs: &[Pair],
        uniform: &[Candidate],
    ) -> Self {
        let layer = |(layer, increases): (&LayerSensitivity, &Vec<Estimate>)| {
            let candidate = |(c, increase): (&CandidateSensitivity, &Estimate)| MeasuredCandidate {
                candidate: c.candidate,
                increase: increase.mean,
                stderr: increase.stderr,
                predicted: c.predicted,
            };
            let candidates = layer.candidates.iter().zip(increases).map(candidate).collect();
            MeasuredLayer { name: layer.name.clone(), candidates }
        };
        let layers: Vec<MeasuredLayer> = sensitivity.layers.iter().zip(&measured.increases).map(layer).collect();
        let pair = |(pair, (both, interaction)): (&Pair, &(Estimate, Estimate))| MeasuredPair {
            layers: pair.layers.map(|l| scheme.layers[l].name.clone()),
            candidates: [0, 1].map(|i| scheme.layers[pair.layers[i]].candidates[pair.candidates[i]]),
            increase: both.mean,
            interaction: interaction.mean,
            stderr: interaction.stderr,
        };
        let joint = |(&candidate, all): (&Candidate, &Additivity)| MeasuredJoint {
            candidate,
            increase: all.joint,
            sum: all.sum,
            not_additive: all.share,
        };
        let mut candidates: Vec<Candidate> =
            layers.iter().flat_map(|l| &l.candidates).map(|c| c.candidate).filter(|c| !c.is_fp32()).collect();
        candidates.sort_by(|a, b| b.cmp(a));
        candidates.dedup();
        let mut agreement = vec![RankAgreement::of(&layers, None)];
        agreement.extend(candidates.into_iter().map(|c| RankAgreement::of(&layers, Some(c))));
        Self {
            format: FORMAT.into(),
            scale: sensitivity.scale,
            images: measured.images,
            base: measured.base,
            pairs: pairs.iter().zip(&measured.pairs).map(pair).collect(),
            joint: uniform.iter().zip(&measured.joint).map(joint).collect(),
            layers,
            agreement,
        }
    }
}

impl RankAgreement {
    fn of(layers: &[MeasuredLayer], candidate: Option<Candidate>) -> Self {
        let all = layers.iter().flat_map(|l| &l.candidates).filter(|c| !c.candidate.is_fp32());
        let compared = all.filter(|c| candidate.is_none_or(|only| c.candidate == only));
        let (predicted, measured): (Vec<f64>, Vec<f64>) = compared.map(|c| (c.predicted, c.increase)).unzip();
        Self {
            candidate,
            count: predicted.len() as u64,
            spearman: spearman(&predicted, &measured),
            kendall: kendall(&predicted, &measured),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, candidates: &[(&str, f64, f64)]) -> MeasuredLayer {
        let candidate = |&(id, increase, predicted): &(&str, f64, f64)| MeasuredCandidate {
            candidate: id.parse().unwrap(),
            increase,
            stderr: 0.1,
            predicted,
        };
        MeasuredLayer { name: name.into(), candidates: candidates.iter().map(candidate).collect() }
    }

    #[test]
    fn agreement_is_over_the_layers_that_have_the_candidate_and_leaves_fp32_out() {
        let layers = [
            layer("a", &[("w8a8", 0.1, 0.3), ("w2a2", 1.0, 2.0)]),
            layer("b", &[("w8a8", 0.2, 0.2), ("w2a2", 2.0, 3.0)]),
            layer("c", &[("w8a8", 0.3, 0.1)]),
            layer("d", &[("fp32", 0.0, 9.0)]),
        ];
        let of = |candidate: Option<&str>| RankAgreement::of(&layers, candidate.map(|c| c.parse().unwrap()));
        assert_eq!((of(Some("w8a8")).count, of(Some("w8a8")).kendall), (3, Some(-1.0)));
        assert_eq!((of(Some("w2a2")).count, of(Some("w2a2")).spearman), (2, Some(1.0)));
        // Of 10 pairs the 3 among w8a8 are in opposite order.
        assert_eq!((of(None).count, of(None).kendall), (5, Some(0.4)));
        assert_eq!(of(Some("w4a4")).spearman, None);
    }
}
