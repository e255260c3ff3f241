use super::*;
use crate::trace::LayerVectors;
use crate::trace::fixtures::{Dense, STANDARD_ERRORS, deviation, heavy};

const ALL: [TraceEstimator; 5] = [
    TraceEstimator::Hutchinson { distribution: ProbeDistribution::Rademacher },
    TraceEstimator::Hutchinson { distribution: ProbeDistribution::Gaussian },
    TraceEstimator::HutchPlusPlus { products: 4 },
    TraceEstimator::XTrace { products: 4 },
    TraceEstimator::Exact,
];

/// The contract of every estimator.
#[test]
fn every_draw_is_unbiased_for_every_layer_and_depends_on_nothing_but_its_name() {
    let operator = Dense::new(heavy(15), &[3, 6, 6]);
    for estimator in ALL {
        let draw = |round, block| estimator.draw(&operator, 5, round, block).unwrap();
        let draws: Vec<Vec<f64>> = (0..2000).map(|round| draw(round, 3)).collect();
        assert_eq!(draws[7], draw(7, 3), "{estimator}");
        assert_eq!(draws[7] != draws[8], estimator.random(), "{estimator}");
        assert_eq!(draws[7] != draw(7, 4), estimator.random(), "{estimator}");
        assert_eq!(draws[7] != estimator.draw(&operator, 6, 7, 3).unwrap(), estimator.random(), "{estimator}");
        for l in 0..3 {
            let (trace, sample) = (operator.block(l, l).trace(), draws.iter().map(|draw| draw[l]).collect());
            let exact = (draws[0][l] - trace).abs() <= 1e-12 && draws[0][l] == draws[1][l];
            let off = if exact { 0.0 } else { deviation(&sample, trace) };
            assert!(off <= STANDARD_ERRORS, "{estimator}, layer {l}: {off}");
        }
    }
}

#[test]
fn names_tell_estimators_apart() {
    let names: std::collections::BTreeSet<String> = ALL.iter().map(TraceEstimator::to_string).collect();
    assert_eq!(names.len(), ALL.len());
    for estimator in ALL {
        let text = serde_json::to_string(&estimator).unwrap();
        assert_eq!(serde_json::from_str::<TraceEstimator>(&text).unwrap(), estimator);
    }
}

#[test]
fn too_few_products_are_refused() {
    let operator = Dense::new(heavy(6), &[6]);
    for (estimator, ok) in [
        (TraceEstimator::HutchPlusPlus { products: 2 }, false),
        (TraceEstimator::HutchPlusPlus { products: 3 }, true),
        (TraceEstimator::XTrace { products: 3 }, false),
        (TraceEstimator::XTrace { products: 4 }, true),
    ] {
        assert_eq!(estimator.draw(&operator, 0, 0, 0).is_ok(), ok, "{estimator}");
    }
}

/// Counts the products.
struct Counting(Dense, std::cell::Cell<usize>);

impl SymmetricOperator for Counting {
    fn sizes(&self) -> &[usize] {
        self.0.sizes()
    }

    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors> {
        self.1.set(self.1.get() + 1);
        self.0.apply(v)
    }

    fn apply_block(&self, layer: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        self.1.set(self.1.get() + vectors.len());
        self.0.apply_block(layer, vectors)
    }
}

#[test]
fn every_estimator_takes_the_products_that_it_says() {
    let hutchinson = |distribution| TraceEstimator::Hutchinson { distribution };
    for (estimator, products) in [
        (hutchinson(ProbeDistribution::Rademacher), 1),
        (hutchinson(ProbeDistribution::Gaussian), 1),
        // The small layer is taken exactly.
        (TraceEstimator::HutchPlusPlus { products: 7 }, 5 + 7),
        (TraceEstimator::HutchPlusPlus { products: 8 }, 5 + 8),
        (TraceEstimator::XTrace { products: 6 }, 5 + 6),
        (TraceEstimator::XTrace { products: 7 }, 5 + 6),
        (TraceEstimator::Exact, 5 + 40),
    ] {
        let operator = Counting(Dense::new(heavy(45), &[5, 40]), 0.into());
        estimator.draw(&operator, 0, 0, 0).unwrap();
        assert_eq!(operator.1.get(), products, "{estimator}");
    }
}
