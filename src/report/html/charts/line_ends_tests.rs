use super::*;

/// The best places on a grid of whole numbers, by trying all.
fn tried(wishes: &[f64], gap: f64, limits: (i32, i32)) -> f64 {
    fn rest(wishes: &[f64], gap: f64, from: i32, high: i32) -> f64 {
        let Some((wish, others)) = wishes.split_first() else { return 0.0 };
        let ways = (from..=high).map(|at| (f64::from(at) - wish).powi(2) + rest(others, gap, at + gap as i32, high));
        ways.fold(f64::INFINITY, f64::min)
    }
    rest(wishes, gap, limits.0, limits.1)
}

fn moved(wishes: &[f64], places: &[f64]) -> f64 {
    wishes.iter().zip(places).map(|(wish, place)| (place - wish).powi(2)).sum()
}

#[test]
fn names_are_apart_and_as_near_as_any_places_are() {
    let cases: [&[f64]; 6] = [
        &[4.0],
        &[0.0, 1.0, 2.0],
        &[3.0, 3.0, 3.0, 3.0],
        &[0.0, 9.0, 10.0, 19.0],
        &[20.0, 20.0],
        &[1.0, 2.0, 15.0, 16.0],
    ];
    for wishes in cases {
        let places = apart(wishes, 4.0, (0.0, 20.0));
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] > 4.0 - 1e-9), "{places:?}");
        assert!(places.iter().all(|place| (-1e-9..=20.0 + 1e-9).contains(place)), "{places:?}");
        let best = tried(wishes, 4.0, (0, 20));
        assert!(moved(wishes, &places) <= best + 1e-9, "{places:?}");
        // Places on the grid are at most half a unit worse each.
        assert!(moved(wishes, &places).sqrt() >= best.sqrt() - 0.5 * (wishes.len() as f64).sqrt() - 1e-9, "{places:?}");
    }
    // Pushing from above alone, as a simple loop would, is worse.
    let pushed = [3.0, 7.0, 11.0, 15.0];
    assert!(moved(&[3.0; 4], &pushed) > tried(&[3.0; 4], 4.0, (0, 20)) + 1.0);
}

#[test]
fn where_there_is_not_room_for_all_they_share_it() {
    assert_eq!(apart(&[5.0; 5], 14.0, (0.0, 20.0)), [0.0, 5.0, 10.0, 15.0, 20.0]);
    assert_eq!(apart(&[], 14.0, (0.0, 20.0)), [0.0; 0]);
}
