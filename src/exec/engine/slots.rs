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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::engine::action::Target;
    use crate::numeric::rng::Stream;

    /// Random programs, run twice: with a place for every name, and with the places given here.
    #[test]
    fn no_value_is_overwritten_while_somebody_will_read_it() {
        for seed in 0..300 {
            let mut stream = Stream::new(seed, "slots", &[]);
            let mut actions = Vec::new();
            let names = 12;
            for name in 0..names {
                let read = |stream: &mut Stream| Place::Local(stream.below(name.max(1) as u64) as usize);
                let (y, g) = (read(&mut stream), read(&mut stream));
                let (y, g) = if name == 0 { (Place::Images, Place::Images) } else { (y, g) };
                let target = Target { place: Place::Local(name), add: false };
                actions.push(Action::Masked { node: name, y: Some(y), g, targets: vec![target] });
            }
            let run = |actions: &[Action], size: usize| {
                let (mut memory, mut trace) = (vec![0u64; size], Vec::new());
                for action in actions {
                    let Action::Masked { node, y: Some(y), g, targets } = action else { continue };
                    let read = |place: &Place| if let Place::Local(at) = place { memory[*at] } else { 1 };
                    let value = read(y).wrapping_mul(31) ^ read(g).wrapping_mul(17) ^ *node as u64;
                    trace.push(value);
                    if let Place::Local(at) = targets[0].place {
                        memory[at] = value;
                    }
                }
                trace
            };
            let expected = run(&actions, names);
            let count = assign(&mut actions, names);
            assert_eq!(run(&actions, count), expected);
            assert!(count < names, "something is always used again");
        }
    }
}
