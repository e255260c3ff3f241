//! The package of a plan of ggml types.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::export::Package;
use crate::export::gguf::files::{Files, layer_of};
use crate::export::gguf::vocabulary::Vocabulary;
use crate::export::gguf::{GgmlType, llama, quantize};
use crate::graph::{Parameter, Role};
use crate::model::Weights;

/// The table of tokens, and the layer that gives the logits: one tensor in many models.
const TABLE: &str = "model.embed_tokens";
const HEAD: &str = "lm_head";

/// A plan whose candidates are ggml types.
#[derive(Debug)]
pub struct GgmlPlan<'a> {
    /// Its name.
    pub name: &'a str,
    /// The Hugging Face folder of the model: configuration and tokenizer.
    pub folder: &'a Path,
    /// Layer → type.
    pub choices: &'a BTreeMap<String, GgmlType>,
    /// FP32 values of the graph's parameters.
    pub weights: &'a Weights,
}

/// Whether the head has the weights of the table, so that llama.cpp needs only one of them: the file has no
/// `output.weight` then if both have one type, as a plan for GGUF makes sure.
///
/// # Errors
/// When the weights cannot be read.
pub fn shared_table(weights: &Weights, shape: &[usize]) -> Result<bool> {
    Ok(weights.get(&format!("{TABLE}.weight"), shape)? == weights.get(&format!("{HEAD}.weight"), shape)?)
}

/// The files of a plan.
///
/// # Errors
/// When the folder has another architecture than llama.cpp, or no tokenizer that it knows; when a layer has no choice, or one
/// that its rows do not fit; when weights cannot be read. Nothing has been written then.
pub fn write(plan: &GgmlPlan<'_>) -> Result<Package> {
    let model = llama::read(plan.folder)?;
    let parameters = llama::parameters(&model)?;
    let layers: Vec<&Parameter> = parameters.iter().filter(|p| p.role == Role::Weight).collect();
    if let Some(unknown) = plan.choices.keys().find(|name| layers.iter().all(|p| layer_of(p) != name.as_str())) {
        let found = format!("the layer `{unknown}`");
        return Err(Error::input(place(plan), found, "layers of the model in the folder", "plan for this model"));
    }
    for parameter in &layers {
        choice(plan, parameter)?;
    }
    let vocabulary = Vocabulary::read(plan.folder, model.vocabulary)?;
    let table = [model.vocabulary, model.hidden];
    let same_type = plan.choices.get(TABLE) == plan.choices.get(HEAD);
    let shared = same_type && shared_table(plan.weights, &table)?;
    let mut files = Files::new(plan.name, model, vocabulary);
    for parameter in &parameters {
        let layer = (parameter.role == Role::Weight).then(|| layer_of(parameter));
        if shared && layer == Some(HEAD) {
            files.notes.push(format!("`{HEAD}` is `{TABLE}`: one tensor, `token_embd.weight`, serves both"));
            continue;
        }
        let values = files.ordered(&parameter.name, plan.weights.get(&parameter.name, &parameter.shape)?);
        let ggml = if layer.is_some() { choice(plan, parameter)? } else { GgmlType::F32 };
        let bytes = quantize(&values, &parameter.shape, ggml).map_err(|e| at(&parameter.name, e))?;
        files.add(parameter, ggml, bytes)?;
    }
    files.finish()
}

/// The type of a layer, which its rows fit.
fn choice(plan: &GgmlPlan<'_>, parameter: &Parameter) -> Result<GgmlType> {
    let layer = layer_of(parameter);
    let row = parameter.shape.last().copied().unwrap_or(0);
    match plan.choices.get(layer) {
        Some(&ggml) if ggml.fits(row) => Ok(ggml),
        Some(ggml) => {
            let fitting: Vec<&str> = GgmlType::ALL.iter().filter(|t| t.fits(row)).map(|t| t.id()).collect();
            let expected = format!("a type whose blocks make rows of {row} weights: {}", fitting.join(", "));
            Err(Error::input(
                format!("layer `{layer}`"),
                ggml.to_string(),
                expected,
                "`bitplan plan --for gguf` plans with those",
            ))
        }
        None => {
            let found = format!("no choice for layer `{layer}`");
            Err(Error::input(place(plan), found, "one for every layer", "plan for the model in the folder"))
        }
    }
}

fn place(plan: &GgmlPlan<'_>) -> String {
    format!("plan `{}`", plan.name)
}

/// A fault of a tensor's values, with its name.
fn at(name: &str, error: Error) -> Error {
    match error {
        Error::Input(fault) => {
            Error::input(format!("tensor `{name}`: {}", fault.place), fault.found, fault.expected, fault.remedy)
        }
        other => other,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
