use super::*;
use crate::graph::{Graph, GraphBuilder};
use crate::scheme::Scheme;
use crate::space::{LayerChoice, QuantizerSpec};

fn chain(layers: usize) -> Graph {
    let mut b = GraphBuilder::new("chain", [2, 4, 4]).unwrap();
    let mut node = b.input();
    for l in 0..layers {
        node = b.conv(&format!("l{l}"), node, 2, 1, 1).unwrap();
    }
    b.finish()
}

fn scheme(layers: usize) -> Scheme {
    let graph = chain(layers);
    let candidate = |l: usize| match l {
        0 => vec![Candidate::FP32],
        _ => ["w8a8", "w4a4"].map(|c| c.parse().unwrap()).to_vec(),
    };
    let choice = |l: usize| LayerChoice { name: format!("l{l}"), candidates: candidate(l), pinned: l == 0 };
    Scheme::from_choices((0..layers).map(choice).collect(), vec![], &QuantizerSpec::default(), &graph).unwrap()
}

#[test]
fn neighbours_come_first_and_no_pair_twice() {
    let scheme = scheme(8);
    let candidate = "w4a4".parse().unwrap();
    let all = choose_pairs(&scheme, candidate, 1000, 3);
    assert_eq!(all.len(), 7 * 6 / 2, "the layer that stays FP32 is in none");
    assert!(all.iter().all(|p| p.layers[0] < p.layers[1] && p.layers[0] > 0 && p.candidates == [1, 1]));
    assert!(all[..6].iter().all(|p| p.layers[1] == p.layers[0] + 1));
    assert!(all[6..].iter().all(|p| p.layers[1] > p.layers[0] + 1));
    let mut names: Vec<_> = all.iter().map(|p| p.layers).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
    assert_eq!(choose_pairs(&scheme, candidate, 9, 3), all[..9]);
    assert_ne!(choose_pairs(&scheme, candidate, 9, 4), all[..9]);
}

/// Increases `a` and `s` drawn with a known share `r` of the means: the interval of one standard error holds `r` in 68 %
/// of the cases. The error of a quotient of independent means must fail: it is far too wide.
#[test]
fn the_standard_error_of_the_share_covers_the_truth_as_often_as_it_says() {
    const TRIALS: u64 = 2000;
    let (mut covered, mut covered_unpaired) = (0.0, 0.0);
    for trial in 0..TRIALS {
        let mut stream = Stream::new(2, "additivity", &[trial]);
        let mut images = JointIncrease::default();
        for _ in 0..200 {
            let common = stream.normal();
            let joint = 1.0 + common;
            images.push(joint, 0.75 * joint + 0.1 * stream.normal());
        }
        let Additivity { joint, sum, share } = images.additivity().unwrap();
        let share = share.unwrap();
        let unpaired = (sum.stderr.powi(2) + (sum.mean / joint.mean * joint.stderr).powi(2)).sqrt() / joint.mean;
        covered += f64::from((share.mean - 0.25).abs() <= share.stderr);
        covered_unpaired += f64::from((share.mean - 0.25).abs() <= unpaired);
    }
    // 0.683 ± 4.5 deviations of a binomial share of 2000.
    let holds = |covered: f64| (covered / TRIALS as f64 - 0.683).abs() <= 0.047;
    assert!(holds(covered) && !holds(covered_unpaired), "{covered} {covered_unpaired}");
}

#[test]
fn a_sum_that_is_the_whole_has_no_share_left_and_nothing_has_none() {
    let mut images = JointIncrease::default();
    assert_eq!(images.additivity(), None);
    [0.5, 0.25, -0.125].iter().for_each(|&d| images.push(d, d));
    assert_eq!(images.additivity().unwrap().share, Some(Estimate { mean: 0.0, stderr: 0.0 }));
    let mut images = JointIncrease::default();
    [0.0, 0.0].iter().for_each(|&d| images.push(d, 0.5));
    assert_eq!(images.additivity().unwrap().share, None);
}
