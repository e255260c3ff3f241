use std::path::{Path, PathBuf};

use super::*;
use crate::data::dataset::Pixels;
use npyz::WriterBuilder;
use std::io::Write;

const SHAPE: [usize; 3] = [1, 2, 2];

/// Bytes of four images, then the labels 0, 1, 2, 1.
fn sample() -> (Vec<u8>, Vec<u8>) {
    ((0..16).map(|i| i * 15).collect(), vec![0, 1, 2, 1])
}

/// An array of bytes, written by an independent implementation of the format.
fn npy(shape: &[u64], values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The same four images in three formats.
fn sources(folder: &Path) -> [SourceSpec; 3] {
    let (pixels, labels) = sample();
    let path = |name: &str| folder.join(name);
    let idx_images = [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2], &pixels[..]].concat();
    std::fs::write(path("images.idx3"), idx_images).unwrap();
    std::fs::write(path("labels.idx1"), [&[0, 0, 8, 1, 0, 0, 0, 4], &labels[..]].concat()).unwrap();
    let arrays = [npy(&[4, 2, 2], &pixels), npy(&[4], &labels)];
    let mut npz = npyz::zip::ZipWriter::new(std::fs::File::create(path("both.npz")).unwrap());
    for ((array, name), member) in arrays.iter().zip(["images.npy", "labels.npy"]).zip(["x.npy", "y.npy"]) {
        std::fs::write(path(name), array).unwrap();
        npz.start_file(member, Default::default()).unwrap();
        npz.write_all(array).unwrap();
    }
    npz.finish().unwrap();
    [
        SourceSpec::Idx { images: path("images.idx3"), labels: path("labels.idx1") },
        SourceSpec::Npy { images: path("images.npy"), labels: path("labels.npy") },
        SourceSpec::Npz { file: path("both.npz"), images: "x".into(), labels: "y".into() },
    ]
}

#[test]
fn equal_images_in_three_formats_give_equal_data_sets() {
    let folder = tempfile::tempdir().unwrap();
    for source in sources(folder.path()) {
        let dataset = source.load(SHAPE, 3, None).unwrap();
        assert_eq!(dataset.pixels(), &Pixels::Bytes(sample().0));
        assert_eq!(dataset.labels(), [0, 1, 2, 1]);
        let message = source.load([1, 2, 3], 3, None).unwrap_err().to_string();
        assert!(message.contains("expected 1 × 2 × 3, the network's input"), "{message}");
        let message = source.load(SHAPE, 2, None).unwrap_err().to_string();
        assert!(message.contains("record 2: found label 2, expected a label below 2"), "{message}");
    }
}

#[test]
fn a_limit_keeps_the_first_images() {
    let folder = tempfile::tempdir().unwrap();
    let [idx, ..] = sources(folder.path());
    let first = idx.load(SHAPE, 3, Some(3)).unwrap();
    assert_eq!((first.labels(), first.pixels()), (&[0, 1, 2][..], &Pixels::Bytes(sample().0[..12].to_vec())));
    assert_eq!(idx.load(SHAPE, 3, Some(100)).unwrap().len(), 4);
    assert!(idx.load(SHAPE, 3, Some(0)).unwrap_err().to_string().starts_with("data limit: found 0"));
}

#[test]
fn cifar_files_are_taken_in_their_order_and_errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.bin", "b.bin"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], [vec![3; 3073], vec![4; 3073]].concat()).unwrap();
    std::fs::write(&paths[1], vec![5; 3073]).unwrap();
    let source = SourceSpec::Cifar10 { files: vec![paths[1].clone(), paths[0].clone()] };
    assert_eq!(source.load([3, 32, 32], 10, None).unwrap().labels(), [5, 3, 4]);
    let message = source.load([3, 32, 32], 5, None).unwrap_err().to_string();
    assert!(message.contains("b.bin: record 0: found label 5"), "{message}");
    assert!(SourceSpec::Cifar10 { files: vec![] }.load([3, 32, 32], 10, None).is_err());
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let [mut idx, ..] = sources(folder.path());
    if let SourceSpec::Idx { labels, .. } = &mut idx {
        *labels = folder.path().join("elsewhere");
    }
    for message in [idx.load(SHAPE, 3, None).unwrap_err(), idx.content_hash().unwrap_err()] {
        assert!(message.to_string().contains("elsewhere: found no such file"), "{message}");
    }
}

#[test]
fn the_content_hash_is_that_of_bytes_and_lengths_in_order_wherever_they_are() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [idx, npy, npz] = sources(folder.path());
    let with_length = |path: &PathBuf| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.extend((bytes.len() as u64).to_le_bytes());
        bytes
    };
    let bytes = idx.paths().iter().flat_map(with_length).collect::<Vec<_>>();
    assert_eq!(idx.content_hash().unwrap(), blake3::hash(&bytes).to_hex().to_string());
    assert_eq!(idx.content_hash().unwrap(), sources(other.path())[0].content_hash().unwrap());
    assert_ne!(idx.content_hash().unwrap(), npy.content_hash().unwrap());
    assert_eq!((npy.paths().len(), npz.paths().len()), (2, 1));
    // The published hash of no bytes at all.
    let empty = SourceSpec::Cifar10 { files: vec![] }.content_hash().unwrap();
    assert_eq!(empty, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
}

#[test]
fn the_content_hash_sees_where_one_file_ends_and_the_next_begins() {
    let folder = tempfile::tempdir().unwrap();
    let hash = |contents: &[&[u8]]| {
        let write = |(i, content): (usize, &&[u8])| {
            let path = folder.path().join(i.to_string());
            std::fs::write(&path, content).unwrap();
            path
        };
        let files = contents.iter().enumerate().map(write).collect();
        SourceSpec::Cifar10 { files }.content_hash().unwrap()
    };
    // The first six have the same bytes in all; the last is one file of the first pair, with a length between them.
    let lists: [&[&[u8]]; 7] = [
        &[b"ab", b"c"],
        &[b"a", b"bc"],
        &[b"abc"],
        &[b"abc", b""],
        &[b"", b"abc"],
        &[b"a", b"b", b"c"],
        &[b"ab\x02\0\0\0\0\0\0\0c"],
    ];
    let mut hashes = lists.map(hash).to_vec();
    hashes.extend([hash(&[b""]), hash(&[])]);
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 9);
}

#[test]
fn a_text_and_images_do_not_stand_for_each_other_and_a_text_depends_on_its_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write("text.txt", "abcdefg");
    write("tokenizer.json", "{}");
    let text = SourceSpec::Text {
        file: folder.path().join("text.txt"),
        tokenizer: Some(folder.path().into()),
        documents: false,
    };
    let encode = |text: &str| Ok(text.bytes().map(|b| u32::from(b - b'a')).collect());
    assert_eq!(text.load_text((3, 7), None, &encode).unwrap().len(), 2);
    assert_eq!(text.load_text((3, 7), Some(1), &encode).unwrap().len(), 1);
    assert!(text.load_text((3, 7), Some(0), &encode).unwrap_err().to_string().contains("found 0"));
    assert!(text.load(SHAPE, 3, None).unwrap_err().to_string().contains("found a text, expected images"));
    let images = &sources(folder.path())[0];
    assert!(images.load_text((4, 3), None, &encode).unwrap_err().to_string().contains("found images, expected a text"));
    let before = text.content_hash().unwrap();
    write("tokenizer.json", "{ }");
    assert_ne!(text.content_hash().unwrap(), before);
}
