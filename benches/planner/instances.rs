//! The instances of the planner's benchmark: five kinds of tables, each the same at every run.
//!
//! Every cost is a whole number, so that any reader can check a budget exactly.

use std::f64::consts::TAU;

use bitplan::error::Result;
use bitplan::solve::Problem;
use bitplan::table::{Budget, PlanningTable, RawCandidate, RawLayer, RawTable, TABLE_FORMAT};

/// Where a budget lies between the cheapest and the dearest plan, the first budget first. Not round: a round share of
/// equal layers is met exactly, and the linear relaxation is then the answer.
const SHARES: [f64; 3] = [0.403_170, 0.453_917, 0.507_131];
/// Bits of weights and of activations of a layer's candidates, by their number.
const BITS: [(usize, &[(u32, u32)]); 3] = [
    (2, &[(4, 4), (8, 8)]),
    (4, &[(2, 2), (4, 4), (6, 6), (8, 8)]),
    (8, &[(2, 4), (2, 8), (4, 4), (4, 8), (6, 4), (6, 8), (8, 4), (8, 8)]),
];
/// Layers and candidates: growing depth at four candidates, then other numbers of candidates.
const SIZES: [(usize, usize); 8] = [(20, 4), (54, 4), (200, 4), (1000, 4), (5000, 4), (20000, 4), (1000, 2), (1000, 8)];
/// Costs of the kinds without a network behind them are whole numbers up to here, and for `correlated` and
/// `subset-sum` up to twice as much.
const COST: f64 = 1e6;
/// Seed of all instances.
const SEED: u64 = 20_261_121;

/// How the numbers of a table hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Weight memory, bit operations and a latency; sensitivity `s·4^−bits`, with `s` and the sizes of layers over
    /// several decades: what planning sees.
    Realistic,
    /// Everything uniform and independent.
    Uncorrelated,
    /// Every layer costs the same, and sensitivities differ by 1e-6 of themselves.
    Tied,
    /// Sensitivity falls with the sum of the costs, but for 1 % of noise: hard for knapsack solvers.
    Correlated,
    /// Sensitivity is the negative sum of the costs exactly: the best plan fills the budget best.
    SubsetSum,
}

impl Kind {
    /// All kinds, with the names that instances have.
    pub const ALL: [(&'static str, Kind); 5] = [
        ("realistic", Kind::Realistic),
        ("uncorrelated", Kind::Uncorrelated),
        ("tied", Kind::Tied),
        ("correlated", Kind::Correlated),
        ("subset-sum", Kind::SubsetSum),
    ];
}

/// Which instance: everything that its numbers depend on.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    /// Its kind.
    pub kind: Kind,
    /// Name of the kind.
    pub kind_name: &'static str,
    /// Number of layers.
    pub layers: usize,
    /// Candidates of every layer.
    pub candidates: usize,
    /// Number of budgets, 1 to 3.
    pub budgets: usize,
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Rng(u64);

impl Rng {
    /// Uniform in `[0, 1)`.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Log-uniform from `low` to `high`.
    fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.uniform())
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

impl Instance {
    /// Every instance, by kind, size and number of budgets.
    pub fn all() -> impl Iterator<Item = Instance> {
        Kind::ALL.into_iter().flat_map(|(kind_name, kind)| {
            SIZES.into_iter().flat_map(move |(layers, candidates)| {
                (1..=SHARES.len()).map(move |budgets| Instance { kind, kind_name, layers, candidates, budgets })
            })
        })
    }

    /// `kind-LAYERSxCANDIDATES-BUDGETS`.
    pub fn name(&self) -> String {
        format!("{}-{}x{}-{}", self.kind_name, self.layers, self.candidates, self.budgets)
    }

    /// Its table and budgets. The number of budgets does not change the rest of the table of the kinds whose
    /// sensitivity does not depend on it.
    pub fn table(&self) -> RawTable {
        let shape = ((self.kind as u64) << 48) | ((self.layers as u64) << 16) | self.candidates as u64;
        let mut rng = Rng(SEED ^ shape.wrapping_mul(0xd134_2543_de82_ef95));
        let bits = BITS.iter().find(|(n, _)| *n == self.candidates).map_or(BITS[1].1, |(_, bits)| bits);
        let layers = (0..self.layers).map(|l| {
            let numbers = self.layer(&mut rng, bits).into_iter().zip(bits).enumerate();
            let candidates = numbers.map(|(c, ((sensitivity, cost), &(weight, activation)))| RawCandidate {
                id: format!("c{c}"),
                weight_bits: Some(weight),
                activation_bits: Some(activation),
                sensitivity,
                stderr: None,
                cost: cost[..self.budgets].iter().enumerate().map(|(k, &x)| (format!("cost{k}"), x)).collect(),
            });
            RawLayer { name: format!("layer{l:05}"), parameters: None, candidates: candidates.collect() }
        });
        RawTable {
            format: TABLE_FORMAT.into(),
            name: self.name(),
            layers: layers.collect(),
            groups: Vec::new(),
            pins: Default::default(),
        }
    }

    /// Sensitivity and three costs of each candidate of one layer.
    fn layer(&self, rng: &mut Rng, bits: &[(u32, u32)]) -> Vec<(f64, [f64; 3])> {
        let parameters = 4.0 * (rng.log_uniform(1e3, 1e6) / 4.0).round();
        let macs = (rng.log_uniform(1e5, 1e8)).round();
        let (weight_loss, activation_loss) = ((2.0 * rng.normal()).exp(), 0.3 * (2.0 * rng.normal()).exp());
        let mut candidates: Vec<(f64, [f64; 3])> = Vec::with_capacity(bits.len());
        for &(weight, activation) in bits {
            let (bw, ba) = (f64::from(weight), f64::from(activation));
            let product = bw * ba;
            let x = [rng.uniform(), rng.uniform(), rng.uniform()];
            let whole = |low: f64| x.map(|x| (COST * (low + x)).round());
            let sum = |cost: [f64; 3]| cost[..self.budgets].iter().sum::<f64>() / COST;
            candidates.push(match self.kind {
                Kind::Realistic => {
                    let loss = weight_loss * 4f64.powf(-bw) + activation_loss * 4f64.powf(-ba);
                    // Time of a layer in ns at 1 GMAC/s in 8 bits, with measurement noise.
                    let time = macs * (0.5 + product / 128.0) * (0.9 + 0.2 * x[0]);
                    (loss, [parameters * bw / 8.0, macs * product, time.round()])
                }
                Kind::Uncorrelated => (rng.uniform(), whole(0.0)),
                Kind::Tied => {
                    let loss = 4f64.powf(-bw) + 0.3 * 4f64.powf(-ba);
                    (loss * (1.0 + 1e-6 * x[0]), [250.0 * bw, 1e5 * product, 1e3 * (bw + ba)])
                }
                Kind::Correlated => {
                    let cost = whole(1.0);
                    (2.0 * self.budgets as f64 - sum(cost) + 0.01 * rng.uniform(), cost)
                }
                Kind::SubsetSum => {
                    let cost = whole(1.0);
                    // Whole numbers, so that equal sums are equal in any order of addition.
                    (COST * (2.0 * self.budgets as f64) - cost[..self.budgets].iter().sum::<f64>(), cost)
                }
            });
        }
        candidates
    }

    /// The table, checked, as the problem under its budgets.
    ///
    /// # Errors
    /// None for the instances of [`Instance::all`].
    pub fn problem(&self) -> Result<Problem> {
        let table = PlanningTable::check(self.table(), &self.name())?;
        let budgets: Vec<Budget> = (0..self.budgets)
            .map(|k| {
                let end = |pick: fn(f64, f64) -> f64| -> f64 {
                    table.layers().iter().filter_map(|l| l.candidates.iter().map(|c| c.cost[k]).reduce(pick)).sum()
                };
                let (cheapest, dearest) = (end(f64::min), end(f64::max));
                Budget::new(format!("cost{k}"), (cheapest + SHARES[k] * (dearest - cheapest)).floor())
            })
            .collect();
        Problem::new(&table, &budgets)
    }
}
