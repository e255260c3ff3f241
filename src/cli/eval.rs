//! `eval`: the accuracy of a plan, from packed integer weights.

use crate::cli::args::EvalArgs;
use crate::cli::packed::Named;
use crate::cli::{Global, output};
use crate::error::Result;
use crate::run::evaluate_packed;
use crate::supernet::PackedWeights;

pub(super) fn eval(args: &EvalArgs, global: &Global) -> Result<()> {
    let named = Named { file: &args.plan, run: args.run.as_deref(), space: args.space.as_deref() };
    let (study, packed) = match named.plan()? {
        None => {
            let packed = PackedWeights::read(&args.plan)?;
            (named.study(packed.graph(), global)?, packed)
        }
        Some(plan) => {
            let master = named.master()?;
            let study = named.study(master.net().network().graph(), global)?;
            let packed = named.pack(&master, &plan, &study)?;
            (study, packed)
        }
    };
    let evaluation = evaluate_packed(&study, &packed)?;
    let mut document = serde_json::json!({
        "format": "bitplan.accuracy/1", "plan": packed.plan(), "accuracy": evaluation.accuracy(),
        "correct": evaluation.correct, "images": evaluation.images, "loss": evaluation.loss,
        "weight_bytes": packed.weight_bytes(),
    });
    if let (Some(predictions), Some(perplexity)) = (evaluation.predictions, evaluation.perplexity()) {
        document["predictions"] = predictions.into();
        document["perplexity"] = perplexity.into();
    }
    output::print(global, &document, || {
        let kibi = packed.weight_bytes() as f64 / 1024.0;
        let (perplexity, what) = match evaluation.perplexity() {
            Some(perplexity) => (format!("perplexity {perplexity:.3}, next-token "), "tokens"),
            None => (String::new(), "images"),
        };
        format!(
            "{perplexity}accuracy {:.2} % ({} of {} {what}), loss {:.4}, {kibi:.1} KiB of weights",
            100.0 * evaluation.accuracy(),
            evaluation.correct,
            evaluation.counted(),
            evaluation.loss
        )
    })
}
