//! GGUF, the file of llama.cpp and of what is built on it.
//!
//! ```text
//! plan of ggml types  ─► candle's quantisers ─┐
//!                                             ├─► tensors ─► container ─► model.gguf
//! plan of wXa16       ─► codes into blocks   ─┘                           tensor-types.txt, for `llama-quantize`
//! config.json ─► metadata, tokenizer.json ─► vocabulary ───┘
//! ```
//!
//! The network comes from a Hugging Face folder: llama.cpp knows architectures, not graphs. Computed there are matrices in
//! blocks of integers times activations that llama.cpp itself rounds to 8 bits, so its logits differ from those of float
//! activations by about a hundredth.

mod codes;
mod container;
mod files;
mod format;
mod ggml_type;
mod llama;
mod metadata;
mod names;
mod plan;
mod quantize;
mod special_tokens;
mod splitter;
mod tensor_types;
mod tokenizer_file;
mod vocabulary;

pub use format::Gguf;
pub use ggml_type::GgmlType;
pub use plan::{GgmlPlan, shared_table, write};
pub use quantize::{dequantize, quantize, squared_error};

#[cfg(test)]
mod test_folders;
#[cfg(test)]
mod test_reader;
