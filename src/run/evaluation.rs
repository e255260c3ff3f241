//! The evaluation stage: packed weights, accuracies.

use crate::error::{Error, Result};
use crate::exec::Bindings;
use crate::progress::Stage;
use crate::report::{AccuracyRow, AccuracyTable, Kind};
use crate::run::pipeline::{key, plan_file};
use crate::run::{Pipeline, Study, configuration_of};
use crate::store::{read_json, write_json};
use crate::supernet::{
    Difference, Evaluation, MasterCheckpoint, Outcomes, PackedWeights, Parameters, Split, bind_float, evaluate,
    evaluate_beside, recalibrate,
};

/// A plan's packed weights and its network in training form.
struct PlanNetworks {
    name: String,
    configuration: Vec<usize>,
    packed: PackedWeights,
    training_form: Bindings,
}

/// Evaluates packed weights on the held-out images, with the normalisation that they were trained with.
///
/// # Errors
/// When the weights are of another network than the study's, or a tensor does not fit.
pub fn evaluate_packed(study: &Study, packed: &PackedWeights) -> Result<Evaluation> {
    let normalization = packed.normalization()?;
    let split = Split { normalization: &normalization, ..study.test_split() };
    let outcomes = evaluate(study.outline.net.network(), &packed.bindings(study.outline.net.network())?, &split)?;
    outcomes.evaluation(split.several())
}

impl Pipeline<'_> {
    /// Packed weights of every plan, and the accuracy of everything.
    ///
    /// # Errors
    /// When the packed weights are not the trained network, or a file cannot be written.
    pub fn evaluation(&mut self) -> Result<(String, AccuracyTable)> {
        let (_, float) = self.float()?;
        let (net_key, supernet) = self.supernet()?;
        let (plan_key, plans) = self.plans()?;
        let (study, net) = (self.study, &self.study.outline.net);
        let spec = &study.outline.space.evaluation;
        let key = key("evaluation", &(net_key, plan_key, spec, &study.data_hashes[1], study.outline.backend.device))?;
        self.stage("evaluation", &key, |p| {
            let master = MasterCheckpoint::read(&p.workspace.path("master.safetensors"))?;
            let total = 1 + net.scheme().bases().len() + plans.len();
            p.observer.start(Stage::new("evaluation", total as u64).of("networks"));
            let (mut files, mut networks) = (Vec::new(), Vec::new());
            for (i, (name, plan)) in plans.iter().enumerate() {
                let configuration = configuration_of(net.scheme(), plan)?;
                let mut training_form = net.bind(&supernet, &configuration, false)?;
                let recalibrated = match spec.recalibration_images {
                    0 => None,
                    images => {
                        let split = study.train_split(spec.batch_size);
                        Some(recalibrate(net.network(), &training_form, &split, images)?)
                    }
                };
                let packed = master.pack(name, &configuration, recalibrated.as_deref())?;
                training_form.norms = recalibrated.unwrap_or(training_form.norms);
                let file = plan_file("weights", i, name, "safetensors");
                packed.write(&p.workspace.path(&file))?;
                let packed = PackedWeights::read(&p.workspace.path(&file))?;
                networks.push(PlanNetworks { name: name.clone(), configuration, packed, training_form });
                files.push(file);
            }
            let mut done = 0;
            let observer = &mut *p.observer;
            let table = evaluate_all(study, &float, &supernet, &networks, &mut |row| {
                done += 1;
                let perplexity = row.evaluation.perplexity().map_or(String::new(), |p| format!("perplexity {p:.2}, "));
                observer.at(done, &format!("{} {perplexity}{:.2} %", row.name, row.accuracy()));
                if observer.stop_requested() { Err(Error::Interrupted) } else { Ok(()) }
            })?;
            let (networks, samples) = (table.rows.len(), study.test.len());
            p.observer.finish(&format!("{networks} networks on {samples} held-out {}", study.test.samples()));
            write_json(&p.workspace.path("evaluation.json"), &table)?;
            files.push("evaluation.json".into());
            Ok(files)
        })?;
        Ok((key, read_json(&self.workspace.path("evaluation.json"))?))
    }
}

/// FP32, every uniform precision, every plan; `visit` hears of each.
fn evaluate_all(
    study: &Study,
    float: &Parameters,
    supernet: &Parameters,
    plans: &[PlanNetworks],
    visit: &mut dyn FnMut(&AccuracyRow) -> Result<()>,
) -> Result<AccuracyTable> {
    let (net, scheme, split) = (&study.outline.net, study.outline.scheme(), study.test_split());
    let (mut rows, mut all): (Vec<AccuracyRow>, Vec<Outcomes>) = (Vec::new(), Vec::new());
    let mut push = |name: &str, kind: Kind, cost: (u64, u64), outcomes: Outcomes, packed_difference: Option<f64>| {
        let (bitops, weight_bytes) = cost;
        let evaluation = outcomes.evaluation(split.several())?;
        let minus = all.iter().map(|other| outcomes.minus(other)).collect();
        let name = name.to_string();
        let row = AccuracyRow { name, kind, bitops, weight_bytes, evaluation, packed_difference, minus };
        visit(&row)?;
        rows.push(row);
        all.push(outcomes);
        Ok::<_, Error>(())
    };
    let float = evaluate(net.network(), &bind_float(net.network(), float, false)?, &split)?;
    push("fp32", Kind::Fp32, scheme.float_cost(), float, None)?;
    for candidate in scheme.bases() {
        let configuration = scheme.uniform(candidate);
        let outcomes = evaluate(net.network(), &net.bind(supernet, &configuration, false)?, &split)?;
        push(&scheme.uniform_name(candidate), Kind::Uniform, scheme.cost(&configuration), outcomes, None)?;
    }
    for plan in plans {
        let forms = [&plan.packed.bindings(net.network())?, &plan.training_form];
        let (outcomes, Difference { largest, same }) = evaluate_beside(net.network(), forms, &split)?;
        let same = same && plan.packed.normalization()? == study.normalization;
        let cost = scheme.cost(&plan.configuration);
        if !same || plan.packed.weight_bytes() != cost.1 {
            let message = format!(
                "plan `{}`: the packed weights are not the trained network (a logit differs by {largest:e}, {} bytes against {})",
                plan.name,
                plan.packed.weight_bytes(),
                cost.1
            );
            return Err(Error::Internal(message));
        }
        push(&plan.name, Kind::Plan, cost, outcomes, Some(largest))?;
    }
    Ok(AccuracyTable::new(rows))
}
