use super::*;
use crate::table::fixtures::Uniform;

fn plan(cost: f64, objective: f64) -> Found {
    let (candidates, choice) = (Vec::new(), Vec::new());
    Found { candidates, choice, cost, objective, size: objective.abs(), bound: objective, proved: true }
}

/// The points of a random cloud near a convex curve that no other beats, dearest first.
fn cloud(u: &mut Uniform, count: usize) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for _ in 0..count {
        let x = u.next();
        all.push(plan(x, (1.0 - x) * (1.0 - x) + 0.1 * u.next()));
    }
    let beaten = |p: &Found| all.iter().any(|q| q != p && q.cost <= p.cost && q.objective <= p.objective);
    let mut front: Vec<Found> = all.iter().filter(|p| !beaten(p)).cloned().collect();
    front.sort_by(|a, b| b.cost.total_cmp(&a.cost));
    front
}

/// The plan of least weighted sum, as a search would find it.
fn cheapest(front: &[Found], price: f64) -> Found {
    let sum = |p: &Found| p.objective + price * p.cost;
    front.iter().min_by(|a, b| sum(a).total_cmp(&sum(b))).unwrap().clone()
}

#[test]
fn searches_at_few_prices_say_what_the_whole_front_says() {
    let mut u = Uniform(4);
    let (mut searches, mut points, mut supported) = (0, 0, 0);
    for _ in 0..200 {
        let front = cloud(&mut u, 60);
        let whole = by_the_front(&front);
        // Brute force: below or on every chord between a dearer and a cheaper point.
        for (i, p) in front.iter().enumerate() {
            let chord = |a: &Found, b: &Found| {
                a.objective + (b.objective - a.objective) * (p.cost - a.cost) / (b.cost - a.cost)
            };
            let above = front[..i].iter().any(|b| front[i + 1..].iter().any(|a| p.objective > chord(a, b) + 1e-12));
            assert_eq!(whole[i], Some(!above));
        }
        let mut known = vec![front[0].clone(), front[front.len() - 1].clone()];
        for (point, verdict) in front.iter().zip(&whole) {
            let found = by_prices(point, &mut known, |price| {
                searches += 1;
                Ok(Some(cheapest(&front, price)))
            });
            assert_eq!(found.unwrap(), *verdict);
            points += 1;
            supported += usize::from(*verdict == Some(true));
        }
    }
    assert!(supported > 500 && points - supported > 500, "{supported} of {points}");
    assert!(searches <= 2 * points, "{searches} searches for {points} points");
}

#[test]
fn a_search_that_stopped_decides_nothing_and_one_that_proves_less_is_not_believed() {
    let front = [plan(2.0, 0.0), plan(1.0, 0.6), plan(0.0, 1.0)];
    assert_eq!(by_prices(&front[1], &mut Vec::new(), |_| Ok(None)).unwrap(), None);
    // Negative control: a search that only knows the point itself would call the dent supported.
    let blind = |_| Ok(Some(front[1].clone()));
    assert_eq!(by_prices(&front[1], &mut Vec::new(), blind).unwrap(), Some(true));
    assert_eq!(by_prices(&front[1], &mut front.to_vec(), blind).unwrap(), Some(false));
    assert_eq!(by_the_front(&front), [Some(true), Some(false), Some(true)]);
}

#[test]
fn the_ends_of_a_front_are_supported() {
    let front = [plan(3.0, -2.0), plan(2.5, -0.5), plan(0.0, 5.0)];
    assert_eq!(by_the_front(&front), [Some(true), Some(false), Some(true)]);
    assert_eq!(by_the_front(&front[1..2]), [Some(true)]);
}
