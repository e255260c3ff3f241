//! The search space: one YAML file that names the model, the data, the choices of every layer, the training and the
//! budgets.
//!
//! The file is read in two steps. A mirror of it (`raw`) takes what is written and refuses unknown keys; [`Space::parse`]
//! checks every value against its range (`ranged`) and gives a [`Space`], which the rest of the crate can trust.
//! Defaults, units and ranges stand at the fields of [`Space`] and its parts. The serialised form of a part is what a
//! stage of the pipeline depends on: it has every default filled in, no absolute path, no line numbers.

mod budget;
mod candidate;
mod check;
mod data;
mod glob;
mod groups;
mod hardware;
mod latency;
mod model;
mod plan;
mod ranged;
mod raw;
mod raw_training;
mod recipe;
mod search;
mod sensitivity;
mod settings;
mod training;
mod yaml;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use budget::{BudgetName, BudgetRequest, Limit};
pub use candidate::Candidate;
pub use check::Located;
pub use data::{Augmentation, DataSpec, Normalization, SourceSpec, SplitSpec};
pub use groups::{GroupKind, LayerGroup, merged as merge_groups};
pub use hardware::{Efficiency, Hardware};
pub use latency::{LatencySpec, TableForm, TimeUnit};
pub use model::{ModelSource, ModelSpec, Zoo};
pub use plan::PlanRequest;
pub use recipe::{Optimizer, Recipe, Schedule};
pub use search::{LayerChoice, Override, Pin, Search};
pub use sensitivity::{ActivationSite, ActivationTerm, EstimatorName, Objective, SensitivitySpec};
pub use settings::{EvaluationSpec, QuantizerSpec};
pub use training::{Alrs, Distillation, MixedPrecision, MultiPrecision, QuantizerRecipe, Sampling, Training};

use crate::error::Result;
use crate::error::ValueFault;
use crate::error::fault::quoted;
use check::Checker;
use raw::RawSpace;

/// The format that this version reads.
const FORMAT: &str = "bitplan.space/1";

/// A checked search space.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Space {
    /// Folder of the results, `[a-z0-9_-]+`. Required.
    pub name: String,
    /// Seed of all random streams. Default 1; a whole number from 0 to 18446744073709551615.
    pub seed: u64,
    /// Required.
    pub model: ModelSpec,
    /// Required.
    pub data: DataSpec,
    /// Required.
    pub search: Search,
    /// How values become integers.
    pub quantizer: QuantizerSpec,
    /// How the Hessian traces are estimated.
    pub sensitivity: SensitivitySpec,
    /// All training.
    pub training: Training,
    /// How accuracies are measured.
    pub evaluation: EvaluationSpec,
    /// What a layer takes on a device; makes `latency_ms` or `cycles` a cost. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySpec>,
    /// At least one; the first is the primary one. Default: `half`, with bitops at 50%.
    pub plans: Vec<PlanRequest>,
    #[serde(skip)]
    folder: PathBuf,
}

impl Space {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read; else as [`Space::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&yaml::read(path, "is it a search space?")?, path)
    }

    /// Checks `text`, the content of the file `path`.
    ///
    /// # Errors
    /// When the text is not YAML, has an unknown or duplicate key, lacks a required one, or has a value out of its
    /// range. The error says where (file, line, column), what stands there, what may, and the remedy.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let c = Checker { file: path };
        let raw: RawSpace = yaml::parse(text, path)?;
        if raw.format.value != FORMAT {
            let remedy = "the format and its version are not those of this program";
            return Err(c.fault(&raw.format, ValueFault::new(quoted(&raw.format.value), quoted(FORMAT), remedy)));
        }
        let name = c.name(&raw.name)?;
        let model = ModelSpec::check(&raw.model, c)?;
        let search = Search::check(&raw.search, c)?;
        let training = Training::check(raw.training.unwrap_or_default(), c)?;
        Ok(Self {
            name,
            seed: c.whole_or(&raw.seed, 1, ranged::SEED)?,
            data: DataSpec::check(&raw.data, model.channels(), c)?,
            quantizer: QuantizerSpec::check(&raw.quantizer.unwrap_or_default(), c)?,
            sensitivity: SensitivitySpec::check(&raw.sensitivity.unwrap_or_default(), training.first_scale(), c)?,
            training,
            evaluation: EvaluationSpec::check(&raw.evaluation.unwrap_or_default(), c)?,
            latency: raw.latency.as_ref().map(|raw| LatencySpec::check(raw, c)).transpose()?,
            plans: match &raw.plans {
                Some(plans) => plan::check(plans, &search, raw.latency.is_some(), c)?,
                None => vec![PlanRequest::default()],
            },
            model,
            search,
            folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
        })
    }

    /// Folder of the file; relative paths in it start here.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
#[path = "fuzz_tests.rs"]
mod fuzz_tests;
#[cfg(test)]
#[path = "space_tests.rs"]
mod tests;
