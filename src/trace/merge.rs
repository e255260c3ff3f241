//! Draws of several processes, put together.
//!
//! A cell depends on nothing but its key, round and block, so the union of partial files is what one process would have
//! drawn; all sums run in the order of the cells, so the traces agree to the last bit whatever the split and the order
//! of the files.

use std::collections::btree_map::Entry;

use crate::error::{Error, Result};
use crate::trace::Cells;

/// The union of partial draws, each with the name of its file. Which cells it still lacks tells [`Cells::missing`].
///
/// # Errors
/// [`Error::Input`] that names both files when they have another key, estimator, quantities or shares, or other values
/// in the same cell; and when there is no file.
pub fn merge(files: impl IntoIterator<Item = (String, Cells)>) -> Result<Cells> {
    let mut files = files.into_iter();
    let Some((first, mut merged)) = files.next() else {
        return Err(Error::input("merge", "no file", "one or more", "name the partial files"));
    };
    // For the message about a cell: the file that it came from.
    let mut sources: Vec<(String, Vec<(u64, usize)>)> = vec![(first.clone(), merged.values.keys().copied().collect())];
    for (place, cells) in files {
        if let Some((what, found, expected)) = difference(&cells, &merged) {
            let expected = format!("{expected}, as in {first}");
            return Err(Error::input(
                format!("{place}: {what}"),
                found,
                expected,
                "they are of other weights, images, batch size, seed or estimator: use one search space and seed for all parts",
            ));
        }
        let mut new = Vec::new();
        for (cell, values) in cells.values {
            match merged.values.entry(cell) {
                Entry::Vacant(entry) => {
                    entry.insert(values);
                    new.push(cell);
                }
                Entry::Occupied(entry) if same(entry.get(), &values) => {}
                Entry::Occupied(_) => {
                    let (round, block) = cell;
                    let holder = sources.iter().find(|(_, cells)| cells.binary_search(&cell).is_ok());
                    let expected = format!("the values in {}", holder.map_or(first.as_str(), |(name, _)| name));
                    let place = format!("{place}: round {round}, block {block}");
                    let remedy = "one of the files is damaged or of another computer: draw one of them again";
                    return Err(Error::input(place, "other values", expected, remedy));
                }
            }
        }
        sources.push((place, new));
    }
    Ok(merged)
}

/// Why the two are not of one estimate: what, theirs, ours.
fn difference(theirs: &Cells, ours: &Cells) -> Option<(&'static str, String, String)> {
    let text = |what, theirs: &str, ours: &str| Some((what, format!("`{theirs}`"), format!("`{ours}`")));
    if theirs.key != ours.key {
        return text("key", &theirs.key, &ours.key);
    }
    if theirs.estimator != ours.estimator {
        return text("estimator", &theirs.estimator, &ours.estimator);
    }
    let list = |what, theirs: usize, ours: usize, at: Option<usize>| match at {
        Some(at) if theirs == ours => Some((what, format!("another entry {at}"), "the same".to_string())),
        _ => Some((what, format!("{theirs} entries"), format!("{ours}"))),
    };
    if theirs.quantities != ours.quantities {
        let at = theirs.quantities.iter().zip(&ours.quantities).position(|(t, o)| t != o);
        return list("quantities", theirs.quantities.len(), ours.quantities.len(), at);
    }
    if !same(&theirs.shares, &ours.shares) {
        let at = theirs.shares.iter().zip(&ours.shares).position(|(t, o)| t != o);
        return list("shares", theirs.shares.len(), ours.shares.len(), at);
    }
    None
}

/// Equal to the last bit.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
