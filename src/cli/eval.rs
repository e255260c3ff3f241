//! `eval`: the accuracy of a plan, from packed integer weights.

use std::path::Path;

use crate::cli::args::EvalArgs;
use crate::cli::run::read_space;
use crate::cli::{Global, output};
use crate::error::Result;
use crate::plan::Plan;
use crate::run::{Outline, Study, Workspace, configuration_of, evaluate_packed};
use crate::supernet::{MasterCheckpoint, PackedWeights};

pub(super) fn eval(args: &EvalArgs, global: &Global) -> Result<()> {
    let beside = args.plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = args.run.as_deref().unwrap_or(beside);
    let packed = match args.plan.extension().is_some_and(|e| e == "safetensors") {
        true => PackedWeights::read(&args.plan)?,
        false => {
            let plan = Plan::read(&args.plan)?;
            let master = MasterCheckpoint::read(&folder.join("master.safetensors"))?;
            master.pack(&args.plan.display().to_string(), &configuration_of(master.net().scheme(), &plan)?, None)?
        }
    };
    let space = match &args.space {
        Some(space) => space.clone(),
        None => Workspace::space_of(folder)?,
    };
    let study = Study::open(Outline::new(read_space(&space, global)?)?)?;
    let evaluation = evaluate_packed(&study, &packed.network()?, &packed)?;
    let document = serde_json::json!({
        "format": "bitplan.accuracy/1", "plan": packed.plan(), "accuracy": evaluation.accuracy(),
        "correct": evaluation.correct, "images": evaluation.images, "loss": evaluation.loss,
        "weight_bytes": packed.weight_bytes(),
    });
    output::print(global, &document, || {
        let kibi = packed.weight_bytes() as f64 / 1024.0;
        format!(
            "accuracy {:.2} % ({} of {} images), loss {:.4}, {kibi:.1} KiB of weights",
            100.0 * evaluation.accuracy(),
            evaluation.correct,
            evaluation.images,
            evaluation.loss
        )
    })
}
