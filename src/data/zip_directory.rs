//! The central directory of a zip archive: finds a member's entry, and says what is wrong with an archive. Read entry by
//! entry, so memory follows the bytes that are there. See [`super::archive`] for the format.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::Error;

pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END_LEN: usize = 22;
pub(super) const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
pub(super) const LOCATOR_64_LEN: usize = 20;
pub(super) const END_64: [u8; 4] = *b"PK\x06\x06";
pub(super) const END_64_LEN: usize = 56;
pub(super) const ENTRY: [u8; 4] = *b"PK\x01\x02";
pub(super) const ENTRY_LEN: usize = 46;

/// In a 32-bit field: the value is in the 64-bit extension.
const IN_EXTENSION: u64 = u32::MAX as u64;

/// Names shown in the message about a missing member.
const NAMES_SHOWN: usize = 20;

/// What the directory says about a member.
pub(super) struct Member {
    pub(super) encrypted: bool,
    /// 0 is stored, 8 deflated.
    pub(super) method: u64,
    /// CRC-32 of the unpacked bytes.
    pub(super) crc: u64,
    /// Bytes in the archive.
    pub(super) packed: u64,
    /// Bytes after decompression.
    pub(super) unpacked: u64,
    /// Position of the local header.
    pub(super) header_at: u64,
}

/// What is wrong with an archive, or that it cannot be read.
pub(super) enum Fault {
    Io(io::Error),
    Damaged { offset: u64, found: &'static str, expected: &'static str },
    Missing { name: String, present: Vec<String> },
    Unsupported(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

impl Fault {
    pub(super) fn error(self, path: &Path) -> Error {
        let place = path.display().to_string();
        match self {
            Fault::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Error::input(
                place,
                "a directory that points beyond the end of the file",
                "a whole zip archive (.npz)",
                "the file is truncated; get or write it again",
            ),
            Fault::Io(error) => Error::io(path, error),
            Fault::Damaged { offset, found, expected } => Error::input(
                format!("{place}: byte {offset}"),
                found,
                expected,
                "the file is damaged or no zip archive; write it with numpy.savez or numpy.savez_compressed",
            ),
            Fault::Missing { name, present } => Error::input(
                place,
                if present.is_empty() { "no member".into() } else { format!("the members {}", present.join(", ")) },
                format!("the member {name}"),
                "name one of the arrays that the file has (a member without its .npy)",
            ),
            Fault::Unsupported(found) => Error::input(
                place,
                found,
                "a stored or deflated member",
                "write the file with numpy.savez or numpy.savez_compressed",
            ),
        }
    }
}

/// Unsigned little-endian number of `N` bytes at `at`; the callers' buffers are long enough.
pub(super) fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The next `N` bytes at a position of the file.
pub(super) fn record_at<const N: usize>(file: &mut BufReader<File>, offset: u64) -> io::Result<[u8; N]> {
    let mut record = [0; N];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut record)?;
    Ok(record)
}

/// Position and length of the central directory, and its number of entries.
fn directory(file: &mut BufReader<File>) -> Result<(u64, u64, u64), Fault> {
    let len = file.seek(SeekFrom::End(0))?;
    // The end record is followed by a comment of at most 65535 bytes; a 64-bit locator stands before it.
    let tail_at = len.saturating_sub((END_LEN + usize::from(u16::MAX)) as u64);
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    file.take(len - tail_at).read_to_end(&mut tail)?;
    let is_end =
        |at: &usize| tail[*at..].starts_with(&END) && at + END_LEN + number::<2>(&tail, at + 20) as usize == tail.len();
    let Some(at) = (0..=tail.len().saturating_sub(END_LEN)).rev().filter(|at| at + END_LEN <= tail.len()).find(is_end)
    else {
        let found = "no end of a central directory";
        return Err(Fault::Damaged { offset: len, found, expected: "a zip archive (.npz)" });
    };
    let (entries, size, start) =
        (number::<2>(&tail, at + 10), number::<4>(&tail, at + 12), number::<4>(&tail, at + 16));
    let end_at = tail_at + at as u64;
    if let Some(locator_at) = end_at.checked_sub(LOCATOR_64_LEN as u64) {
        let locator: [u8; LOCATOR_64_LEN] = record_at(file, locator_at)?;
        if locator.starts_with(&LOCATOR_64) {
            let offset = number::<8>(&locator, 8);
            let end: [u8; END_64_LEN] = record_at(file, offset.min(len))?;
            if !end.starts_with(&END_64) {
                let expected = "the 64-bit end of the central directory";
                return Err(Fault::Damaged { offset, found: "other bytes", expected });
            }
            return Ok((number::<8>(&end, 48), number::<8>(&end, 40), number::<8>(&end, 32)));
        }
    }
    Ok((start, size, entries))
}

/// Walks the directory to the last member of this name (as Python does where a name occurs twice).
pub(super) fn find(file: &mut BufReader<File>, name: &str) -> Result<Member, Fault> {
    let (start, size, entries) = directory(file)?;
    file.seek(SeekFrom::Start(start.min(i64::MAX as u64)))?;
    let mut directory = file.take(size);
    let (mut found, mut present) = (None, Vec::new());
    for _ in 0..entries {
        let mut entry = [0; ENTRY_LEN];
        directory.read_exact(&mut entry)?;
        if !entry.starts_with(&ENTRY) {
            let expected = "an entry of the central directory";
            return Err(Fault::Damaged { offset: start, found: "other bytes in the central directory", expected });
        }
        let mut variable = [28, 30, 32].map(|at| vec![0; number::<2>(&entry, at) as usize]);
        variable.iter_mut().try_for_each(|field| directory.read_exact(field))?;
        let [entry_name, extension, _comment] = variable;
        if entry_name == name.as_bytes() {
            found = Some(member(&entry, &extension));
        } else if present.len() < NAMES_SHOWN {
            present.push(String::from_utf8_lossy(&entry_name).escape_debug().to_string());
        }
    }
    found.ok_or_else(|| Fault::Missing { name: name.to_owned(), present })
}

fn member(entry: &[u8; ENTRY_LEN], extension: &[u8]) -> Member {
    // Extension fields: id and length of two bytes each; field 1 has, in this order, the values that do not fit.
    let mut wide = extension;
    while wide.len() >= 4 && number::<2>(wide, 0) != 1 {
        wide = wide.get(4 + number::<2>(wide, 2) as usize..).unwrap_or(&[]);
    }
    let mut wide = wide.get(4..).unwrap_or(&[]).chunks_exact(8).map(|bytes| number::<8>(bytes, 0));
    let [unpacked, packed, header_at] = [24, 20, 42].map(|at| match number::<4>(entry, at) {
        IN_EXTENSION => wide.next().unwrap_or(IN_EXTENSION),
        value => value,
    });
    let (encrypted, method) = (entry[8] & 1 == 1, number::<2>(entry, 10));
    Member { encrypted, method, crc: number::<4>(entry, 16), packed, unpacked, header_at }
}
