use proptest::prelude::*;

use super::*;

/// What every axis must do, whatever it was made from.
fn check(scale: &Scale, values: &[f64]) -> Result<(), TestCaseError> {
    let ticks = scale.ticks();
    prop_assert!((1..=60).contains(&ticks.len()), "{} ticks", ticks.len());
    prop_assert!(ticks.iter().filter(|t| t.label.is_some()).count() <= 14, "{ticks:?}");
    let (low, high) = (scale.from.min(scale.to), scale.from.max(scale.to));
    for tick in ticks {
        prop_assert!(tick.value.is_finite() && (low..=high).contains(&tick.at), "{tick:?}");
    }
    for pair in ticks.windows(2) {
        prop_assert!(pair[0].value < pair[1].value, "{pair:?}");
        let rising = (scale.to - scale.from).signum();
        prop_assert!((pair[1].at - pair[0].at) * rising >= 0.0, "{pair:?}");
    }
    for &value in values {
        let at = scale.at(value);
        prop_assert!(at.is_finite() && (low..=high).contains(&at), "{value} at {at}");
        prop_assert!(scale.shows(value) || (scale.log && value < 1e-300), "{value} on {scale:?}");
    }
    Ok(())
}

fn magnitude() -> impl Strategy<Value = f64> {
    (-300.0f64..300.0, 1.0f64..10.0).prop_map(|(e, m)| m * 10f64.powf(e.floor()))
}

fn signed() -> impl Strategy<Value = f64> {
    prop_oneof![4 => magnitude(), 4 => magnitude().prop_map(|v| -v), 1 => Just(0.0)]
}

proptest! {
    #[test]
    fn a_linear_axis_covers_its_values_with_few_ticks(values in prop::collection::vec(signed(), 0..6), down in any::<bool>()) {
        let span = if down { (300.0, 10.0) } else { (10.0, 700.0) };
        check(&Scale::linear(values.iter().copied(), span), &values)?;
        check(&Scale::linear_from_zero(values.iter().copied(), span), &values)?;
    }

    #[test]
    fn a_logarithmic_axis_covers_its_values_with_few_ticks(values in prop::collection::vec(signed(), 0..6), down in any::<bool>()) {
        let span = if down { (300.0, 10.0) } else { (10.0, 700.0) };
        check(&Scale::log(values.iter().copied(), span), &values)?;
    }

    #[test]
    fn close_values_still_get_ticks_around_them(value in magnitude(), share in -1e-12f64..1e-1) {
        let values = [value, value * (1.0 + share)];
        check(&Scale::linear(values, (0.0, 500.0)), &values)?;
        check(&Scale::log(values, (0.0, 500.0)), &values)?;
    }

    #[test]
    fn whole_axes_have_whole_ticks(low in 0u64..1000, more in 0u64..2000) {
        let scale = Scale::whole(low, low + more, (0.0, 600.0));
        prop_assert!(!scale.ticks().is_empty());
        prop_assert!(scale.ticks().iter().all(|t| t.value.fract() == 0.0));
        prop_assert_eq!(scale.at(low as f64), 0.0);
    }

    #[test]
    fn places_keep_the_order_of_the_numbers(mut values in prop::collection::vec(signed(), 2..6), log in any::<bool>()) {
        let make = if log { |v: Vec<f64>| Scale::log(v, (0.0, 500.0)) } else { |v: Vec<f64>| Scale::linear(v, (0.0, 500.0)) };
        let scale = make(values.clone());
        values.sort_by(f64::total_cmp);
        prop_assert!(values.windows(2).all(|p| scale.at(p[0]) <= scale.at(p[1])));
    }
}

#[test]
fn the_middle_of_a_linear_axis_is_the_mean_and_of_a_logarithmic_one_the_geometric_mean() {
    let linear = Scale::linear([0.0, 10.0], (0.0, 100.0));
    assert_eq!((linear.at(0.0), linear.at(5.0), linear.at(10.0)), (0.0, 50.0, 100.0));
    let log = Scale::log([1.0, 100.0], (100.0, 0.0));
    assert_eq!((log.at(1.0), log.at(10.0), log.at(100.0)), (100.0, 50.0, 0.0));
}

#[test]
fn what_a_logarithmic_axis_cannot_show_lies_on_its_floor_below_all_others() {
    let scale = Scale::log([0.0, -3.0, 1e-3, 0.5], (200.0, 0.0));
    assert!(!scale.shows(0.0) && !scale.shows(-3.0) && scale.shows(1e-3));
    assert_eq!((scale.at(0.0), scale.at(-3.0), scale.floor()), (200.0, 200.0, 200.0));
    assert!(scale.at(1e-3) < 195.0, "the smallest value stands clear of the floor: {}", scale.at(1e-3));
}

#[test]
fn numbers_that_are_none_draw_nothing_wild() {
    for scale in [Scale::linear([f64::NAN, f64::INFINITY], (0.0, 9.0)), Scale::log([f64::NAN, 0.0], (0.0, 9.0))] {
        assert_eq!(scale.at(f64::NAN), 0.0);
        assert!(scale.at(f64::INFINITY).is_finite() && scale.at(f64::NEG_INFINITY).is_finite());
        assert!(!scale.shows(f64::NAN) && !scale.ticks().is_empty());
    }
}

#[test]
fn ticks_are_the_round_numbers_that_people_choose() {
    let labels = |scale: Scale| scale.ticks().iter().filter_map(|t| t.label.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(labels(Scale::linear([0.0, 0.87], (0.0, 400.0))), "0 0.2 0.4 0.6 0.8 1.0");
    assert_eq!(labels(Scale::log([3e-6, 0.2], (0.0, 400.0))), "1e-5 1e-4 0.001 0.01 0.1");
    assert_eq!(labels(Scale::log([3.0, 170.0], (0.0, 400.0))), "2 5 10 20 50 100 200");
    assert_eq!(labels(Scale::with_ticks(true, vec![(8.0, "8".into()), (2.0, "2".into())], (0.0, 9.0))), "2 8");
}

#[test]
fn room_at_the_ends_keeps_the_ticks_where_they_belong() {
    let scale = Scale::with_ticks(true, vec![(2.0, "2".into()), (8.0, "8".into())], (100.0, 0.0)).padded(10.0);
    let near = |value: f64, at: f64| (scale.at(value) - at).abs() < 1e-6;
    assert!(near(2.0, 90.0) && near(4.0, 50.0) && near(8.0, 10.0), "{scale:?}");
}
