//! Mean weight bits as budgets: the solver's arithmetic admits a plan whose average is exactly the limit.

use crate::solve::Problem;
use crate::table::average::{AVG_WEIGHT_BITS, LAYER_AVG_WEIGHT_BITS};
use crate::table::fixtures::{Uniform, layer, raw};
use crate::table::{Budget, PlanningTable};

#[test]
fn a_plan_with_exactly_the_average_of_the_limit_is_feasible_and_one_above_it_is_not() {
    let mut u = Uniform(5);
    for round in 0..300 {
        let layers = 1 + (u.next() * if round % 10 == 0 { 2000.0 } else { 12.0 }) as usize;
        let weights: Vec<u64> = (0..layers).map(|_| 1 + (10f64.powf(9.0 * u.next())) as u64).collect();
        let widths: Vec<[u32; 3]> = (0..layers).map(|_| [0; 3].map(|_| 1 + (16.0 * u.next()) as u32)).collect();
        let mut table =
            raw((0..layers).map(|l| layer(&format!("l{l}"), &[(0.0, vec![]), (0.0, vec![]), (0.0, vec![])])).collect());
        for (l, layer) in table.layers.iter_mut().enumerate() {
            layer.parameters = Some(weights[l]);
            layer.candidates.iter_mut().zip(widths[l]).for_each(|(c, bits)| c.weight_bits = Some(bits));
        }
        let table = PlanningTable::check(table, "test").unwrap();
        let choice: Vec<usize> = (0..layers).map(|_| (3.0 * u.next()) as usize).collect();
        // The averages in whole numbers, rounded once.
        let bits = || choice.iter().zip(&widths).map(|(&c, widths)| u128::from(widths[c]));
        let weighted: u128 = bits().zip(&weights).map(|(b, &n)| b * u128::from(n)).sum();
        let all: u128 = weights.iter().map(|&n| u128::from(n)).sum();
        for (name, average) in [
            (AVG_WEIGHT_BITS, weighted as f64 / all as f64),
            (LAYER_AVG_WEIGHT_BITS, bits().sum::<u128>() as f64 / layers as f64),
        ] {
            let table = table.clone().with_cost(name).unwrap();
            let admits = |limit: f64| {
                let problem = Problem::new(&table, &[Budget::new(name, limit)]).unwrap();
                assert!((problem.used(&choice, 0) - average).abs() <= 1e-13 * average);
                problem.is_feasible(&choice)
            };
            assert!(admits(average), "{name}, {layers} layers");
            assert!(!admits(average * (1.0 - 1e-11)), "{name}, {layers} layers");
        }
    }
}
