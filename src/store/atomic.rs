//! Whole files, read and written.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Largest file that is read whole; an endless one must not take all memory.
const MAX_BYTES: u64 = 4 << 30;

/// Largest text file; a planning table of 65,536 layers has 50 MB.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Writes a file so that at every moment either the old or the new content is there, whole: temporary file, sync,
/// rename, sync of the folder. Makes the folder if needed. A link is followed; what is no regular file, such as
/// `/dev/stdout`, is written to as it stands.
///
/// # Errors
/// When the system refuses; the old content is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let special = |m: fs::Metadata| !m.is_file() && !m.is_dir();
    if fs::metadata(path).is_ok_and(special) {
        let open = File::options().write(true).open(path);
        return open.and_then(|mut file| file.write_all(bytes)).map_err(|e| Error::io(path, e));
    }
    let followed =
        fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()).then(|| fs::canonicalize(path).ok()).flatten();
    let path = followed.as_deref().unwrap_or(path);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    let name = path.file_name().ok_or_else(|| Error::Usage(format!("`{}` is not a file name", path.display())))?;
    let temporary = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Error::io(path, e)
    })
}

/// Writes a value as indented JSON with a final newline.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(|e| Error::Internal(format!("not JSON: {e}")))?;
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

/// Reads a whole file.
///
/// # Errors
/// When it is missing or unreadable.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_up_to(path, MAX_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>> {
    let open = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = open().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::input(
            path.display().to_string(),
            "no such file",
            "a readable file",
            "check the path; relative paths in a search space start from its own folder",
        ),
        std::io::ErrorKind::IsADirectory => {
            Error::input(path.display().to_string(), "a folder", "a readable file", "name a file in it")
        }
        _ => Error::io(path, e),
    })?;
    if bytes.len() as u64 > most {
        let (place, found) = (path.display().to_string(), format!("more than {} MiB", most >> 20));
        return Err(Error::input(place, found, "a smaller file", "check that this is the right file"));
    }
    Ok(bytes)
}

/// Reads a whole text file.
///
/// # Errors
/// When it is missing, unreadable or not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read_up_to(path, MAX_TEXT_BYTES)?).map_err(|e| {
        let place = format!("{}: byte {}", path.display(), e.utf8_error().valid_up_to());
        Error::input(place, "bytes that are not UTF-8", "text", "check that this is the right file")
    })
}

/// Reads a JSON file.
///
/// # Errors
/// When it is missing, unreadable, or not the JSON that `T` expects.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&read_text(path)?).map_err(|e| {
        let place = format!("{}:{}:{}", path.display(), e.line(), e.column());
        Error::input(
            place,
            e.to_string(),
            "the JSON that this program writes",
            "write the file again with `bitplan run`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.json");
        write_json(&path, &[1, 2]).unwrap();
        write_json(&path, &[3]).unwrap();
        assert_eq!(read_json::<Vec<u32>>(&path).unwrap(), [3]);
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let null = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        write_atomic(&null, b"gone").unwrap();
        assert!(fs::symlink_metadata(&null).unwrap().is_symlink());
    }

    #[test]
    fn faults_name_the_file_and_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert!(read(&path).unwrap_err().to_string().contains("no such file"));
        fs::write(&path, b"[1,\n x]").unwrap();
        assert!(read_json::<Vec<u32>>(&path).unwrap_err().to_string().contains("a.json:2:2"));
        fs::write(&path, b"ab\xff").unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("byte 2"));
        assert!(write_atomic(&path.join("below/a/file"), b"").is_err());
    }
}
