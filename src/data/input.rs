//! One input file (or archive member) read front to back: knows its place for messages, and never reserves memory for
//! bytes that a header promises but the file does not have.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// First two bytes of a gzip file (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes read at a time; a multiple of every element size.
const CHUNK: usize = 1 << 16;

/// Bytes with a place: every error names the file and the byte offset (after decompression).
pub struct Input {
    reader: Box<dyn Read>,
    path: PathBuf,
    place: String,
    offset: u64,
}

/// Opens a file; that it does not exist is an error of the input, with a remedy.
///
/// # Errors
/// When there is no such file, or the system does not let it be opened.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::input(
            path.display().to_string(),
            "no such file",
            "a data file",
            "check the path, and that the data set has been downloaded and unpacked there",
        ),
        _ => Error::io(path, error),
    })
}

impl Input {
    /// Opens a file; gzip is seen by its first two bytes, not by the name.
    ///
    /// # Errors
    /// As [`open`], or when reading fails.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = BufReader::with_capacity(CHUNK, open(path)?);
        let compressed = file.fill_buf().map_err(|error| Error::io(path, error))?.starts_with(&GZIP_MAGIC);
        let reader: Box<dyn Read> = if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        Ok(Self::new(reader, path, path.display().to_string()))
    }

    /// Bytes from any reader; `path` and `place` are for messages.
    pub fn new(reader: Box<dyn Read>, path: &Path, place: String) -> Self {
        Self { reader, path: path.to_path_buf(), place, offset: 0 }
    }

    /// Name for messages: the file, or the file and the member.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// An error at the current offset.
    pub fn fault(&self, found: impl Into<String>, expected: impl Into<String>, remedy: &str) -> Error {
        Error::input(format!("{}: byte {}", self.place, self.offset), found, expected, remedy)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When the file ends before, or reading fails.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let filled = self.fill(&mut bytes)?;
        if filled == N { Ok(bytes) } else { Err(self.truncated(&format!("{} more bytes of the header", N - filled))) }
    }

    /// Fills `bytes` unless the file ends before; gives how many were filled.
    ///
    /// # Errors
    /// When reading or decompressing fails.
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(filled)
    }

    /// The next `count` elements of `S` bytes each, converted one by one with their index. Memory grows with what is
    /// really read.
    ///
    /// # Errors
    /// When the file ends before, reading fails, or there is not enough memory.
    pub fn elements<const S: usize, T>(
        &mut self,
        count: usize,
        mut convert: impl FnMut(usize, [u8; S]) -> T,
    ) -> Result<Vec<T>> {
        let mut elements = Vec::new();
        let mut chunk = vec![0; CHUNK / S * S];
        while elements.len() < count {
            let wanted = (count - elements.len()).min(CHUNK / S) * S;
            let filled = self.fill(&mut chunk[..wanted])?;
            if filled < wanted {
                let missing = (count - elements.len()) as u128 * S as u128 - filled as u128;
                return Err(self.truncated(&format!("{missing} more bytes, as the header says")));
            }
            let first = elements.len();
            if elements.try_reserve(wanted / S).is_err() {
                return Err(self.fault(
                    "more data than the memory can hold",
                    "a smaller array",
                    "use a smaller data set",
                ));
            }
            let (whole, _) = chunk[..wanted].as_chunks::<S>();
            elements.extend(whole.iter().enumerate().map(|(i, &bytes)| convert(first + i, bytes)));
        }
        elements.shrink_to_fit();
        Ok(elements)
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// When there is another byte, or the checksum of a compressed file is wrong.
    pub fn end(&mut self) -> Result<()> {
        if self.fill(&mut [0])? == 0 {
            return Ok(());
        }
        self.offset -= 1;
        Err(self.fault(
            "further bytes",
            "the end of the file, as the header says",
            "the file is damaged, or its header belongs to another file; get or write it again",
        ))
    }

    fn truncated(&self, expected: &str) -> Error {
        self.fault("the end of the file", expected, "the file is truncated; get or write it again")
    }

    /// A failed read: damaged compressed data is the file's fault, all else the system's.
    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => self.fault(
                format!("damaged compressed data ({error})"),
                "compressed data that ends with its checksum",
                "the file is damaged; get or write it again",
            ),
            _ => Error::io(&self.path, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn input(bytes: &[u8]) -> Input {
        Input::new(Box::new(io::Cursor::new(bytes.to_vec())), Path::new("x"), "x".into())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What `bytes` in a file read as: the message, or how many bytes there are.
    fn read_file(bytes: &[u8], count: usize) -> Result<Vec<u8>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut input = Input::open(file.path()).unwrap();
        let read = input.elements(count, |_, [byte]| byte).and_then(|read| input.end().map(|()| read));
        read.map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn plain_and_compressed_files_read_alike() {
        let bytes: Vec<u8> = (0..200_000u64).map(|i| (i * i % 251) as u8).collect();
        assert_eq!(read_file(&bytes, bytes.len()).unwrap(), bytes);
        assert_eq!(read_file(&gzip(&bytes), bytes.len()).unwrap(), bytes);
        let members = [gzip(&bytes[..1000]), gzip(&bytes[1000..])].concat();
        assert_eq!(read_file(&members, bytes.len()).unwrap(), bytes);
    }

    #[test]
    fn elements_keep_their_order_and_index_across_chunks() {
        let numbers: Vec<u32> = (0..40_000).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let read = input(&bytes).elements(40_000, |i, b| (i, u32::from_le_bytes(b))).unwrap();
        assert!(read.iter().enumerate().all(|(i, &pair)| pair == (i, i as u32)));
        assert_eq!(read.len(), 40_000);
    }

    #[test]
    fn a_truncated_file_says_where_it_ends_and_what_is_missing() {
        let message = read_file(&[7; 10], 12).unwrap_err();
        assert!(message.starts_with("FILE: byte 10: found the end of the file, expected 2 more bytes"), "{message}");
        let message = input(&[1, 2]).array::<4>().unwrap_err().to_string();
        assert!(message.starts_with("x: byte 2: found the end of the file, expected 2 more bytes"), "{message}");
    }

    #[test]
    fn further_bytes_are_an_error_at_their_offset() {
        let message = read_file(&[7; 10], 9).unwrap_err();
        assert!(message.starts_with("FILE: byte 9: found further bytes"), "{message}");
    }

    #[test]
    fn damaged_compressed_data_is_an_error_of_the_file() {
        let bytes = [5; 1000];
        let whole = gzip(&bytes);
        let mut wrong_checksum = whole.clone();
        let crc = whole.len() - 8;
        wrong_checksum[crc] ^= 1;
        for damaged in [&wrong_checksum[..], &whole[..whole.len() - 9], &[&whole[..], b"tail"].concat()] {
            let message = read_file(damaged, 1000).unwrap_err();
            assert!(message.contains("damaged compressed data"), "{message}");
        }
    }

    #[test]
    fn a_promise_of_more_bytes_than_there_are_reserves_no_memory() {
        assert!(input(&[0; 16]).elements::<8, f64>(usize::MAX, |_, b| f64::from_le_bytes(b)).is_err());
    }

    #[test]
    fn a_missing_file_is_an_error_with_a_remedy_and_a_folder_one_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Input::open(&folder.path().join("none.gz")).err().unwrap();
        assert!(matches!(&missing, Error::Input(e) if e.found == "no such file" && !e.remedy.is_empty()));
        assert!(matches!(Input::open(folder.path()).err().unwrap(), Error::Io { .. }));
    }
}
