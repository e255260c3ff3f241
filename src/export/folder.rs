//! Exported files as a folder: all of it, or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::export::manifest::{MANIFEST, MANIFEST_FORMAT};
use crate::store::{read_json, write_atomic};

/// Fails if the folder cannot become an export: it is a file, or it has files that no export wrote.
///
/// # Errors
/// [`Error::Usage`] with what is there.
pub fn check_folder(folder: &Path) -> Result<()> {
    let shown = folder.display();
    // Also what a device, a pipe or a dangling link is.
    if !folder.is_dir() && folder.symlink_metadata().is_ok() {
        return Err(Error::Usage(format!("--output {shown} is no folder\n  hint: name a new one")));
    }
    if folder.file_name().is_none() {
        return Err(Error::Usage(format!("--output {shown} cannot be replaced\n  hint: name a new folder")));
    }
    if !folder.is_dir() || is_export(folder) {
        return Ok(());
    }
    match fs::read_dir(folder).map_err(|e| Error::io(folder, e))?.next() {
        None => Ok(()),
        Some(entry) => {
            let name = entry.map_err(|e| Error::io(folder, e))?.file_name();
            let found = format!("--output {shown} holds `{}` and is no earlier export", name.to_string_lossy());
            Err(Error::Usage(format!("{found}\n  hint: name a new folder")))
        }
    }
}

fn is_export(folder: &Path) -> bool {
    read_json::<serde_json::Value>(&folder.join(MANIFEST)).is_ok_and(|manifest| manifest["format"] == MANIFEST_FORMAT)
}

/// Writes files into a new folder, which takes the place of an earlier export when all of them are written. A kill at any
/// moment leaves the earlier one, the new one, or neither name but both folders beside it; never half of one.
///
/// # Errors
/// As [`check_folder`]; when the system refuses.
pub fn write_folder<'a>(folder: &Path, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<()> {
    check_folder(folder)?;
    // A link to a folder stays one: what it points to is replaced.
    let target = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let folder = target.as_path();
    let beside = |what: &str| -> PathBuf {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        folder.with_file_name(format!(".{name}.{}.{what}", std::process::id()))
    };
    let (new, old) = (beside("new"), beside("old"));
    let written = fill(&new, files).and_then(|()| swap(folder, &new, &old));
    if written.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    written
}

fn fill<'a>(new: &Path, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<()> {
    fs::create_dir_all(new).map_err(|e| Error::io(new, e))?;
    for (name, content) in files {
        let path = new.join(name);
        let parent = path.parent().unwrap_or(new);
        fs::create_dir_all(parent).map_err(|e| Error::io(parent, e))?;
        write_atomic(&path, content)?;
    }
    Ok(())
}

fn swap(folder: &Path, new: &Path, old: &Path) -> Result<()> {
    let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| Error::io(to, e));
    if !folder.exists() {
        return rename(new, folder);
    }
    rename(folder, old)?;
    if let Err(error) = rename(new, folder) {
        rename(old, folder)?;
        return Err(error);
    }
    fs::remove_dir_all(old).map_err(|e| Error::io(old, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Vec<u8> {
        format!("{{\"format\": \"{MANIFEST_FORMAT}\"}}").into_bytes()
    }

    #[test]
    fn an_export_replaces_an_earlier_one_and_its_files() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("out");
        let manifest = manifest();
        write_folder(&folder, [("a/b.txt", &b"1"[..]), (MANIFEST, &manifest)]).unwrap();
        write_folder(&folder, [("c.txt", &b"2"[..]), (MANIFEST, &manifest)]).unwrap();
        assert!(!folder.join("a").exists() && fs::read(folder.join("c.txt")).unwrap() == b"2");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_files_of_others_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.tex"), "precious").unwrap();
        let error = write_folder(home.path(), [("a", &b"1"[..])]).unwrap_err().to_string();
        assert!(error.contains("holds `thesis.tex` and is no earlier export"), "{error}");
        let error = write_folder(&home.path().join("thesis.tex"), [("a", &b"1"[..])]).unwrap_err().to_string();
        assert!(error.contains("is no folder"), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_an_export_stays_a_link_and_devices_and_dangling_links_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let (folder, link, dangling) =
            (home.path().join("out"), home.path().join("link"), home.path().join("dangling"));
        let manifest = manifest();
        write_folder(&folder, [(MANIFEST, manifest.as_slice())]).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        std::os::unix::fs::symlink(home.path().join("nowhere"), &dangling).unwrap();
        write_folder(&link, [("a", &b"1"[..]), (MANIFEST, &manifest)]).unwrap();
        assert!(link.is_symlink() && folder.join("a").exists());
        for wrong in [dangling.as_path(), Path::new("/dev/full")] {
            assert!(check_folder(wrong).unwrap_err().to_string().contains("is no folder"));
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_earlier_export() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("out");
        let manifest = manifest();
        write_folder(&folder, [("a", &b"1"[..]), (MANIFEST, &manifest)]).unwrap();
        // A file and a folder of one name.
        assert!(write_folder(&folder, [("a", &b"2"[..]), ("a/b", &b"3"[..])]).is_err());
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"1");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
