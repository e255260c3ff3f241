//! A reader of the files, for tests: written from the layouts of safetensors and of the tools, without the code that writes.

use std::collections::BTreeMap;

use serde_json::Value;

/// A tensor: element type, shape, bytes.
pub struct Tensor {
    pub dtype: String,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// Elements of floats, of 16 or 32 bits.
    pub fn floats(&self) -> Vec<f32> {
        match self.dtype.as_str() {
            "F32" => self.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
            "F16" => {
                let halves = self.bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes(b.try_into().unwrap()));
                halves.map(half::f16::to_f32).collect()
            }
            other => panic!("{other}"),
        }
    }

    /// `count` unsigned numbers of a row, one behind the other from the lowest bit on; `word(i)` is word `i` of the row.
    pub fn stream(count: usize, bits: usize, word: impl Fn(usize) -> u32) -> Vec<u32> {
        let bit = |k: usize| word(k / 32) >> (k % 32) & 1;
        (0..count).map(|i| (0..bits).map(|b| bit(i * bits + b) << b).sum()).collect()
    }

    /// 32-bit word at a row and column.
    pub fn word(&self, row: usize, column: usize) -> u32 {
        assert!(self.dtype == "I32" || self.dtype == "U32");
        assert!(column < self.shape[1]);
        let at = 4 * (row * self.shape[1] + column);
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }
}

/// The tensors of a safetensors file.
pub fn tensors(file: &[u8]) -> BTreeMap<String, Tensor> {
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let json: Value = serde_json::from_slice(&file[8..8 + header]).unwrap();
    let tensor = |value: &Value| {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let shape = value["shape"].as_array().unwrap().iter().map(number).collect();
        let [from, to] = [0, 1].map(|i| 8 + header + number(&value["data_offsets"][i]));
        Tensor { dtype: value["dtype"].as_str().unwrap().into(), shape, bytes: file[from..to].to_vec() }
    };
    let named = json.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
    named.map(|(name, value)| (name.clone(), tensor(value))).collect()
}
