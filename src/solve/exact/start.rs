//! A first choice within the capacities: multipliers raised where a row is exceeded, then single exchanges that gain.

use crate::solve::exact::reduced::Reduced;

/// Rounds of raising multipliers.
const ROUNDS: usize = 64;
/// First relative rise of a multiplier, and how much steeper each next one is.
const RISE: f64 = 1e-7;
const STEEPER: f64 = 2.5;
/// Passes over the groups that look for gains.
const PASSES: usize = 4;

/// A choice within the capacities, if raising multipliers finds one; cost `O(options · rounds)`.
pub(super) fn start(reduced: &Reduced, multipliers: &[f64]) -> Option<Vec<usize>> {
    let rows = reduced.width();
    let mut price: Vec<f64> = multipliers.to_vec();
    let mut rise = vec![RISE; rows];
    let range = reduced.regret.iter().copied().max().unwrap_or(0).max(1) as f64;
    for _ in 0..ROUNDS {
        let choice: Vec<usize> = (0..reduced.len()).map(|g| cheapest(reduced, g, &price)).collect();
        let slack = reduced.slack(&choice);
        if slack.iter().all(|&s| s >= 0) {
            return Some(improved(reduced, choice, slack, multipliers));
        }
        for k in (0..rows).filter(|&k| slack[k] < 0) {
            // A budget that the bound takes for loose starts at a millionth of the largest exchange.
            price[k] = (price[k] * (1.0 + rise[k])).max(range * rise[k] * 1e-6 / reduced.capacity[k] as f64);
            rise[k] *= STEEPER;
        }
    }
    None
}

fn cheapest(reduced: &Reduced, group: usize, price: &[f64]) -> usize {
    let cost = |o: usize| {
        reduced.regret[o] as f64 + reduced.weights(o).iter().zip(price).map(|(&w, p)| w as f64 * p).sum::<f64>()
    };
    let costs = reduced.options(group).map(|o| (cost(o), o));
    costs.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(reduced.first[group], |(_, o)| o)
}

/// Uses what the choice leaves: single exchanges that gain, those with the best price first.
fn improved(reduced: &Reduced, mut choice: Vec<usize>, mut slack: Vec<i128>, multipliers: &[f64]) -> Vec<usize> {
    for _ in 0..PASSES {
        let mut moves: Vec<(f64, usize, usize)> = Vec::new();
        let fits = |now: usize, o: usize, slack: &[i128]| {
            let pairs = reduced.weights(o).iter().zip(reduced.weights(now)).zip(slack);
            pairs.into_iter().all(|((a, b), s)| i128::from(a - b) <= *s)
        };
        for (group, &now) in choice.iter().enumerate() {
            for o in reduced.options(group).filter(|&o| reduced.regret[o] < reduced.regret[now] && fits(now, o, &slack))
            {
                let more = reduced.weights(o).iter().zip(reduced.weights(now)).zip(multipliers);
                let price: f64 = more.map(|((a, b), l)| (a - b) as f64 * l).sum();
                moves.push(((reduced.regret[o] - reduced.regret[now]) as f64 + price, group, o));
            }
        }
        moves.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut gained = false;
        for (_, group, o) in moves {
            let now = choice[group];
            if reduced.regret[o] < reduced.regret[now] && fits(now, o, &slack) {
                let more = reduced.weights(o).iter().zip(reduced.weights(now));
                slack.iter_mut().zip(more).for_each(|(s, (a, b))| *s -= i128::from(a - b));
                choice[group] = o;
                gained = true;
            }
        }
        if !gained {
            break;
        }
    }
    choice
}
