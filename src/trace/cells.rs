//! All draws so far: which numbers of which block in which round.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::trace::cells_file::{RawCells, TRACES_FORMAT};

/// Draws of traces: cell (round, block) → one value for each quantity. Checked: at least one quantity and block, names
/// unique, shares positive with the sum 1, every cell inside, of the right length, and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    pub(super) key: String,
    pub(super) estimator: String,
    pub(super) quantities: Vec<String>,
    pub(super) shares: Vec<f64>,
    pub(super) values: BTreeMap<(u64, usize), Vec<f64>>,
}

impl Cells {
    /// Without draws yet. `key`: hash of all that the numbers depend on; `estimator`: its name; `quantities`: what is
    /// traced; `shares`: `w_b` of the blocks.
    ///
    /// # Errors
    /// [`Error::Input`] when a name or share is not allowed.
    pub fn new(key: &str, estimator: &str, quantities: Vec<String>, shares: Vec<f64>) -> Result<Self> {
        let (format, key, estimator) = (TRACES_FORMAT.into(), key.into(), estimator.into());
        Self::check(RawCells { format, key, estimator, quantities, shares, cells: Vec::new() }, "traces")
    }

    /// The hash of all that the numbers depend on.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Name of the estimator.
    pub fn estimator(&self) -> &str {
        &self.estimator
    }

    /// Names of what is traced.
    pub fn quantities(&self) -> &[String] {
        &self.quantities
    }

    /// `w_b`.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Number of draws.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of a cell.
    pub fn get(&self, round: u64, block: usize) -> Option<&[f64]> {
        self.values.get(&(round, block)).map(Vec::as_slice)
    }

    /// `R`: rounds 0..R have all their blocks.
    pub fn complete_rounds(&self) -> u64 {
        self.missing_from(u64::MAX).next().map_or(0, |(round, _)| round)
    }

    /// Rounds of which at least one block is there, counted from the first to the last such.
    pub fn begun_rounds(&self) -> u64 {
        self.values.last_key_value().map_or(0, |((round, _), _)| round + 1)
    }

    /// What is missing from rounds 0..`rounds`.
    pub fn missing(&self, rounds: u64) -> Missing {
        const SHOWN: usize = 8;
        let expected = u128::from(rounds) * self.shares.len() as u128;
        let count = expected - self.values.range(..(rounds, 0)).count() as u128;
        Missing { rounds, count, first: self.missing_from(rounds).take(SHOWN).collect() }
    }

    /// The missing cells of rounds 0..`rounds`, in order.
    fn missing_from(&self, rounds: u64) -> impl Iterator<Item = (u64, usize)> {
        let blocks = self.shares.len();
        let mut present = self.values.keys().copied().peekable();
        let all = (0..rounds).flat_map(move |round| (0..blocks).map(move |block| (round, block)));
        all.filter(move |cell| present.next_if_eq(cell).is_none())
    }

    /// Takes a draw in.
    ///
    /// # Errors
    /// When a value is not finite: the model has diverged. A draw of another length is a fault of its source.
    pub(super) fn insert(&mut self, round: u64, block: usize, values: Vec<f64>) -> Result<()> {
        if values.len() != self.quantities.len() || block >= self.shares.len() {
            return Err(Error::Internal(format!("{} traces for {}", values.len(), self.quantities.len())));
        }
        if let Some(q) = values.iter().position(|v| !v.is_finite()) {
            let place = format!("FP32 model, `{}`", self.quantities[q]);
            let remedy = "the model has diverged: train it again";
            return Err(Error::input(place, "a trace that is not finite", "finite numbers", remedy));
        }
        self.values.insert((round, block), values);
        Ok(())
    }
}

/// Cells that a number of rounds still lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The rounds.
    pub rounds: u64,
    /// How many cells.
    pub count: u128,
    /// The first few of them: (round, block), both from 0.
    pub first: Vec<(u64, usize)>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounds = self.rounds;
        if self.count == 0 {
            return write!(f, "nothing is missing from {rounds} rounds");
        }
        let first: Vec<String> = self.first.iter().map(|(r, b)| format!("({r}, {b})")).collect();
        let more = if self.count > first.len() as u128 { ", …" } else { "" };
        write!(f, "{} draws are missing from {rounds} rounds: (round, batch) {}{more}", self.count, first.join(", "))
    }
}

#[cfg(test)]
#[path = "cells_tests.rs"]
mod tests;
