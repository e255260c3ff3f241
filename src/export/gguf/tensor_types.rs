//! `tensor-types.txt`: the plan as `llama-quantize --tensor-type-file` takes it.
//!
//! One `PATTERN=TYPE` a line. llama.cpp searches each pattern, in lower case, in the names of tensors that it quantises at
//! all, and the first that is found wins; so each is anchored, and dots are escaped.

use crate::export::gguf::GgmlType;

/// The name of the file.
pub(super) const FILE: &str = "tensor-types.txt";

/// The lines for these tensors.
pub(super) fn lines(types: &[(String, GgmlType)]) -> String {
    types.iter().map(|(name, ggml)| format!("^{}$={ggml}\n", name.to_lowercase().replace('.', "\\."))).collect()
}

/// The command that applies the file; none if nothing is quantised, which `llama-quantize` has no types for.
pub(super) fn command(types: &[(String, GgmlType)]) -> Option<String> {
    let of = |name: &str| types.iter().find(|(own, _)| own == name).map(|(_, ggml)| *ggml);
    let base = most(types.iter().map(|(_, ggml)| *ggml).filter(|ggml| ggml.is_quantized()))?;
    let flag = |flag: &str, name: &str| of(name).map_or(String::new(), |ggml| format!(" --{flag} {ggml}"));
    let (output, table) =
        (flag("output-tensor-type", "output.weight"), flag("token-embedding-type", "token_embd.weight"));
    Some(format!(
        "llama-quantize --tensor-type-file {FILE}{output}{table} in-f32.gguf out.gguf {}",
        base.id().to_uppercase()
    ))
}

/// The most frequent; of several, the widest.
pub(super) fn most(types: impl Iterator<Item = GgmlType> + Clone) -> Option<GgmlType> {
    let count = |ggml: GgmlType| types.clone().filter(|&other| other == ggml).count();
    types.clone().max_by_key(|&ggml| (count(ggml), std::cmp::Reverse(ggml)))
}

#[cfg(test)]
#[path = "tensor_types_tests.rs"]
mod tests;
