//! `recipe.json` of ai-edge-quantizer: which layer's weights become integers of how many bits.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::export::Deployment;
use crate::export::litert::weights;
use crate::graph::Op;

/// An entry of the recipe; later ones win.
#[derive(Debug, Serialize)]
struct Entry {
    /// Searched in the name of the operator's output and a semicolon.
    regex: String,
    operation: &'static str,
    algorithm_key: &'static str,
    op_config: OpConfig,
}

#[derive(Debug, Serialize)]
struct OpConfig {
    weight_tensor_config: WeightConfig,
    compute_precision: &'static str,
    explicit_dequantize: bool,
    skip_checks: bool,
    min_weight_elements: u32,
}

#[derive(Debug, Serialize)]
struct WeightConfig {
    num_bits: u32,
    symmetric: bool,
    granularity: &'static str,
    dtype: &'static str,
}

/// The recipe of a deployment, as JSON, and the layers that it leaves out because the quantiser would not find their integers.
///
/// # Errors
/// When it cannot be written as JSON, a fault of the program.
pub(super) fn recipe(deployment: &Deployment) -> Result<(Vec<u8>, Vec<String>)> {
    let (mut entries, mut others) = (Vec::new(), Vec::new());
    let nodes = deployment.graph.nodes().iter().filter(|node| node.op.has_weight());
    for (node, layer) in nodes.zip(&deployment.layers) {
        let Some(codes) = weights::codes(layer) else { continue };
        if !weights::is_recoverable(&node.op, codes) {
            others.push(layer.name.clone());
            continue;
        }
        let num_bits = weights::container(&node.op, codes.bits);
        entries.push(Entry {
            regex: format!("^{};$", escape(&node.name)),
            operation: if matches!(node.op, Op::Linear(_)) { "FULLY_CONNECTED" } else { "CONV_2D" },
            algorithm_key: "dequantized_weight_recovery",
            op_config: OpConfig {
                weight_tensor_config: WeightConfig {
                    num_bits,
                    symmetric: true,
                    granularity: "CHANNELWISE",
                    dtype: "INT",
                },
                compute_precision: "FLOAT",
                explicit_dequantize: true,
                skip_checks: false,
                min_weight_elements: 0,
            },
        });
    }
    let json = serde_json::to_vec_pretty(&entries).map_err(|e| Error::Internal(e.to_string()))?;
    Ok((json, others))
}

/// A regular expression of Python that matches exactly this text: punctuation of ASCII loses its meaning behind a backslash.
fn escape(name: &str) -> String {
    let escaped = |c: char| [(c.is_ascii_punctuation() && c != '_').then_some('\\'), Some(c)];
    name.chars().flat_map(escaped).flatten().collect()
}
