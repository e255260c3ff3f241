//! Giving the places of a thread to the values of a program, so that few are needed and those are warm.

use crate::exec::engine::action::{Action, Place};

/// Renumbers the local places: a number is free again behind the last action that names it. Returns how many there are.
pub(super) fn assign(actions: &mut [Action], names: usize) -> usize {
    let mut last = vec![0; names];
    for (at, action) in actions.iter_mut().enumerate() {
        for place in action.places() {
            if let Place::Local(name) = *place {
                last[name] = at;
            }
        }
    }
    let (mut slots, mut free, mut count) = (vec![None; names], Vec::new(), 0);
    for (at, action) in actions.iter_mut().enumerate() {
        let mut ended = Vec::new();
        for place in action.places() {
            let Place::Local(name) = *place else { continue };
            let slot = *slots[name].get_or_insert_with(|| {
                free.pop().unwrap_or_else(|| {
                    count += 1;
                    count - 1
                })
            });
            *place = Place::Local(slot);
            if last[name] == at && !ended.contains(&slot) {
                ended.push(slot);
            }
        }
        free.extend(ended);
    }
    count
}
