//! Data files written by an adversary: the readers refuse them without a panic and without memory that the file does not
//! pay for. One test only, because the allocator counts for the whole process.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/watching.rs"]
mod watching;

use std::path::Path;
use std::sync::atomic::Ordering;

use bitplan::data::{idx, npy};
use bitplan::numeric::rng::Stream;
use bitplan::space::SourceSpec;
use watching::LARGEST;

/// Reads a file of one format, and does not mind the outcome.
type Reader = fn(&Path);

fn read_idx(path: &Path) {
    let _ = (idx::read_images(path), idx::read_labels(path, 2));
}

fn read_npy(path: &Path) {
    let _ = (npy::read_images(path), npy::read_labels(path, 2));
}

fn read_npz(path: &Path) {
    let _ = (npy::read_images_from_npz(path, "x"), npy::read_labels_from_npz(path, "y", 2));
}

fn read_cifar(path: &Path) {
    let _ = SourceSpec::Cifar10 { files: vec![path.to_owned()] }.load([3, 32, 32], 10, None);
}

fn npy_bytes<T: npyz::Serialize + npyz::AutoSerialize>(shape: &[u64], values: Vec<T>) -> Vec<u8> {
    use npyz::WriterBuilder;
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files of all formats, each with its reader.
fn originals() -> Vec<(Vec<u8>, Reader)> {
    use std::io::Write;
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4], &[7; 24][..]].concat();
    let (images, labels) = (npy_bytes(&[2, 3, 4], vec![0.5f32; 24]), npy_bytes(&[2], vec![1i64, 0]));
    let mut npz = npyz::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, array) in [("x.npy", &images), ("y.npy", &labels)] {
        npz.start_file(name, Default::default()).unwrap();
        npz.write_all(array).unwrap();
    }
    let npz = npz.finish().unwrap().into_inner();
    vec![
        (gzip(&idx), read_idx),
        (idx, read_idx),
        (images, read_npy),
        (labels, read_npy),
        (npz, read_npz),
        (vec![3; 3073], read_cifar),
    ]
}

#[test]
fn no_changed_file_makes_a_reader_panic_or_reserve_more_than_the_file_pays_for() {
    /// Buffers of the readers and of the decompressor.
    const ALLOWED: usize = 1 << 18;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (case, (original, read)) in originals().into_iter().enumerate() {
        for round in 0..3000 {
            let mut random = Stream::new(7, "untrusted", &[case as u64, round]);
            let mut bytes = original.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(4) {
                    0 => bytes[at] = 0xff,
                    1 => bytes[at] = random.u32() as u8,
                    2 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random.u32() as u8),
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            LARGEST.store(0, Ordering::Relaxed);
            read(&path);
            let largest = LARGEST.load(Ordering::Relaxed);
            assert!(largest <= ALLOWED, "case {case}, round {round}: {largest} bytes at once");
        }
    }

    // A gzip file of some kilobytes whose content would be 16 MiB, and whose header promises 8 GiB: memory follows the
    // content, at most twice it while it grows.
    let header = [0, 0, 8, 3, 0, 0x20, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1];
    let bomb = gzip(&[&header[..], &vec![0; 1 << 24]].concat());
    assert!(bomb.len() < 1 << 15);
    std::fs::write(&path, &bomb).unwrap();
    LARGEST.store(0, Ordering::Relaxed);
    assert!(idx::read_images(&path).unwrap_err().to_string().contains("more bytes, as the header says"));
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!((1 << 24..=1 << 25).contains(&largest), "{largest}");
}
