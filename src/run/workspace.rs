//! The folder of a run: which stages are done, from what, and whether their files are still what was written.
//!
//! A stage is skipped when its key is the same and its files are unchanged: content decides, never a time. Times and
//! absolute paths are in `run.json` and in the HTML report only, so all other files of two equal runs are equal.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::report::collect::{FACTS_FILE, Facts};
use crate::run::PAGE;
use crate::run::machine::Host;
use crate::run::manifest::{Finished, Local, MANIFEST, Manifest};
use crate::store::{hash_file, hash_json, write_json};

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
    /// When the folder cannot be made, holds files but no run, or another run is using it.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        refuse_foreign(folder)?;
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
        sweep(folder)?;
        let (manifest, local) = (Manifest::of(folder), Local::of(folder));
        manifest.write(folder)?;
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
        let finished = self.manifest.stages.get(stage);
        finished.is_some_and(|finished| finished.key == key && finished.is_unchanged(&self.folder))
    }

    /// A stage is current: it is one of the settings that the folder is worked on with.
    ///
    /// # Errors
    /// When `run.json` cannot be written.
    pub fn confirm(&mut self, stage: &str) -> Result<()> {
        if self.local.current.insert(stage.into()) { self.local.write(&self.folder) } else { Ok(()) }
    }

    /// A stage is about to be computed. What it made before, and the report, are no longer true.
    ///
    /// # Errors
    /// When a document cannot be written.
    pub fn begin_stage(&mut self, stage: &str, key: &str) -> Result<()> {
        self.local.current.remove(stage);
        self.local.begun = Some((stage.into(), key.into()));
        self.drop_report()
    }

    /// Forgets a stage: what it made is about to be no longer true.
    ///
    /// # Errors
    /// When a document cannot be written.
    pub fn outdate(&mut self, stage: &str) -> Result<()> {
        self.local.current.remove(stage);
        self.local.write(&self.folder)?;
        match self.manifest.stages.remove(stage) {
            Some(_) => self.manifest.write(&self.folder),
            None => Ok(()),
        }
    }

    /// Forgets the report, and removes it: beside the files of other settings it would look like theirs.
    fn drop_report(&mut self) -> Result<()> {
        let report = self.manifest.stages.get("report").map(|report| report.files.clone()).unwrap_or_default();
        self.outdate("report")?;
        for gone in report.keys().map(String::as_str).chain([PAGE]).filter(|file| is_plain(file)) {
            let _ = fs::remove_file(self.path(gone));
        }
        Ok(())
    }

    /// Records a finished stage whose files have been written.
    ///
    /// # Errors
    /// When a file is missing or the manifest cannot be written.
    pub fn finish(&mut self, stage: &str, key: &str, files: &[String], seconds: f64) -> Result<()> {
        let hashes = files.iter().map(|file| Ok((file.clone(), hash_file(&self.path(file))?)));
        let files: BTreeMap<String, String> = hashes.collect::<Result<_>>()?;
        if let Some(old) = self.manifest.stages.get(stage) {
            // Files of earlier settings would look like results of these.
            for gone in old.files.keys().filter(|f| !files.contains_key(*f) && is_plain(f)) {
                let _ = fs::remove_file(self.path(gone));
            }
        }
        self.manifest.stages.insert(stage.into(), Finished { key: key.into(), files });
        self.local.seconds.insert(stage.into(), seconds);
        self.local.current.insert(stage.into());
        self.local.begun = None;
        // The manifest first: a stage that is confirmed without being there would be one of earlier settings.
        self.manifest.write(&self.folder)?;
        self.local.write(&self.folder)
    }

    /// Work on the folder begins, with the settings that the facts tell: they are written, with the machine and the
    /// command. Stages that were done under other settings are no longer confirmed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn begin(&mut self, facts: &Facts) -> Result<()> {
        write_json(&self.path(FACTS_FILE), facts)?;
        let settings = hash_json(facts)?;
        if self.local.settings != settings {
            self.local.settings = settings;
            self.local.current.clear();
            self.local.begun = None;
        }
        self.local.host = Some(Host::current());
        self.local.write(&self.folder)
    }

    /// Remembers where the search space lies, so that `eval` finds the data again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember_space(&mut self, space: &Path) -> Result<()> {
        self.local.space = fs::canonicalize(space).ok().filter(|p| p.to_str().is_some());
        self.local.write(&self.folder)
    }

    /// Wall time of each stage when it was last computed, in seconds.
    pub fn seconds(&self) -> &BTreeMap<String, f64> {
        &self.local.seconds
    }
}

/// Whether it is the name of a file in the folder itself, whatever a manifest says.
fn is_plain(file: &str) -> bool {
    Path::new(file).file_name().is_some_and(|name| name.to_str() == Some(file))
}

/// A folder that has files but no manifest is somebody else's: nothing in it may be replaced.
fn refuse_foreign(folder: &Path) -> Result<()> {
    let own = |name: &str| name == ".lock" || (name.starts_with('.') && name.ends_with(".tmp"));
    if folder.join(MANIFEST).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, e))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !own(&name) {
            let message =
                format!("{} holds `{name}` but no run\n  hint: use an empty folder for --out", folder.display());
            return Err(Error::Usage(message));
        }
    }
    Ok(())
}

/// Removes the temporary files that a kill left.
fn sweep(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, e))?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_current_until_its_key_or_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        let mut workspace = Workspace::open(folder.path()).unwrap();
        fs::write(&file, "1").unwrap();
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
    fn files_of_earlier_settings_and_of_killed_runs_go() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        write(".plan.json.7.tmp");
        let mut workspace = Workspace::open(folder.path()).unwrap();
        ["plan-old.json", "plan.json"].iter().for_each(|n| write(n));
        assert!(!folder.path().join(".plan.json.7.tmp").exists());
        workspace.finish("plans", "a", &["plan.json".into(), "plan-old.json".into()], 1.0).unwrap();
        workspace.finish("plans", "b", &["plan.json".into()], 1.0).unwrap();
        assert!(folder.path().join("plan.json").exists() && !folder.path().join("plan-old.json").exists());
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plan.json"), "precious").unwrap();
        let error = Workspace::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("holds `plan.json` but no run"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
