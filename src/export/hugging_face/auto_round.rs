//! AutoRound's folder in the layout of GPTQ, version 1 (`auto_round:auto_gptq`), which transformers loads with auto-round.
//!
//! ```text
//! LAYER.qweight [in·b/32, out] i32     LAYER.scales [in/g, out] f16     LAYER.qzeros [in/g, out·b/32] i32: 2^(b−1) − 1
//! w = (q − zero − 1)·scale
//! ```
//!
//! There is no `g_idx`, as in AutoRound's own folders: columns are in order. The tool computes in half precision, so all floats
//! are stored in it. Tables stay floats on their grid: it quantises dense layers only. Rows and columns are multiples of 32.

use half::f16;
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::export::hugging_face::source::Source;
use crate::export::hugging_face::tensors::{Float, Tensors};
use crate::export::hugging_face::{Matrix, floats, words};
use crate::export::{Codes, DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored};
use crate::graph::{Graph, Op};
use crate::space::Candidate;

/// What its kernels ask the numbers of inputs and of outputs to be multiples of.
const MULTIPLE: usize = 32;

/// A scale that half precision changes by more than this, relatively, is refused: it is far below the normal numbers.
const TOLERANCE: f64 = 0.01;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct AutoRound;

impl Format for AutoRound {
    fn name(&self) -> &'static str {
        "auto-round"
    }

    fn about(&self) -> &'static str {
        "folder for transformers with auto-round: GPTQ's layout, 2 to 8 bits a weight, half precision"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["transformers 5.23.0", "auto-round 0.16.1"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let matrix = Matrix::of(site)?;
        if candidate.is_fp32() || matrix.table {
            return Ok(floats(matrix, Float::Half.bits()));
        }
        matrix.weight_only(candidate)?;
        if !matrix.rows.is_multiple_of(MULTIPLE) || !matrix.columns.is_multiple_of(MULTIPLE) {
            let found = format!("{} inputs and {} outputs", matrix.columns, matrix.rows);
            return Err(format!("its layers have inputs and outputs in multiples of 32, and this has {found}"));
        }
        let bits = u32::from(candidate.weight_bits());
        let zeros = matrix.columns / matrix.group * words::row_bytes(matrix.rows, bits);
        let bytes = matrix.rows * words::row_bytes(matrix.columns, bits) + 2 * matrix.scales() + zeros;
        Ok(Stored { bits, bytes: bytes as u64 })
    }

    fn other_bytes(&self, graph: &Graph) -> Option<u64> {
        Some(super::other_bytes(graph, 2))
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let mut source = Source::of(deployment, self.name())?;
        let mut tensors = Tensors::new(Float::Half);
        source.rest(deployment, &mut tensors)?;
        let (mut modules, mut blocks, mut notes) = (Map::new(), Vec::new(), Vec::new());
        let mut worst = 0.0_f64;
        for (layer, site) in deployment.layers.iter().zip(deployment.graph.layers()) {
            let table = matches!(deployment.graph.nodes()[site.node].op, Op::Embedding(_));
            let module = source.name(&layer.name);
            match &layer.weights {
                LayerWeights::Codes(_) if table => {
                    source.float_weight(layer, &layer.weights.values(), &mut tensors)?;
                    notes.push(format!("`{}`: a table, stored as floats on the grid of its codes", layer.name));
                }
                LayerWeights::Codes(codes) => {
                    worst = worst.max(scale_error(layer, codes)?);
                    add(layer, codes, module, &mut tensors)?;
                    let group =
                        if codes.group == layer.shape.last().copied().unwrap_or(0) { -1 } else { codes.group as i64 };
                    let scheme = json!({
                        "bits": codes.bits,
                        "group_size": group,
                        "sym": true,
                        "data_type": "int",
                        "act_bits": 16,
                    });
                    modules.insert(module.into(), scheme);
                }
                LayerWeights::Float(_) if table => {}
                LayerWeights::Float(_) => {
                    modules.insert(module.into(), json!({"bits": 16, "data_type": "float", "act_bits": 16}));
                }
            }
            if let Some(block) = block(module)
                && !blocks.contains(&block)
            {
                blocks.push(block);
            }
        }
        notes.push(format!("scales are in half precision: the largest relative change is {worst:.1e}"));
        let section = json!({
            "quant_method": "auto-round",
            "packing_format": "auto_round:auto_gptq",
            "bits": 4,
            "group_size": 32,
            "sym": true,
            "data_type": "int",
            "block_name_to_quantize": blocks.join(","),
            "extra_config": Value::Object(modules),
        });
        source.finish(&[("quantization_config", section)], "pt", tensors, notes)
    }
}

/// Where the numbered blocks are that a module is in one of: `model.layers`.
fn block(module: &str) -> Option<String> {
    let parts: Vec<&str> = module.split('.').collect();
    let number = parts.iter().position(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    number.map(|at| parts[..at].join("."))
}

/// The largest relative change of a scale in half precision.
fn scale_error(layer: &DeployedLayer, codes: &Codes) -> Result<f64> {
    let mut worst = 0.0_f64;
    for (&scale, codes) in codes.scale.iter().zip(codes.codes.chunks(codes.group.max(1))) {
        let half = f64::from(f16::from_f32(scale).to_f32());
        let change = (half / f64::from(scale) - 1.0).abs();
        if codes.iter().all(|&code| code == 0) {
            continue;
        }
        if change > TOLERANCE {
            let (place, found) = (format!("layer `{}`", layer.name), format!("a scale of {scale}"));
            let expected = "one that half precision holds, 6e-6 to 65504";
            return Err(Error::input(place, found, expected, "export to `compressed-tensors`, whose scales are f32"));
        }
        worst = worst.max(change);
    }
    Ok(worst)
}

/// Adds the tensors of a layer.
fn add(layer: &DeployedLayer, codes: &Codes, module: &str, tensors: &mut Tensors) -> Result<()> {
    let &[rows, columns] = layer.shape.as_slice() else {
        return Err(Error::Internal(format!("`{}` was not checked", layer.name)));
    };
    let (bits, groups) = (codes.bits, columns / codes.group.max(1));
    let words_of = |count: usize| count * bits as usize / 32;
    let owner = |part| Some((layer.name.as_str(), part));
    let weight = words::transposed::<4>(&words::rows(&codes.codes, columns, bits), rows);
    tensors.add(format!("{module}.qweight"), owner(Part::Codes), Dtype::I32, &[words_of(columns), rows], weight);
    // −1 is 2^(b−1) − 1 behind the offset of all codes.
    let zeros = words::rows(&vec![-1; groups * rows], rows, bits);
    tensors.add(format!("{module}.qzeros"), owner(Part::ZeroPoints), Dtype::I32, &[groups, words_of(rows)], zeros);
    let scales: Vec<f32> = (0..groups).flat_map(|g| codes.scale.iter().skip(g).step_by(groups).copied()).collect();
    tensors.floats(format!("{module}.scales"), owner(Part::Scales), &[groups, rows], &scales)
}

#[cfg(test)]
#[path = "auto_round_tests.rs"]
mod tests;
