//! Content hashes: the first 128 bits of BLAKE3, in hexadecimal.

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::store::read;

/// Hash of bytes.
pub fn hash_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_string()
}

/// Hash of a value's JSON.
///
/// # Errors
/// When the value has no JSON form.
pub fn hash_json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(value).map_err(|e| Error::Internal(format!("not JSON: {e}")))?;
    Ok(hash_bytes(&text))
}

/// Hash of a file's content.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(path: &Path) -> Result<String> {
    Ok(hash_bytes(&read(path)?))
}
