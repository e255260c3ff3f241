use super::*;

#[test]
fn zero_has_a_code_and_the_ends_of_a_range_lose_half_a_step_at_most() {
    for range in [[-1.0, 3.0], [0.5, 2.0], [-7.0, -0.25], [-1e-3, 900.0], [0.0, 6.0]] {
        let encoding = Encoding::of_range(range).unwrap();
        let value = |code: u8| (f64::from(code) - f64::from(encoding.zero)) * f64::from(encoding.scale);
        assert_eq!(value(encoding.code(0.0)), 0.0);
        for end in range {
            let lost = (value(encoding.code(end)) - f64::from(end)).abs();
            assert!(lost <= 0.501 * f64::from(encoding.scale), "{range:?}: {end} loses {lost}");
        }
        assert_eq!(value(255), encoding.largest());
    }
}

#[test]
fn numbers_that_are_never_negative_have_the_zero_point_0() {
    assert_eq!(Encoding::of_range([0.0, 25.5]), Some(Encoding { scale: 0.1, zero: 0 }));
    assert_eq!(Encoding::of_range([3.0, 25.5]), Some(Encoding { scale: 0.1, zero: 0 }));
    assert_eq!(Encoding::of_range([-12.8, 12.7]), Some(Encoding { scale: 0.1, zero: 128 }));
}

#[test]
fn a_range_of_nothing_has_a_scale_and_one_without_end_has_none() {
    assert_eq!(Encoding::of_range([0.0, 0.0]), Some(Encoding { scale: 1.0, zero: 0 }));
    assert_eq!(Encoding::of_range([0.0, f32::INFINITY]), None);
    assert_eq!(Encoding::of_range([f32::NEG_INFINITY, 0.0]), None);
}

#[test]
fn signed_codes_are_moved_by_128_and_stand_for_the_same_numbers() {
    let encoding = Encoding::of_input(Activation { bits: 8, unsigned: false, scale: 0.5 });
    for (value, signed) in [(-64.0, -128), (-0.5, -1), (0.0, 0), (63.5, 127), (1e6, 127), (0.75, 2), (0.25, 0)] {
        assert_eq!(i32::from(encoding.code(value)) - 128, signed, "{value}");
    }
}
