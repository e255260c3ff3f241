//! Mean weight bits as costs, so that a budget can limit them:
//!
//! ```text
//! avg_weight_bits        Σ_l n_l b_l / Σ_l n_l     n_l weights of layer l, b_l bits of each
//! layer_avg_weight_bits  Σ_l b_l / L               L layers
//! ```
//!
//! The share of layer `l` is its cost, so that the costs of a plan sum to its average. A table that states a cost of
//! such a name means its own.

use crate::error::fault::either;
use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::table::{Candidate, Layer, PlanningTable};

/// Mean bits of a weight over all weights.
pub const AVG_WEIGHT_BITS: &str = "avg_weight_bits";
/// Mean over the layers of their weight bits.
pub const LAYER_AVG_WEIGHT_BITS: &str = "layer_avg_weight_bits";
/// Every cost that can be derived from a table.
pub const DERIVED: [&str; 2] = [AVG_WEIGHT_BITS, LAYER_AVG_WEIGHT_BITS];

impl PlanningTable {
    /// The table with a column for the cost `name`: unchanged if it has one, else with an average of [`DERIVED`] in its
    /// sorted place. Cost: linear.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such cost, or with the first layer that lacks what the average needs.
    pub fn with_cost(mut self, name: &str) -> Result<Self> {
        let Err(k) = self.cost_names.binary_search_by(|known| known.as_str().cmp(name)) else { return Ok(self) };
        let shares = self.cost(name)?;
        for (candidate, share) in self.layers.iter_mut().flat_map(|l| &mut l.candidates).zip(shares.iter().flatten()) {
            candidate.cost.insert(k, *share);
        }
        let mut names = self.cost_names.to_vec();
        names.insert(k, name.to_string());
        self.cost_names = names.into();
        Ok(self)
    }

    /// The cost `name` of every candidate of every layer, stated or derived.
    ///
    /// # Errors
    /// As [`PlanningTable::with_cost`].
    pub(super) fn cost(&self, name: &str) -> Result<Vec<Vec<f64>>> {
        let each = |of: &dyn Fn(&Layer, &Candidate) -> f64| -> Vec<Vec<f64>> {
            self.layers.iter().map(|l| l.candidates.iter().map(|c| of(l, c)).collect()).collect()
        };
        if let Ok(k) = self.cost_names.binary_search_by(|known| known.as_str().cmp(name)) {
            return Ok(each(&|_, c| c.cost[k]));
        }
        let bits = |c: &Candidate| c.weight_bits.map_or(0.0, f64::from);
        let weights = |l: &Layer| l.parameters.map_or(0.0, |n| n as f64);
        match name {
            AVG_WEIGHT_BITS => {
                self.needs(name, "parameters", |l| l.parameters.is_none())?;
                self.needs(name, "weight_bits", |l| l.candidates.iter().any(|c| c.weight_bits.is_none()))?;
                let all = sum(self.layers.iter().map(weights));
                if all == 0.0 {
                    return Err(self.unknown_cost(name, "a table of layers without weights", "layers with parameters"));
                }
                Ok(each(&|l, c| weights(l) * bits(c) / all))
            }
            LAYER_AVG_WEIGHT_BITS => {
                self.needs(name, "weight_bits", |l| l.candidates.iter().any(|c| c.weight_bits.is_none()))?;
                let layers = self.layers.len() as f64;
                Ok(each(&|_, c| bits(c) / layers))
            }
            _ => {
                let expected = either(self.cost_names.iter().map(String::as_str));
                Err(self.unknown_cost(name, "no such cost", &expected))
            }
        }
    }

    /// Fails with the first layer that lacks `field`.
    fn needs(&self, name: &str, field: &str, lacks: impl Fn(&Layer) -> bool) -> Result<()> {
        let Some(layer) = self.layers.iter().find(|l| lacks(l)) else { return Ok(()) };
        let hint = format!("add {field} to the table, or a cost `{name}`");
        let found = format!("layer {} without {field}", quoted(&layer.name));
        Err(Error::Usage(format!("budget `{name}`: found {found}, expected them for every layer\n  hint: {hint}")))
    }
}

#[cfg(test)]
#[path = "average_tests.rs"]
mod tests;
