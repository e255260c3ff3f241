//! The two documents of a run's folder.
//!
//! `manifest.json` (`bitplan.manifest/1`) has, for every finished stage, a key (hash of everything the stage depends on)
//! and the content hashes of its files. Times, absolute paths and what else holds on one machine only are in `run.json`
//! (`bitplan.run/1`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::run::machine::Host;
use crate::store::{hash_file, read_json, write_json};

/// What this program writes.
const FORMAT: &str = "bitplan.manifest/1";
const LOCAL_FORMAT: &str = "bitplan.run/1";
/// Names of the files.
pub(super) const MANIFEST: &str = "manifest.json";
const LOCAL: &str = "run.json";

/// A finished stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Finished {
    pub key: String,
    /// Name → content hash.
    pub files: BTreeMap<String, String>,
}

/// The finished stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: String,
    version: String,
    pub stages: BTreeMap<String, Finished>,
}

/// What holds on this machine only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Local {
    format: String,
    /// The search space, absolute.
    pub space: Option<PathBuf>,
    /// Wall time of each stage when it was last computed.
    pub seconds: BTreeMap<String, f64>,
    /// Hash of the settings that the stages below are of.
    #[serde(default)]
    pub settings: String,
    /// Stages that are done under these settings. Others in the manifest are of earlier ones.
    #[serde(default)]
    pub current: BTreeSet<String>,
    /// Stage in progress, with its key: whose checkpoint is of these settings.
    #[serde(default)]
    pub begun: Option<(String, String)>,
    /// The last command, and where it ran.
    #[serde(default)]
    pub host: Option<Host>,
}

impl Finished {
    /// Whether all its files are what it wrote.
    pub fn is_unchanged(&self, folder: &Path) -> bool {
        self.changed(folder).next().is_none()
    }

    /// Its files that are missing or not what it wrote.
    pub fn changed(&self, folder: &Path) -> impl Iterator<Item = &String> {
        let changed = |(file, hash): &(&String, &String)| !hash_file(&folder.join(file)).is_ok_and(|h| h == **hash);
        self.files.iter().filter(changed).map(|(file, _)| file)
    }
}

impl Manifest {
    /// That of a folder; an empty one if it cannot be read or is of another version, whose results are not of this program.
    pub fn of(folder: &Path) -> Self {
        match read_json::<Self>(&folder.join(MANIFEST)) {
            Ok(manifest) if manifest.format == FORMAT && manifest.version == crate::VERSION => manifest,
            _ => Self { format: FORMAT.into(), version: crate::VERSION.into(), stages: BTreeMap::new() },
        }
    }

    /// That of a folder whose results are to be read, not made again.
    ///
    /// # Errors
    /// When it cannot be read or is of another version.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let manifest: Self = read_json(&path)?;
        if manifest.format != FORMAT || manifest.version != crate::VERSION {
            let found = format!("`{}` of version {}", manifest.format, manifest.version);
            let expected = format!("`{FORMAT}` of version {}", crate::VERSION);
            return Err(Error::input(path.display().to_string(), found, expected, "run it again with `bitplan run`"));
        }
        Ok(manifest)
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        write_json(&folder.join(MANIFEST), self)
    }
}

impl Local {
    /// That of a folder; an empty one if it cannot be read.
    pub fn of(folder: &Path) -> Self {
        let local: Self = read_json(&folder.join(LOCAL)).unwrap_or_default();
        Self { format: LOCAL_FORMAT.into(), ..local }
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        write_json(&folder.join(LOCAL), self)
    }
}

/// The search space of a run's folder.
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
