//! The packed weights that a command names: by a plan of a run, or by their file.

use std::path::{Path, PathBuf};

use crate::cli::Global;
use crate::cli::run::read_space;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::plan::Plan;
use crate::run::{Outline, Study, configuration_of, settled, space_of};
use crate::supernet::{MasterCheckpoint, PackedWeights, recalibrate};

/// What the command line says of them.
pub(super) struct Named<'a> {
    /// A plan, or packed weights.
    pub file: &'a Path,
    /// Folder of the run; the file's, if none is named.
    pub run: Option<&'a Path>,
    /// Search space; the run's, if none is named.
    pub space: Option<&'a Path>,
}

impl Named<'_> {
    /// Folder of the run.
    pub fn folder(&self) -> &Path {
        let beside = self.file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.run.unwrap_or(beside)
    }

    /// The search space.
    ///
    /// # Errors
    /// When none is named and the folder is not that of a run.
    pub fn space(&self) -> Result<PathBuf> {
        self.space.map_or_else(|| space_of(self.folder()), |space| Ok(space.to_path_buf()))
    }

    /// The search space with its data, for this network.
    ///
    /// # Errors
    /// When it is of another network, or data are missing.
    pub fn study(&self, graph: &Graph, global: &Global) -> Result<Study> {
        let space = self.space()?;
        let outline = Outline::new(read_space(&space, global)?)?.on(global.backend()?);
        let outline = settled(outline, self.folder())?;
        if outline.net.network().graph() != graph {
            let expected = format!("the network of {}", self.file.display());
            let remedy = "pass its search space with --space";
            return Err(Error::input(space.display().to_string(), "another network", expected, remedy));
        }
        Study::open(outline)
    }

    /// The plan; none if the file is packed weights.
    ///
    /// # Errors
    /// When the file cannot be read, or is JSON and no plan.
    pub fn plan(&self) -> Result<Option<Plan>> {
        // Safetensors begin with a binary length.
        let bytes = crate::store::read(self.file)?;
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
            true => Plan::read(self.file).map(Some),
            false => Ok(None),
        }
    }

    /// The SuperNet of the run.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn master(&self) -> Result<MasterCheckpoint> {
        let path = self.folder().join("master.safetensors");
        if !path.exists() {
            let remedy = "pass the folder of the run with --run";
            return Err(Error::input(path.display().to_string(), "no such file", "the trained SuperNet", remedy));
        }
        MasterCheckpoint::read(&path)
    }

    /// The plan's weights from the master, with norms recalibrated as the search space asks.
    ///
    /// # Errors
    /// When the plan is of another network.
    pub fn pack(&self, master: &MasterCheckpoint, plan: &Plan, study: &Study) -> Result<PackedWeights> {
        let name = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let configuration = configuration_of(master.net().scheme(), plan)?;
        let packed = master.pack(&name, &configuration, None)?;
        let spec = &study.outline.space.evaluation;
        if spec.recalibration_images == 0 {
            return Ok(packed);
        }
        let network = master.net().network();
        let split = study.train_split(spec.batch_size);
        let norms = recalibrate(network, &packed.bindings(network)?, &split, spec.recalibration_images)?;
        master.pack(&name, &configuration, Some(&norms))
    }
}
