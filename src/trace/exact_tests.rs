use super::*;
use crate::trace::fixtures::{Dense, ROUNDING, heavy};

#[test]
fn blocks_and_their_traces_are_those_of_the_matrix() {
    // More rows than vectors that are asked for at once, and fewer.
    let operator = Dense::new(heavy(75), &[70, 5]);
    for l in 0..2 {
        assert!((exact(&operator, l).unwrap() - operator.block(l, l).trace()).abs() <= ROUNDING);
        assert!((dense_block(&operator, l).unwrap() - operator.block(l, l)).amax() <= ROUNDING);
    }
    assert!(exact(&operator, 2).is_err());
}
