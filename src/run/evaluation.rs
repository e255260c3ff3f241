//! Accuracies of everything a run produced.

use crate::error::{Error, Result};
use crate::exec::{Bindings, Network};
use crate::report::{AccuracyRow, AccuracyTable, Kind};
use crate::run::Study;
use crate::supernet::{Evaluation, PackedWeights, Parameters, bind_float, evaluate};

/// Evaluates one configuration of the SuperNet in training form.
///
/// # Errors
/// When a parameter is missing.
pub fn evaluate_configuration(study: &Study, supernet: &Parameters, configuration: &[usize]) -> Result<Evaluation> {
    let net = &study.outline.net;
    evaluate(net.network(), &net.bind(supernet, configuration, false)?, &study.test_split())
}

/// Evaluates packed weights.
///
/// # Errors
/// When a tensor is missing or does not fit.
pub fn evaluate_packed(study: &Study, network: &Network, packed: &PackedWeights) -> Result<Evaluation> {
    evaluate(network, &packed.bindings(network)?, &study.test_split())
}

/// A plan's packed weights and its network in training form.
pub(super) struct PlanNetworks {
    pub name: String,
    pub configuration: Vec<usize>,
    pub packed: PackedWeights,
    pub training_form: Bindings,
}

/// FP32, every uniform precision, every plan; `report` hears of each.
pub(super) fn evaluate_all(
    study: &Study,
    float: &Parameters,
    supernet: &Parameters,
    plans: &[PlanNetworks],
    report: &mut dyn FnMut(&AccuracyRow),
) -> Result<AccuracyTable> {
    let (network, scheme, split) = (study.outline.net.network(), study.outline.scheme(), study.test_split());
    let mut rows = Vec::new();
    let mut push = |row: AccuracyRow| {
        report(&row);
        rows.push(row);
    };
    let float_cost = scheme
        .layers
        .iter()
        .fold((0, 0), |sum, layer| (sum.0 + layer.cost.bit_ops(32, 32), sum.1 + layer.cost.weight_bytes(32)));
    push(AccuracyRow {
        name: "fp32".into(),
        kind: Kind::Fp32,
        bitops: float_cost.0,
        weight_bytes: float_cost.1,
        evaluation: evaluate(network, &bind_float(network, float, false)?, &split)?,
        packed_difference: None,
    });
    for candidate in scheme.bases() {
        let configuration = scheme.uniform(candidate);
        let (bitops, weight_bytes) = scheme.cost(&configuration);
        let evaluation = evaluate_configuration(study, supernet, &configuration)?;
        let name = candidate.to_string();
        push(AccuracyRow { name, kind: Kind::Uniform, bitops, weight_bytes, evaluation, packed_difference: None });
    }
    for plan in plans {
        let (bitops, weight_bytes) = scheme.cost(&plan.configuration);
        let evaluation = evaluate_packed(study, network, &plan.packed)?;
        let (difference, same) = evaluation.compare(&evaluate(network, &plan.training_form, &split)?);
        if !same || plan.packed.weight_bytes() != weight_bytes {
            let message = format!(
                "plan `{}`: the packed weights are not the network that was trained (largest difference of a logit {difference:e}, {} bytes against {weight_bytes})",
                plan.name,
                plan.packed.weight_bytes()
            );
            return Err(Error::Internal(message));
        }
        let packed_difference = Some(difference);
        push(AccuracyRow {
            name: plan.name.clone(),
            kind: Kind::Plan,
            bitops,
            weight_bytes,
            evaluation,
            packed_difference,
        });
    }
    Ok(AccuracyTable::new(rows))
}
