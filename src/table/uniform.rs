//! Uniform choices: one candidate id for every layer that has a choice.
//!
//! Layers tied to each other choose together, among the ids that all of them have. A pinned layer, and those tied to
//! it, take the pin; where one candidate is left, the layer takes it. All other layers take the id, or the uniform
//! choice does not exist.

use std::collections::BTreeSet;

use crate::table::PlanningTable;

/// Candidate index of every layer in the uniform choice of `id`. Cost: linear in the candidates.
///
/// # Errors
/// The index of the first layer that would have to take `id` and lacks it; the first one if no layer at all takes it.
pub fn uniform_choice(table: &PlanningTable, id: &str) -> Result<Vec<usize>, usize> {
    Forced::new(table).choice(table, id)
}

/// Every uniform choice with its id, in the order of first appearance in the table. Where no layer has a choice the
/// only plan stands once, under the id that the first layer takes.
///
/// Choices are made as they are asked for, each with one index per layer.
pub fn uniform_choices(table: &PlanningTable) -> impl Iterator<Item = (String, Vec<usize>)> {
    let forced = Forced::new(table);
    let ids = forced.ids(table);
    ids.into_iter().filter_map(move |id| Some((id.to_string(), forced.choice(table, id).ok()?)))
}

/// The candidate that each layer must take, where there is only one.
struct Forced(Vec<Option<usize>>);

impl Forced {
    fn new(table: &PlanningTable) -> Self {
        let layers = table.layers();
        let mut forced: Vec<Option<usize>> = layers.iter().map(|l| (l.candidates.len() == 1).then_some(0)).collect();
        table.pins().iter().for_each(|(&l, &c)| forced[l] = Some(c));
        for group in table.groups() {
            let pin = group.iter().find_map(|l| table.pins().get(l).map(|&c| layers[*l].candidates[c].id.as_str()));
            let common = table.common_ids(group);
            let only = pin.or(if let [only] = common[..] { Some(only) } else { None });
            group.iter().for_each(|&l| forced[l] = only.and_then(|id| layers[l].candidate(id)));
        }
        Forced(forced)
    }

    fn choice(&self, table: &PlanningTable, id: &str) -> Result<Vec<usize>, usize> {
        let each = self.0.iter().zip(table.layers()).enumerate();
        let choice: Vec<usize> = each
            .map(|(l, (forced, layer))| forced.or_else(|| layer.candidate(id)).ok_or(l))
            .collect::<Result<_, _>>()?;
        let taken = choice.iter().zip(table.layers()).any(|(&c, layer)| layer.candidates[c].id == id);
        if taken { Ok(choice) } else { Err(0) }
    }

    /// The ids that all free layers have, in the order of first appearance in the table.
    fn ids<'a>(&self, table: &'a PlanningTable) -> Vec<&'a str> {
        let layers = table.layers();
        let free: Vec<usize> = (0..layers.len()).filter(|&l| self.0[l].is_none()).collect();
        if free.is_empty() {
            return self.0[0].map(|c| layers[0].candidates[c].id.as_str()).into_iter().collect();
        }
        let mut left: BTreeSet<&str> = table.common_ids(&free).into_iter().collect();
        let ids = layers.iter().flat_map(|l| &l.candidates).map(|c| c.id.as_str());
        ids.filter(|id| left.remove(id)).collect()
    }
}

#[cfg(test)]
#[path = "uniform_tests.rs"]
mod tests;
