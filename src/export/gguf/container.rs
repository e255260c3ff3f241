//! The container: GGUF version 3, little-endian.
//!
//! ```text
//! "GGUF" | u32 version | u64 tensors | u64 metadata
//! metadata: string key | u32 type | value                       string: u64 length, UTF-8; array: u32 type, u64 length
//! tensors:  string name | u32 axes | u64 extents, last axis first | u32 ggml type | u64 offset behind the header
//! header and every tensor padded with zeros to a multiple of 32 bytes
//! ```
//!
//! Source: `docs/gguf.md` of ggml.

use crate::export::gguf::GgmlType;

/// Bytes that tensors start at multiples of; `general.alignment`.
pub(super) const ALIGNMENT: usize = 32;

/// A value of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
    Texts(Vec<String>),
}

/// A tensor with its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    /// Name in the file.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Its type.
    pub ggml: GgmlType,
    /// As many as type and shape ask for.
    pub bytes: Vec<u8>,
}

/// The bytes of a file.
pub(super) fn file(metadata: &[(String, Value)], tensors: &[Tensor]) -> Vec<u8> {
    let data: usize = tensors.iter().map(|t| t.bytes.len().next_multiple_of(ALIGNMENT)).sum();
    let mut out = Vec::with_capacity(data + data / 16);
    out.extend_from_slice(b"GGUF");
    out.extend_from_slice(&3u32.to_le_bytes());
    count(&mut out, tensors.len());
    count(&mut out, metadata.len());
    for (key, value) in metadata {
        text(&mut out, key);
        out.extend_from_slice(&value.number().to_le_bytes());
        value.write(&mut out);
    }
    let mut offset = 0;
    for tensor in tensors {
        text(&mut out, &tensor.name);
        out.extend_from_slice(&(tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().rev().for_each(|&extent| count(&mut out, extent));
        out.extend_from_slice(&tensor.ggml.number().to_le_bytes());
        count(&mut out, offset);
        offset += tensor.bytes.len().next_multiple_of(ALIGNMENT);
    }
    pad(&mut out);
    for tensor in tensors {
        out.extend_from_slice(&tensor.bytes);
        pad(&mut out);
    }
    out
}

impl Value {
    /// `enum gguf_type`.
    fn number(&self) -> u32 {
        match self {
            Value::U32(_) => 4,
            Value::F32(_) => 6,
            Value::Bool(_) => 7,
            Value::Text(_) => 8,
            Value::I32s(_) | Value::F32s(_) | Value::Texts(_) => 9,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let array = |out: &mut Vec<u8>, element: u32, length: usize| {
            out.extend_from_slice(&element.to_le_bytes());
            count(out, length);
        };
        match self {
            Value::U32(value) => out.extend_from_slice(&value.to_le_bytes()),
            Value::F32(value) => out.extend_from_slice(&value.to_le_bytes()),
            Value::Bool(value) => out.push(u8::from(*value)),
            Value::Text(value) => text(out, value),
            Value::I32s(values) => {
                array(out, 5, values.len());
                values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
            Value::F32s(values) => {
                array(out, 6, values.len());
                values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
            Value::Texts(values) => {
                array(out, 8, values.len());
                values.iter().for_each(|value| text(out, value));
            }
        }
    }
}

fn count(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&(value as u64).to_le_bytes());
}

fn text(out: &mut Vec<u8>, value: &str) {
    count(out, value.len());
    out.extend_from_slice(value.as_bytes());
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
