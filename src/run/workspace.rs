//! The folder of a run: which stages are done, from what, and whether their files are still what was written.
//!
//! `manifest.json` (`bitplan.manifest/1`) has, for every finished stage, a key (hash of everything the stage depends on)
//! and the content hashes of its files. A stage is skipped when its key is the same and its files are unchanged: content
//! decides, never a time. Times and absolute paths are in `run.json` only, so all other files of two equal runs are equal.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::{hash_file, read_json, write_json};

const FORMAT: &str = "bitplan.manifest/1";
const MANIFEST: &str = "manifest.json";
const LOCAL: &str = "run.json";

/// A finished stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Finished {
    key: String,
    files: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: String,
    stages: BTreeMap<String, Finished>,
}

/// What holds on this machine only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Local {
    /// The search space, absolute.
    space: Option<PathBuf>,
    /// Wall time of each stage when it was last computed.
    seconds: BTreeMap<String, f64>,
}

/// The folder of a run, locked against a second run.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    manifest: Manifest,
    local: Local,
    _lock: File,
}

impl Workspace {
    /// Opens or makes the folder. A manifest that cannot be read counts as none: everything is then computed again.
    ///
    /// # Errors
    /// When the folder cannot be made, or another run is using it.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        let path = folder.join(".lock");
        let lock = File::create(&path).map_err(|e| Error::io(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message =
                    format!("another run is working in {}\n  hint: wait for it, or use --out", folder.display());
                return Err(Error::Usage(message));
            }
            Err(TryLockError::Error(e)) => return Err(Error::io(&path, e)),
        }
        let fresh = || Manifest { format: FORMAT.into(), version: crate::VERSION.into(), stages: BTreeMap::new() };
        let manifest = match read_json::<Manifest>(&folder.join(MANIFEST)) {
            Ok(manifest) if manifest.format == FORMAT && manifest.version == crate::VERSION => manifest,
            _ => fresh(),
        };
        let local = read_json(&folder.join(LOCAL)).unwrap_or_default();
        Ok(Self { folder: folder.into(), manifest, local, _lock: lock })
    }

    /// A file of the folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a stage is done under this key and all its files are what it wrote.
    pub fn is_current(&self, stage: &str, key: &str) -> bool {
        self.manifest.stages.get(stage).is_some_and(|finished| {
            let unchanged = |(file, hash): (&String, &String)| hash_file(&self.path(file)).is_ok_and(|h| h == *hash);
            finished.key == key && finished.files.iter().all(unchanged)
        })
    }

    /// Records a finished stage whose files have been written.
    ///
    /// # Errors
    /// When a file is missing or the manifest cannot be written.
    pub fn finish(&mut self, stage: &str, key: &str, files: &[String], seconds: f64) -> Result<()> {
        let hashes = files.iter().map(|file| Ok((file.clone(), hash_file(&self.path(file))?)));
        let files = hashes.collect::<Result<_>>()?;
        self.manifest.stages.insert(stage.into(), Finished { key: key.into(), files });
        self.local.seconds.insert(stage.into(), seconds);
        write_json(&self.path(LOCAL), &self.local)?;
        write_json(&self.path(MANIFEST), &self.manifest)
    }

    /// Remembers where the search space lies, so that `eval` finds the data again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember_space(&mut self, space: &Path) -> Result<()> {
        self.local.space = fs::canonicalize(space).ok();
        write_json(&self.path(LOCAL), &self.local)
    }

    /// Wall time of each stage when it was last computed, in seconds.
    pub fn seconds(&self) -> &BTreeMap<String, f64> {
        &self.local.seconds
    }

    /// The search space of a run folder.
    ///
    /// # Errors
    /// When the folder is not that of a run.
    pub fn space_of(folder: &Path) -> Result<PathBuf> {
        let path = folder.join(LOCAL);
        let local: Local = read_json(&path)?;
        local.space.ok_or_else(|| {
            Error::input(path.display().to_string(), "no search space", "the path of one", "pass it with --space")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_current_until_its_key_or_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        fs::write(&file, "1").unwrap();
        let mut workspace = Workspace::open(folder.path()).unwrap();
        assert!(!workspace.is_current("stage", "key"));
        workspace.finish("stage", "key", &["a.txt".into()], 1.0).unwrap();
        drop(workspace);
        let workspace = Workspace::open(folder.path()).unwrap();
        assert!(workspace.is_current("stage", "key"));
        assert!(!workspace.is_current("stage", "other"));
        fs::write(&file, "2").unwrap();
        assert!(!workspace.is_current("stage", "key"));
        fs::remove_file(&file).unwrap();
        assert!(!workspace.is_current("stage", "key"));
    }

    #[test]
    fn two_runs_cannot_share_a_folder_and_a_damaged_manifest_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manifest.json"), "{").unwrap();
        let first = Workspace::open(folder.path()).unwrap();
        assert!(Workspace::open(folder.path()).unwrap_err().to_string().contains("another run"));
        drop(first);
        assert!(Workspace::open(folder.path()).is_ok());
    }
}
