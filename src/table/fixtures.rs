//! Tables that several tests plan on.

use std::collections::BTreeMap;

use super::{Budget, PlanningTable, RawCandidate, RawLayer, RawTable};

/// A layer of candidates `(sensitivity, costs)` with ids `c0, c1, …`; cost `k` is named `cost<k>`.
pub(crate) fn layer(name: &str, candidates: &[(f64, Vec<f64>)]) -> RawLayer {
    let candidate = |(i, (sensitivity, costs)): (usize, &(f64, Vec<f64>))| RawCandidate {
        id: format!("c{i}"),
        weight_bits: Some(2 + i as u32 % 16),
        activation_bits: None,
        sensitivity: *sensitivity,
        stderr: None,
        cost: costs.iter().enumerate().map(|(k, &c)| (format!("cost{k}"), c)).collect(),
    };
    RawLayer { name: name.into(), parameters: None, candidates: candidates.iter().enumerate().map(candidate).collect() }
}

pub(crate) fn raw(layers: Vec<RawLayer>) -> RawTable {
    RawTable { format: super::TABLE_FORMAT.into(), name: "t".into(), layers, groups: vec![], pins: BTreeMap::new() }
}

pub(crate) fn table(layers: Vec<RawLayer>) -> PlanningTable {
    PlanningTable::check(raw(layers), "test").unwrap()
}

/// SplitMix64 (Steele, Lea and Flood 2014), uniform in `[0, 1)`.
pub(crate) struct Uniform(pub u64);

impl Uniform {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How the numbers of a random table hang together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `params · bits` and `s · 4^−bits`, as quantisation has them.
    Real,
    /// Independent.
    Uniform,
    /// Sensitivity falls with the cost along nearly one line: the hard case of knapsack problems.
    Correlated,
    /// Every layer costs the same; sensitivities differ by 1e-6.
    Tied,
}

/// A random table with `widths²` candidates per layer (weight × activation bits) when `square`, else `widths`.
pub(crate) fn random(kind: Kind, layers: usize, widths: usize, square: bool, seed: u64) -> PlanningTable {
    let mut u = Uniform(seed);
    let mut out = Vec::new();
    for l in 0..layers {
        let (params, macs, steep) = (1e3 + 1e5 * u.next(), 1e4 + 1e6 * u.next(), (-8.0 * u.next()).exp());
        let mut candidates = Vec::new();
        for w in 0..widths {
            for a in if square { 0..widths } else { w..w + 1 } {
                let (bw, ba) = ((2 + 2 * w) as f64, (2 + 2 * a) as f64);
                candidates.push(match kind {
                    Kind::Real => (
                        steep * (4f64.powf(-bw) + 0.3 * 4f64.powf(-ba)),
                        vec![(params * bw).round(), (macs * bw * ba).round()],
                    ),
                    Kind::Uniform => (u.next(), vec![u.next(), u.next()]),
                    Kind::Correlated => {
                        let (x, y) = (u.next(), u.next());
                        (3.0 - x - y + 0.01 * u.next(), vec![1.0 + x, 1.0 + y])
                    }
                    Kind::Tied => (4f64.powf(-bw) + 0.3 * 4f64.powf(-ba) + 1e-6 * u.next(), vec![bw, bw * ba]),
                });
            }
        }
        out.push(layer(&format!("layer{l:04}"), &candidates));
    }
    table(out)
}

/// Budgets at a share of the way from the cheapest to the dearest plan.
pub(crate) fn budgets(table: &PlanningTable, shares: &[f64]) -> Vec<Budget> {
    let end = |k: usize, pick: fn(f64, f64) -> f64| -> f64 {
        table.layers().iter().filter_map(|l| l.candidates.iter().map(|c| c.cost[k]).reduce(pick)).sum()
    };
    let limit = |(k, share): (usize, &f64)| (end(k, f64::min) * (1.0 - share) + end(k, f64::max) * share).floor();
    shares.iter().enumerate().map(|(k, s)| Budget::new(format!("cost{k}"), limit((k, s)))).collect()
}
