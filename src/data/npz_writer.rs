//! Arrays written as NumPy's `.npz`: a zip archive of `.npy` members, stored without compression.
//!
//! Written by npyz; what is read is read by [`super::npy`], for the reasons given there.

use std::io::Cursor;
use std::path::Path;

use npyz::WriterBuilder;
use npyz::npz::NpzWriter;
use npyz::zip::CompressionMethod;
use npyz::zip::write::FileOptions;

use crate::error::{Error, Result};
use crate::store::write_atomic;

/// An array to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArray {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements in row-major order.
    pub values: Vec<f32>,
}

/// Writes the arrays to one file, atomically; the same bytes for the same arrays.
///
/// # Errors
/// When the system refuses.
pub fn write_npz(path: &Path, arrays: &[NamedArray]) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(path, error);
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    let options = FileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for NamedArray { name, shape, values } in arrays {
        let shape: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
        let member = archive.array(name, options).map_err(failed)?;
        let mut writer = member.default_dtype().shape(&shape).begin_nd().map_err(failed)?;
        writer.extend(values.iter().copied()).map_err(failed)?;
        writer.finish().map_err(failed)?;
    }
    let bytes = archive.zip_writer().finish().map_err(|e| failed(std::io::Error::other(e)))?.into_inner();
    write_atomic(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::npy::read_array_from_npz;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let array = |name: &str, shape: &[usize]| {
            let values = (0..shape.iter().product::<usize>()).map(|i| i as f32 / 3.0).collect();
            NamedArray { name: name.into(), shape: shape.to_vec(), values }
        };
        let arrays = [array("logits", &[2, 3]), array("x/y", &[4]), array("scalar", &[])];
        write_npz(&path, &arrays).unwrap();
        for NamedArray { name, shape, values } in arrays.clone() {
            assert_eq!(read_array_from_npz(&path, &name).unwrap(), (shape, values));
        }
        let first = std::fs::read(&path).unwrap();
        write_npz(&path, &arrays).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }
}
