//! `bitplan.export/1`: what was written, for which tools, and where every byte went.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::export::{Deployment, Format, Package, StoredTensor, site};
use crate::store::hash_bytes;

/// Name of the file.
pub const MANIFEST: &str = "bitplan-export.json";

/// Its `format` field.
pub(super) const MANIFEST_FORMAT: &str = "bitplan.export/1";

/// Everything about a folder of exported files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// `bitplan.export/1`.
    pub format: &'static str,
    /// The format that was asked for.
    pub to: &'static str,
    /// Tools and versions that the files are made for.
    pub tools: Vec<&'static str>,
    /// Version of this program.
    pub version: &'static str,
    /// Name of the plan.
    pub plan: String,
    /// Content hash of the file that was exported.
    pub plan_hash: String,
    /// The network.
    pub network: String,
    /// Means by which pixels in `[0, 1]` become inputs: `(x − mean) / std`. The files take inputs.
    pub input_mean: Vec<f32>,
    /// Deviations by which pixels become inputs.
    pub input_std: Vec<f32>,
    /// Every layer.
    pub layers: Vec<LayerBytes>,
    /// Codes, scales and zero points of all layers: what the planner counts as `weight_bytes`.
    pub weight_bytes: u64,
    /// Every file but this one.
    pub files: Vec<FileBytes>,
    /// All files but this one.
    pub total_bytes: u64,
    /// Every tensor.
    pub tensors: Vec<StoredTensor>,
    /// What a user of the files should know.
    pub notes: Vec<String>,
}

/// The weights of a layer in the files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerBytes {
    /// The layer.
    pub name: String,
    /// What the plan chose.
    pub candidate: String,
    /// Bits that a weight takes in the files; 32 for floats.
    pub stored_bits: u32,
    /// Bytes that the rules of the format predict, with which `plan --for` plans.
    pub predicted_bytes: u64,
    /// Bytes in the files: the same, or nothing is written; 0 where the files hold no weights.
    pub bytes: u64,
}

/// Where the bytes of a file go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileBytes {
    /// Its path in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Bytes of tensors.
    pub tensor_bytes: u64,
    /// Names, shapes, operators, padding: the rest.
    pub structure_bytes: u64,
    /// Its content hash (BLAKE3).
    pub hash: String,
}

/// What is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Name of the plan.
    pub plan: String,
    /// Content hash of the file that is exported.
    pub plan_hash: String,
    /// The network.
    pub network: String,
    /// Means and deviations by which pixels become inputs; none for texts.
    pub normalization: [Vec<f32>; 2],
}

impl Manifest {
    /// The account of a package of a plan in integers.
    ///
    /// # Errors
    /// As [`Manifest::new`].
    pub fn of(format: &dyn Format, deployment: &Deployment, package: &Package, plan_hash: String) -> Result<Self> {
        let mut layers = Vec::with_capacity(deployment.layers.len());
        for (place, layer) in deployment.graph.layers().iter().zip(&deployment.layers) {
            let site = site(&deployment.graph, place, layer.group());
            let stored = format.stored(&site, layer.candidate).map_err(Error::Internal)?;
            layers.push(LayerBytes {
                name: layer.name.clone(),
                candidate: layer.candidate.to_string(),
                stored_bits: stored.bits,
                predicted_bytes: stored.bytes,
                bytes: package.weight_bytes(&layer.name),
            });
        }
        let subject = Subject {
            plan: deployment.plan.clone(),
            plan_hash,
            network: deployment.graph.name.clone(),
            normalization: deployment.normalization.clone(),
        };
        Self::new(format, subject, layers, package)
    }

    /// The account of a package.
    ///
    /// # Errors
    /// [`Error::Internal`] when a layer has other bytes than predicted, or a file fewer than its tensors.
    pub fn new(format: &dyn Format, subject: Subject, layers: Vec<LayerBytes>, package: &Package) -> Result<Self> {
        let wrong = |layer: &&LayerBytes| format.writes_weights() && layer.bytes != layer.predicted_bytes;
        if let Some(wrong) = layers.iter().find(wrong) {
            let LayerBytes { name, bytes, predicted_bytes, .. } = wrong;
            return Err(Error::Internal(format!("layer `{name}`: {bytes} bytes written, {predicted_bytes} predicted")));
        }
        let files = files(package)?;
        let Subject { plan, plan_hash, network, normalization: [input_mean, input_std] } = subject;
        Ok(Self {
            format: MANIFEST_FORMAT,
            to: format.name(),
            tools: format.tools().to_vec(),
            version: crate::VERSION,
            plan,
            plan_hash,
            network,
            input_mean,
            input_std,
            weight_bytes: layers.iter().map(|l| l.bytes).sum(),
            layers,
            total_bytes: files.iter().map(|f| f.bytes).sum(),
            files,
            tensors: package.tensors.clone(),
            notes: package.notes.clone(),
        })
    }
}

/// The account of every file.
fn files(package: &Package) -> Result<Vec<FileBytes>> {
    let file = |(name, content): (&String, &Vec<u8>)| {
        let bytes = content.len() as u64;
        let tensor_bytes = package.tensors.iter().filter(|t| t.file == *name).map(|t| t.bytes).sum();
        let Some(structure_bytes) = bytes.checked_sub(tensor_bytes) else {
            return Err(Error::Internal(format!("`{name}` has {bytes} bytes and {tensor_bytes} of tensors")));
        };
        Ok(FileBytes { name: name.clone(), bytes, tensor_bytes, structure_bytes, hash: hash_bytes(content) })
    };
    package.files.iter().map(file).collect()
}
