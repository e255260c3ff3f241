//! Members of a zip archive, as far as NumPy's `.npz` files need: stored or deflated, with the 64-bit extensions.
//!
//! ```text
//! local header + data, …  |  central directory: an entry a member  |  (64-bit end)  |  end of central directory
//! ```
//!
//! PKWARE, "APPNOTE.TXT — .ZIP File Format Specification" 6.3, sections 4.3.7 to 4.3.16 and 4.5.3. Written here because
//! the reader that npyz brings (zip 0.6) reserves memory by the number of members that the file claims (a file of 64 MiB
//! makes it ask for 15 GiB), and comes with C libraries for compressions that NumPy never writes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::CrcReader;
use flate2::read::DeflateDecoder;

use super::input::{Input, open};
use super::zip_directory::{Fault, Member, find, number, record_at};
use crate::error::Result;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_LEN: usize = 30;

/// Opens member `name` (such as `images.npy`) of the archive at `path`. Cost: the directory is read once, the data while
/// the result is read.
///
/// # Errors
/// When the file is missing or no zip archive, has no such member, or holds it encrypted or in another compression.
/// A wrong size or checksum is an error of [`Input::end`].
pub fn open_member(path: &Path, name: &str) -> Result<Input> {
    let mut file = BufReader::new(open(path)?);
    let member = find(&mut file, name).map_err(|fault| fault.error(path))?;
    let data = data_of(file, &member).map_err(|fault| fault.error(path))?;
    Ok(Input::new(data, path, format!("{}: {name}", path.display())))
}

/// The member's bytes, decompressed and checked.
fn data_of(mut file: BufReader<File>, member: &Member) -> Result<Box<dyn Read>, Fault> {
    if member.encrypted {
        return Err(Fault::Unsupported("an encrypted member".into()));
    }
    let offset = member.header_at;
    let local: [u8; LOCAL_LEN] = record_at(&mut file, offset.min(i64::MAX as u64))?;
    if !local.starts_with(&LOCAL) {
        return Err(Fault::Damaged { offset, found: "other bytes", expected: "the header of the member" });
    }
    file.seek_relative((number::<2>(&local, 26) + number::<2>(&local, 28)) as i64)?;
    let packed = file.take(member.packed);
    let data: Box<dyn Read> = match member.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        method => return Err(Fault::Unsupported(format!("compression method {method}"))),
    };
    Ok(Box::new(Checked { data: CrcReader::new(data), crc: member.crc, left: member.unpacked }))
}

/// Compares size and CRC-32 with the directory's at the end of the data.
struct Checked {
    data: CrcReader<Box<dyn Read>>,
    crc: u64,
    left: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.data.read(buffer)?;
        let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        match self.left.checked_sub(count as u64) {
            None => return wrong("more bytes than the directory says"),
            Some(left) => self.left = left,
        }
        if count == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return wrong("fewer bytes than the directory says");
            }
            if u64::from(self.data.crc().sum()) != self.crc {
                return wrong("the checksum differs from the directory's");
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
