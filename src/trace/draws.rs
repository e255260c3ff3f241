//! Where draws of traces come from, and how several computers share them.

use std::fmt;

use crate::error::{Result, ValueFault};

/// Draws of traces, block by block of the data.
///
/// The data come in blocks `b = 1..B` of share `w_b` of the samples; a matrix of the whole is the mean of the blocks'
/// matrices, `H = Σ_b w_b H_b`. A *draw* is an unbiased estimate of every quantity on one block alone, with randomness
/// of its own for each (round, block): `E[x_{r,b}] = Tr(H_b)`. So one round, which passes once over the data, is worth
/// `B` probes, and the spread between blocks tells what other data would give.
pub trait TraceSource {
    /// How many traces a draw estimates.
    fn quantities(&self) -> usize;

    /// `w_b`, sum 1.
    fn shares(&self) -> &[f64];

    /// Whether another round gives other numbers; if not, one round is all there is.
    fn random(&self) -> bool;

    /// `x_{r,b}` of every quantity: a pure function of its arguments, so that any order and any division of labour
    /// gives the same numbers.
    ///
    /// # Errors
    /// When the estimate cannot be computed, or `go_on` fails, which a long draw asks now and then.
    fn draw(&self, round: u64, block: usize, go_on: &dyn Fn() -> Result<()>) -> Result<Vec<f64>>;
}

/// Part `k` of `n`: the cells whose number `round · B + block` leaves the remainder `k − 1` on division by `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    index: u64,
    count: u64,
}

impl Part {
    /// Reads `k/n` with 1 ≤ k ≤ n.
    ///
    /// # Errors
    /// When the text is not of this form.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => {
                let found = crate::error::fault::quoted(text);
                Err(ValueFault::new(found, "a part `k/n` with 1 ≤ k ≤ n", "`1/4` to `4/4` are the four parts of four"))
            }
        }
    }

    /// Whether this part draws the cell.
    pub fn contains(self, round: u64, block: usize, blocks: usize) -> bool {
        let number = u128::from(round) * blocks as u128 + block as u128;
        number % u128::from(self.count) == u128::from(self.index - 1)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_in_exactly_one_part() {
        for (blocks, count) in [(1, 1), (3, 2), (4, 2), (5, 7), (1, 3)] {
            let parts: Vec<Part> = (1..=count).map(|k| Part::parse(&format!("{k}/{count}")).unwrap()).collect();
            for (round, block) in (0..9).flat_map(|r| (0..blocks).map(move |b| (r, b))) {
                assert_eq!(parts.iter().filter(|p| p.contains(round, block, blocks)).count(), 1);
            }
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "0/1", "2/1", "1", "1/0", "a/b", "-1/2", "1/2/3", "1 / 2", "1/99999999999999999999"] {
            assert!(Part::parse(text).is_err(), "{text}");
        }
        assert!(Part::parse("18446744073709551615/18446744073709551615").is_ok());
    }
}
