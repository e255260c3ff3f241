use super::*;
use crate::data::zip_directory::{END, END_64, END_LEN, ENTRY, ENTRY_LEN, LOCATOR_64};
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, ZipWriter};
use proptest::prelude::*;
use std::io::{Cursor, Write};

/// An archive written by an independent implementation.
fn zip(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        writer.start_file(*name, FileOptions::default().compression_method(method)).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// All bytes of a member, which has `len` of them.
fn read(archive: &[u8], name: &str, len: usize) -> Result<Vec<u8>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive).unwrap();
    let member = open_member(file.path(), name).and_then(|mut member| {
        let bytes = member.elements(len, |_, [byte]| byte)?;
        member.end().map(|()| bytes)
    });
    member.map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
}

fn sample() -> Vec<u8> {
    (0..100_000u64).map(|i| (i * i % 97) as u8).collect()
}

#[test]
fn stored_and_deflated_members_are_read() {
    let (a, b) = (sample(), b"short".to_vec());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let archive = zip(method, &[("a.npy", &a), ("b.npy", &b), ("none.npy", b"")]);
        assert_eq!(read(&archive, "a.npy", a.len()).unwrap(), a);
        assert_eq!(read(&archive, "b.npy", b.len()).unwrap(), b);
        assert_eq!(read(&archive, "none.npy", 0).unwrap(), b"");
    }
}

/// Sizes in 64 bits in the local header and the real ones in the directory, as numpy.savez writes with Python's zipfile
/// (`ZipFile.open("a.npy", "w", force_zip64=True)`, Python 3.11, content "bitplan").
const FROM_PYTHON: &str = "\
    504b03042d0000000000000021004e1ef25effffffffffffffff05001400612e6e7079010010000700000000000000070000\
    0000000000626974706c616e504b01022d032d0000000000000021004e1ef25e070000000700000005000000000000000000\
    0000800100000000612e6e7079504b05060000000001000100330000003e0000000000";

#[test]
fn an_archive_of_pythons_zipfile_is_read() {
    let digits = FROM_PYTHON.as_bytes().chunks_exact(2);
    let archive: Vec<u8> =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    assert_eq!(read(&archive, "a.npy", 7).unwrap(), b"bitplan");
}

/// Moves offset and sizes of the only member and of the directory into their 64-bit forms.
fn widened(archive: &[u8]) -> Vec<u8> {
    let end_at = archive.len() - END_LEN;
    let start = number::<4>(archive, end_at + 16) as usize;
    let (mut entry, name_len) = (archive[start..start + ENTRY_LEN].to_vec(), number::<2>(archive, start + 28) as usize);
    let name = &archive[start + ENTRY_LEN..start + ENTRY_LEN + name_len];
    let mut extension = vec![0x34, 0x12, 2, 0, 9, 9, 1, 0, 24, 0];
    for at in [24, 20, 42] {
        extension.extend(number::<4>(&entry, at).to_le_bytes());
        entry[at..at + 4].fill(0xff);
    }
    entry[30..32].copy_from_slice(&(extension.len() as u16).to_le_bytes());
    entry[32..34].fill(0);
    let directory = [&entry, name, &extension].concat();
    let end_64_at = (start + directory.len()) as u64;
    let mut end_64 = [&END_64[..], &44u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat();
    for value in [1, 1, directory.len() as u64, start as u64] {
        end_64.extend(value.to_le_bytes());
    }
    let locator = [&LOCATOR_64[..], &[0; 4], &end_64_at.to_le_bytes(), &1u32.to_le_bytes()].concat();
    let end = [&END[..], &[0; 4], &[0xff; 12], &[3, 0], b"end"].concat();
    [&archive[..start], &directory, &end_64, &locator, &end].concat()
}

#[test]
fn directories_with_64_bit_fields_and_a_comment_are_read() {
    let content = sample();
    let archive = widened(&zip(CompressionMethod::Deflated, &[("a.npy", &content)]));
    assert_eq!(read(&archive, "a.npy", content.len()).unwrap(), content);
}

#[test]
fn a_missing_member_is_an_error_that_names_those_there_are() {
    let message =
        read(&zip(CompressionMethod::Stored, &[("x.npy", b"1"), ("y.npy", b"2")]), "images.npy", 0).unwrap_err();
    assert!(message.starts_with("FILE: found the members x.npy, y.npy, expected the member images.npy"), "{message}");
    assert!(read(&zip(CompressionMethod::Stored, &[]), "a.npy", 0).unwrap_err().contains("found no member"));
}

#[test]
fn a_file_that_is_no_archive_is_refused() {
    for bytes in [&b""[..], b"PK", b"\x93NUMPY\x01\x00", &[0; 1000]] {
        let message = read(bytes, "a.npy", 0).unwrap_err();
        assert!(message.contains("found no end of a central directory, expected a zip archive"), "{message}");
    }
}

#[test]
fn truncated_archives_are_refused() {
    let archive = zip(CompressionMethod::Stored, &[("a.npy", b"content")]);
    for len in 0..archive.len() {
        assert!(read(&archive[..len], "a.npy", 7).is_err(), "{len} bytes");
    }
    assert!(read(&archive[10..], "a.npy", 7).is_err());
}

#[test]
fn a_changed_byte_in_the_data_fails_the_checksum() {
    let mut archive = zip(CompressionMethod::Stored, &[("a.npy", b"content")]);
    let at = archive.windows(7).position(|window| window == b"content").unwrap();
    archive[at] ^= 1;
    let message = read(&archive, "a.npy", 7).unwrap_err();
    assert!(message.starts_with("FILE: a.npy: byte 7: found damaged compressed data (the checksum"), "{message}");
}

#[test]
fn a_wrong_size_in_the_directory_is_seen() {
    for (size, text) in [(6u8, "more bytes than the directory says"), (8, "fewer bytes than the directory says")] {
        let mut archive = zip(CompressionMethod::Deflated, &[("a.npy", b"content")]);
        let entry = archive.windows(4).position(|window| window == ENTRY).unwrap();
        archive[entry + 24] = size;
        let message = read(&archive, "a.npy", 7).unwrap_err();
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn encrypted_and_otherwise_compressed_members_are_refused() {
    let archive = zip(CompressionMethod::Stored, &[("a.npy", b"content")]);
    let entry = archive.windows(4).position(|window| window == ENTRY).unwrap();
    for (at, value, text) in [(8, 1, "an encrypted member"), (10, 93, "compression method 93")] {
        let mut changed = archive.clone();
        changed[entry + at] = value;
        let message = read(&changed, "a.npy", 7).unwrap_err();
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn a_directory_that_claims_more_entries_than_it_has_ends_with_the_file() {
    let mut archive = zip(CompressionMethod::Stored, &[("a.npy", b"content")]);
    let end = archive.len() - END_LEN;
    archive[end + 10..end + 12].fill(0xff);
    assert!(read(&archive, "b.npy", 7).unwrap_err().contains("beyond the end of the file"));
}

proptest! {
    #[test]
    fn a_changed_byte_anywhere_gives_the_same_content_or_an_error(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), wide in any::<bool>(),
    ) {
        let mut archive = zip(CompressionMethod::Deflated, &[("a.npy", b"content content")]);
        if wide {
            archive = widened(&archive);
        }
        let at = at.index(archive.len());
        archive[at] = byte;
        if let Ok(content) = read(&archive, "a.npy", 15) {
            prop_assert_eq!(content, b"content content");
        }
    }

    #[test]
    fn any_bytes_before_a_valid_end_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..120), start in 0u32..120,
    ) {
        let end = [&END[..], &[0; 4], &[1, 0, 1, 0], &200u32.to_le_bytes(), &start.to_le_bytes(), &[0, 0]].concat();
        let _ = read(&[&bytes[..], &ENTRY, &bytes, &end].concat(), "a.npy", 1);
    }
}
