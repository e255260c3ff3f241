//! Plans of `wXa16` as GGUF: the codes as they are.

use crate::error::{Error, Result};
use crate::export::gguf::files::{Files, layer_of};
use crate::export::gguf::vocabulary::Vocabulary;
use crate::export::gguf::{GgmlType, codes, llama};
use crate::export::{Codes, DeployedLayer, Deployment, Format, LayerWeights, Package, Site, Stored};
use crate::graph::{Op, Parameter, Role};
use crate::space::Candidate;

/// The format `gguf`.
#[derive(Debug, Clone, Copy)]
pub struct Gguf;

impl Format for Gguf {
    fn name(&self) -> &'static str {
        "gguf"
    }

    fn about(&self) -> &'static str {
        "llama.cpp and what is built on it: Llama, Mistral, Qwen2 and Qwen3, weights of 4, 5 or 8 bits, or a plan of ggml types"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["llama.cpp 0.5.0", "node-llama-cpp 3.22.1", "gguf-py 0.19.0"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let bytes = |ggml: GgmlType| ggml.bytes(site.shape).ok_or_else(|| "the weight has no rows".to_string());
        if !matches!(site.op, Op::Linear(_) | Op::Embedding(_)) {
            return Err("of a language model's layers, dense ones and tables of tokens".into());
        }
        if candidate.is_fp32() {
            return Ok(Stored { bits: 32, bytes: bytes(GgmlType::F32)? });
        }
        if candidate.quantizes_activations() {
            return Err("activations stay floats (`a16`), which llama.cpp rounds in its own way".into());
        }
        let bits = u32::from(candidate.weight_bits());
        let Some(ggml) = codes::type_of(bits) else {
            return Err("weights of 4, 5 or 8 bits keep their codes".into());
        };
        let row = site.shape.last().copied().unwrap_or(0);
        if !ggml.fits(row) || !site.group.is_multiple_of(codes::BLOCK) {
            let (block, group) = (codes::BLOCK, site.group);
            return Err(format!(
                "blocks of {block} weights with one scale; here are rows of {row} in groups of {group}"
            ));
        }
        Ok(Stored { bits, bytes: bytes(ggml)? })
    }

    fn has_own_types(&self) -> bool {
        true
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let (folder, _) = deployment.source_model(self.name())?;
        let model = llama::read(folder)?;
        let parameters = llama::parameters(&model)?;
        let vocabulary = Vocabulary::read(folder, model.vocabulary)?;
        let mut files = Files::new(&deployment.plan, model, vocabulary);
        let mut layers = deployment.layers.iter();
        let mut scale_change = 0.0f64;
        for parameter in &parameters {
            let (ggml, bytes) = match parameter.role {
                Role::Weight => {
                    let layer = layers.next().filter(|layer| layer.name == layer_of(parameter));
                    let blocks = blocks(&files, parameter, layer.ok_or_else(|| missing(parameter))?)?;
                    scale_change = scale_change.max(blocks.scale_change);
                    (blocks.ggml, blocks.bytes)
                }
                _ => {
                    let (_, values) = deployment.parameters.get(&parameter.name).ok_or_else(|| missing(parameter))?;
                    (GgmlType::F32, floats(&files.ordered(&parameter.name, values.clone())))
                }
            };
            files.add(parameter, ggml, bytes)?;
        }
        files.notes.push(format!(
            "scales are 16-bit floats there: the largest change of one is {:.3} %",
            100.0 * scale_change
        ));
        files.notes.push("`token_embd.weight` and `output.weight` are stored apart, as the plan has them".into());
        files.finish()
    }
}

fn missing(parameter: &Parameter) -> Error {
    Error::Internal(format!("the plan has no `{}`", parameter.name))
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A layer's weights, rows in llama.cpp's order.
fn blocks(files: &Files, parameter: &Parameter, layer: &DeployedLayer) -> Result<codes::Blocks> {
    match &layer.weights {
        LayerWeights::Float(values) => {
            let bytes = floats(&files.ordered(&parameter.name, values.clone()));
            Ok(codes::Blocks { ggml: GgmlType::F32, bytes, scale_change: 0.0 })
        }
        LayerWeights::Codes(own) => codes::blocks(&Codes {
            codes: files.ordered(&parameter.name, own.codes.clone()),
            scale: files.ordered(&parameter.name, own.scale.clone()),
            ..own.clone()
        }),
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
