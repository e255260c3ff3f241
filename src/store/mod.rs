//! Files: written so that a kill loses nothing, hashed by content, tensors as safetensors.

mod atomic;
mod hash;
mod tensor_file;

pub use atomic::{read, read_json, read_text, write_atomic, write_json};
pub use hash::{hash_bytes, hash_file, hash_json};
pub use tensor_file::{Array, TensorFile};
