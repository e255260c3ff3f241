use super::*;

#[test]
fn decades_are_exact_at_powers_of_ten_and_just_below_them() {
    for exponent in -300..=300 {
        let power = ten(exponent);
        assert_eq!(decade(power), exponent);
        assert_eq!(decade(power.next_down()), exponent - 1);
        assert_eq!((nice_above(power), nice_below(power)), (power, power));
    }
}

#[test]
fn nice_numbers_are_one_two_and_five() {
    assert_eq!((nice_above(1.1), nice_above(2.5), nice_above(7.0)), (2.0, 5.0, 10.0));
    assert_eq!((nice_below(1.1), nice_below(4.9), nice_below(7.0)), (1.0, 2.0, 5.0));
}

#[test]
fn a_hundred_decades_get_a_label_every_so_many() {
    let (labelled, minor) = log(1e-50, 1e50, 6);
    assert!((4..=8).contains(&labelled.len()) && minor.len() < 40, "{labelled:?} {minor:?}");
}
