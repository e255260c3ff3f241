//! Writes `model.bitplan`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::export::bitplan::FILE;
use crate::export::bitplan::layout::{ALIGNMENT, AXES, ENTRY_BYTES, Entry, HEADER_BYTES, Header, rounding_number};
use crate::export::{Codes, DeployedLayer, Deployment, LayerWeights, Package, Part};
use crate::graph::Graph;
use crate::quant::Rounding;
use crate::space::Candidate;

/// `format` field of the description.
pub(super) const FORMAT: &str = "bitplan.model/1";

/// What the numbers of the file belong to; a runtime that knows its network need not read it.
#[derive(Serialize, Deserialize)]
pub(super) struct Description {
    pub format: String,
    pub plan: String,
    pub network: Graph,
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
    pub candidates: Vec<Candidate>,
}

/// What a tensor takes from its layer.
struct Source<'a> {
    name: String,
    layer: Option<&'a str>,
    shape: &'a [usize],
    part: Part,
    elements: Elements<'a>,
}

enum Elements<'a> {
    Floats(&'a [f32]),
    Codes { codes: &'a [i8], scale: &'a [f32], entry: Entry },
}

/// An entry that says nothing yet.
const EMPTY: Entry = Entry {
    name_at: 0,
    name_bytes: 0,
    kind: 0,
    master_bits: 0,
    plan_bits: 0,
    rounding: 0,
    activation_bits: 0,
    activation_unsigned: 0,
    axes: 0,
    activation_scale: 0.0,
    extents: [0; AXES],
    elements_at: 0,
    elements: 0,
    scales_at: 0,
    scales: 0,
    group: 0,
};

/// The file, with every tensor accounted for.
///
/// # Errors
/// When a tensor has more axes than an entry holds.
pub(super) fn package(deployment: &Deployment) -> Result<Package> {
    let layers = deployment.layers.iter().map(|layer| layer_source(deployment, layer));
    let others = deployment.parameters.iter().map(|(name, (shape, values))| Source {
        name: name.clone(),
        layer: None,
        shape,
        part: Part::Other,
        elements: Elements::Floats(values),
    });
    let sources: Vec<Source<'_>> = layers.chain(others).collect();
    let description = description(deployment)?;
    let mut package = Package::default();
    let mut bytes = vec![0; HEADER_BYTES + sources.len() * ENTRY_BYTES];
    let mut entries = Vec::with_capacity(sources.len());
    for source in &sources {
        let name_at = bytes.len() as u64;
        bytes.extend(source.name.as_bytes());
        bytes.push(0);
        entries.push(Entry { name_at, name_bytes: source.name.len() as u32, ..EMPTY });
    }
    let description_at = bytes.len() as u64;
    bytes.extend(&description);
    for (source, entry) in sources.iter().zip(&mut entries) {
        *entry = append(&mut bytes, source, *entry)?;
        account(&mut package, source);
    }
    let header = Header {
        tensors: entries.len() as u32,
        file_bytes: bytes.len() as u64,
        table_at: HEADER_BYTES as u64,
        description: [description_at, description.len() as u64],
        activation_rounding: rounding_number(deployment.rounding).into(),
    };
    let table: Vec<u8> = header.to_bytes().into_iter().chain(entries.into_iter().flat_map(Entry::to_bytes)).collect();
    bytes[..table.len()].copy_from_slice(&table);
    package.files.insert(FILE.into(), bytes);
    Ok(package)
}

fn description(deployment: &Deployment) -> Result<Vec<u8>> {
    let [mean, std] = deployment.normalization.clone();
    let description = Description {
        format: FORMAT.into(),
        plan: deployment.plan.clone(),
        network: deployment.graph.clone(),
        mean,
        std,
        candidates: deployment.layers.iter().map(|layer| layer.candidate).collect(),
    };
    serde_json::to_vec(&description).map_err(|e| Error::Internal(format!("not JSON: {e}")))
}

fn layer_source<'a>(deployment: &'a Deployment, layer: &'a DeployedLayer) -> Source<'a> {
    let (part, elements) = match &layer.weights {
        LayerWeights::Float(values) => (Part::Floats, Elements::Floats(values)),
        LayerWeights::Codes(plan) => (Part::Codes, coded(deployment, layer, plan)),
    };
    Source { name: format!("{}.weight", layer.name), layer: Some(&layer.name), shape: &layer.shape, part, elements }
}

fn coded<'a>(deployment: &'a Deployment, layer: &'a DeployedLayer, plan: &'a Codes) -> Elements<'a> {
    let (bits, rounding, codes, scale) = match deployment.masters.get(&layer.name) {
        Some(master) => (master.bits, master.rounding, &master.codes, &master.scale),
        None => (plan.bits, deployment.rounding, &plan.codes, &plan.scale),
    };
    Elements::Codes { codes, scale, entry: coded_entry(bits, rounding, plan, layer) }
}

fn coded_entry(master_bits: u32, rounding: Rounding, plan: &Codes, layer: &DeployedLayer) -> Entry {
    let activation = layer.activation;
    Entry {
        kind: 1,
        master_bits: master_bits as u8,
        plan_bits: plan.bits as u8,
        rounding: rounding_number(rounding),
        activation_bits: activation.map_or(0, |a| a.bits as u8),
        activation_unsigned: activation.is_some_and(|a| a.unsigned).into(),
        activation_scale: activation.map_or(0.0, |a| a.scale),
        group: plan.group as u64,
        ..EMPTY
    }
}

/// Adds a tensor's elements, each part at a multiple of [`ALIGNMENT`]; the finished entry.
fn append(bytes: &mut Vec<u8>, source: &Source<'_>, named: Entry) -> Result<Entry> {
    if source.shape.len() > AXES {
        let (place, found) = (format!("tensor `{}`", source.name), format!("{} axes", source.shape.len()));
        return Err(Error::input(place, found, format!("up to {AXES}"), "export to another format"));
    }
    let mut aligned = |parts: &mut dyn Iterator<Item = u8>| {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let at = bytes.len() as u64;
        bytes.extend(parts);
        at
    };
    fn floats(values: &[f32]) -> impl Iterator<Item = u8> {
        values.iter().flat_map(|value| value.to_le_bytes())
    }
    let mut entry = match &source.elements {
        Elements::Floats(values) => {
            Entry { elements_at: aligned(&mut floats(values)), elements: values.len() as u64, ..EMPTY }
        }
        Elements::Codes { codes, scale, entry } => Entry {
            elements_at: aligned(&mut codes.iter().map(|&code| code as u8)),
            elements: codes.len() as u64,
            scales_at: aligned(&mut floats(scale)),
            scales: scale.len() as u64,
            ..*entry
        },
    };
    (entry.name_at, entry.name_bytes, entry.axes) = (named.name_at, named.name_bytes, source.shape.len() as u16);
    entry.extents.iter_mut().zip(source.shape).for_each(|(to, &extent)| *to = extent as u64);
    Ok(entry)
}

fn account(package: &mut Package, source: &Source<'_>) {
    match &source.elements {
        Elements::Floats(values) => {
            package.account(FILE, &source.name, source.layer, source.part, 4 * values.len());
        }
        Elements::Codes { codes, scale, .. } => {
            package.account(FILE, &source.name, source.layer, source.part, codes.len());
            let name = format!("{} (scales)", source.name);
            package.account(FILE, &name, source.layer, Part::Scales, 4 * scale.len());
        }
    }
}
