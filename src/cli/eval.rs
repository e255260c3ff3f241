//! `eval`: the accuracy of a plan, from packed integer weights.

use std::path::Path;

use crate::cli::args::EvalArgs;
use crate::cli::run::read_space;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::plan::Plan;
use crate::run::{Outline, Study, Workspace, configuration_of, evaluate_packed, settled};
use crate::supernet::{MasterCheckpoint, PackedWeights, recalibrate};

pub(super) fn eval(args: &EvalArgs, global: &Global) -> Result<()> {
    let beside = args.plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = args.run.as_deref().unwrap_or(beside);
    let space = || match &args.space {
        Some(space) => Ok(space.clone()),
        None => Workspace::space_of(folder),
    };
    let study = |graph: &Graph| -> Result<Study> {
        let space = space()?;
        let outline = Outline::new(read_space(&space, global)?)?.on(global.backend()?);
        let outline = settled(outline, folder)?;
        if outline.net.network().graph() != graph {
            let expected = format!("the network of {}", args.plan.display());
            let remedy = "pass its search space with --space";
            return Err(Error::input(space.display().to_string(), "another network", expected, remedy));
        }
        Study::open(outline)
    };
    let (study, packed) = if !is_json(&args.plan)? {
        let packed = PackedWeights::read(&args.plan)?;
        (study(packed.graph())?, packed)
    } else {
        let plan = Plan::read(&args.plan)?;
        let path = folder.join("master.safetensors");
        if !path.exists() {
            let remedy = "pass the folder of the run with --run";
            return Err(Error::input(path.display().to_string(), "no such file", "the trained SuperNet", remedy));
        }
        let master = MasterCheckpoint::read(&path)?;
        let study = study(master.net().network().graph())?;
        let packed = pack(&master, &plan, &args.plan.display().to_string(), &study)?;
        (study, packed)
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

/// Whether a file is JSON, and so a plan; safetensors begin with a binary length.
fn is_json(path: &Path) -> Result<bool> {
    let bytes = crate::store::read(path)?;
    Ok(bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'))
}

/// The plan's weights from the master, with norms recalibrated as the search space asks.
fn pack(master: &MasterCheckpoint, plan: &Plan, name: &str, study: &Study) -> Result<PackedWeights> {
    let configuration = configuration_of(master.net().scheme(), plan)?;
    let packed = master.pack(name, &configuration, None)?;
    let spec = &study.outline.space.evaluation;
    if spec.recalibration_images == 0 {
        return Ok(packed);
    }
    let network = master.net().network();
    let split = study.train_split(spec.batch_size);
    let norms = recalibrate(network, &packed.bindings(network)?, &split, spec.recalibration_images)?;
    master.pack(name, &configuration, Some(&norms))
}
