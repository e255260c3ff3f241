use std::collections::BTreeSet;

use super::*;
use crate::exec::engine::action::Target;
use crate::zoo::{resnet8, resnet20};

fn networks() -> [Network; 2] {
    [Network::new(resnet8([1, 12, 12], 10).unwrap()), Network::new(resnet20([3, 16, 16], 10).unwrap())]
}

fn places(action: &Action) -> Vec<Place> {
    action.clone().places().into_iter().map(|place| *place).collect()
}

/// The places that an action reads before it writes.
fn reads(action: &Action) -> Vec<Place> {
    let mut targets: Vec<Target> = Vec::new();
    let mut reads = match action.clone() {
        Action::Evaluate { inputs, .. } => inputs,
        Action::Statistics { x, .. } => vec![x],
        Action::ThroughNorm { x, g, target, .. } | Action::BehindNorm { x, g, target, .. } => {
            targets.push(target);
            vec![x, g]
        }
        Action::Layer { x, g, target, .. } => {
            targets.extend(target);
            vec![x, g]
        }
        Action::Masked { y, g, targets: all, .. } => {
            // The second of two targets may be the first again.
            targets.extend(all.first());
            y.into_iter().chain([g]).collect()
        }
        Action::Adjoint { g, target, .. } => {
            targets.push(target);
            vec![g]
        }
        Action::Function { inputs, g, targets: all, .. } => {
            targets.extend(all.first().copied().flatten());
            inputs.into_iter().chain([g]).collect()
        }
    };
    reads.extend(targets.into_iter().filter(|target| target.add).map(|target| target.place));
    reads
}

#[test]
fn there_is_one_pass_for_each_norm_on_the_longest_way_and_one_for_evaluation() {
    let [small, large] = networks();
    // Stem and two norms for each of three blocks; stem and two for each of nine.
    assert_eq!(Plan::new(&small, Mode::Training(Memory::Recompute)).forward.len(), 1 + 1 + 2 * 3);
    assert_eq!(Plan::new(&large, Mode::Training(Memory::Recompute)).forward.len(), 1 + 1 + 2 * 9);
    assert_eq!(Plan::new(&large, Mode::Training(Memory::Recompute)).backward.len(), 1 + 1 + 2 * 9);
    let evaluation = Plan::new(&large, Mode::Evaluation);
    assert_eq!((evaluation.forward.len(), evaluation.backward.len()), (1, 0));
    assert_eq!(evaluation.forward[0].writes, [Key::Value(large.graph().output())]);
    // A residual block needs its input, a value and the next one.
    assert!(evaluation.forward[0].locals <= 4, "{}", evaluation.forward[0].locals);
}

#[test]
fn norms_are_not_kept_and_every_layer_is_differentiated_once() {
    for network in networks() {
        let plan = Plan::new(&network, Mode::Training(Memory::Recompute));
        let kept: BTreeSet<Key> = plan.forward.iter().flat_map(|pass| pass.writes.clone()).collect();
        for step in network.steps() {
            let cheap = matches!(step, Step::Norm { .. } | Step::Relu { .. } | Step::Subsample { .. });
            assert_eq!(kept.contains(&Key::Value(step.output())), !cheap, "{step:?}");
        }
        let actions = plan.backward.iter().flat_map(|pass| &pass.actions);
        let mut layers: Vec<usize> = actions
            .filter_map(|action| match action {
                Action::Layer { layer, .. } => Some(*layer),
                _ => None,
            })
            .collect();
        layers.sort_unstable();
        assert_eq!(layers, (0..network.layers().len()).collect::<Vec<_>>());
    }
}

/// Runs the programs on the names of values: nothing is read before it is there, and nothing is released too early or
/// never.
#[test]
fn every_buffer_is_filled_before_it_is_read_and_released_after_its_last_reader() {
    for network in networks() {
        let plan = Plan::new(&network, Mode::Training(Memory::Recompute));
        let mut there: BTreeSet<Key> = BTreeSet::new();
        for (number, pass) in plan.forward.iter().chain(&plan.backward).enumerate() {
            if number == plan.forward.len() {
                there.insert(Key::Gradient(network.graph().output()));
            }
            let (mut locals, mut written) = (BTreeSet::new(), BTreeSet::new());
            for action in &pass.actions {
                for place in reads(action) {
                    let known = match place {
                        Place::Images => true,
                        Place::Shared(key) => there.contains(&key),
                        Place::Written(at) => written.contains(&at) || there.contains(&pass.writes[at]),
                        Place::Local(slot) => locals.contains(&slot),
                    };
                    assert!(known, "pass {number}, {action:?}");
                }
                for place in places(action) {
                    match place {
                        Place::Local(slot) => drop(locals.insert(slot)),
                        Place::Written(at) => drop(written.insert(at)),
                        _ => {}
                    }
                }
            }
            there.extend(&pass.writes);
            pass.releases.iter().for_each(|key| assert!(there.remove(key), "{key:?} is released twice"));
        }
        let output = Key::Value(network.graph().output());
        let left: Vec<Key> = there.into_iter().filter(|&key| key != output).collect();
        assert_eq!(left, [], "values that no reverse pass reads are not kept");
    }
}
