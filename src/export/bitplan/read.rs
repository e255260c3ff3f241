//! Reads `model.bitplan`: every number of it is checked before it is used.
//!
//! Tensors lie in the order of the table and do not overlap, so what is read never takes more memory than a few times the
//! file.

use crate::error::{Error, Result};
use crate::export::bitplan::layout::{ALIGNMENT, AXES, ENTRY_BYTES, Entry, HEADER_BYTES, Header, rounding_of};
use crate::export::bitplan::write::{Description, FORMAT};
use crate::export::{Activation, Codes, DeployedLayer, Deployment, LayerWeights, Master};
use crate::graph::{Layer, Role, Values};
use crate::quant::weights::signed_range;
use crate::space::Candidate;

/// A file, its table checked.
struct File<'a> {
    bytes: &'a [u8],
    place: &'a str,
    header: Header,
    /// Where the elements before the next tensor end.
    used: usize,
    next: usize,
}

impl Deployment {
    /// The plan in the bytes of a `model.bitplan`, with the masters that are wider than it; `place` names it in messages.
    ///
    /// # Errors
    /// When the file is of another kind, cut off or damaged.
    pub fn from_bitplan(bytes: &[u8], place: &str) -> Result<Self> {
        let mut file = File::new(bytes, place)?;
        let wrong = |found: &str| fault(place, found);
        let text = file.slice(file.header.description).ok_or_else(|| wrong("a description behind the end"))?;
        let description: Description =
            serde_json::from_slice(text).map_err(|e| wrong(&format!("a damaged description: {e}")))?;
        let graph = description.network;
        let layers = graph.layers();
        if description.format != FORMAT || layers.len() != description.candidates.len() {
            return Err(wrong("a description of another file"));
        }
        let rounding = rounding_of(file.header.activation_rounding).ok_or_else(|| wrong("an unknown rounding"))?;
        let mut deployment = Self {
            plan: description.plan,
            layers: Vec::with_capacity(layers.len()),
            parameters: Values::new(),
            normalization: [description.mean, description.std],
            rounding,
            folder: None,
            masters: Default::default(),
            ranges: Default::default(),
            graph,
        };
        for (layer, candidate) in layers.iter().zip(description.candidates) {
            let (layer, master) = file.layer(layer, candidate)?;
            deployment.masters.extend(master.map(|master| (layer.name.clone(), master)));
            deployment.layers.push(layer);
        }
        // In the order of names, as they were written.
        let others = deployment.graph.parameters().into_iter().filter(|p| p.role != Role::Weight);
        let others: std::collections::BTreeMap<_, _> = others.map(|p| (p.name, p.shape)).collect();
        for (name, shape) in others {
            let entry = file.entry(&name, &shape)?;
            let values = file.floats(&entry, &name)?;
            deployment.parameters.insert(name, (shape, values));
        }
        match file.next == file.header.tensors as usize {
            true => Ok(deployment),
            false => Err(wrong("tensors that the network does not have")),
        }
    }
}

fn fault(place: &str, found: &str) -> Error {
    Error::input(place, found, "a `model.bitplan` file", "export the plan again")
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8], place: &'a str) -> Result<Self> {
        let header = Header::read(bytes).ok_or_else(|| fault(place, "a file of another kind or version"))?;
        let table_end = (header.tensors as usize).checked_mul(ENTRY_BYTES).and_then(|n| n.checked_add(HEADER_BYTES));
        let Some(used) = table_end.filter(|&end| end <= bytes.len()) else {
            return Err(fault(place, "a table behind the end"));
        };
        if header.file_bytes != bytes.len() as u64 || header.table_at != HEADER_BYTES as u64 {
            return Err(fault(place, &format!("{} bytes of {}", bytes.len(), header.file_bytes)));
        }
        Ok(Self { bytes, place, header, used, next: 0 })
    }

    fn slice(&self, [at, length]: [u64; 2]) -> Option<&'a [u8]> {
        let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
        self.bytes.get(at..at.checked_add(length)?)
    }

    fn fault(&self, name: &str, found: &str) -> Error {
        fault(&format!("{}: tensor `{name}`", self.place), found)
    }

    /// The next entry of the table, if it is of this name and shape.
    fn entry(&mut self, name: &str, shape: &[usize]) -> Result<Entry> {
        let at = HEADER_BYTES + self.next * ENTRY_BYTES;
        if self.next >= self.header.tensors as usize {
            return Err(self.fault(name, "nothing"));
        }
        let entry = Entry::read(&self.bytes[at..at + ENTRY_BYTES]);
        self.next += 1;
        let found = self.slice([entry.name_at, u64::from(entry.name_bytes) + 1]);
        if found.and_then(|found| found.strip_suffix(b"\0")) != Some(name.as_bytes()) {
            return Err(self.fault(name, "another tensor"));
        }
        let extents = shape.iter().map(|&extent| extent as u64).chain(std::iter::repeat(0)).take(AXES);
        if usize::from(entry.axes) != shape.len() || !extents.eq(entry.extents) {
            let axes = usize::from(entry.axes).min(AXES);
            return Err(self.fault(name, &format!("shape {:?} instead of {shape:?}", &entry.extents[..axes])));
        }
        // The network's own builder has checked that this product fits.
        match entry.elements == shape.iter().product::<usize>() as u64 {
            true => Ok(entry),
            false => Err(self.fault(name, "a count of elements that is not its shape's")),
        }
    }

    /// The bytes of a part, behind all earlier ones.
    fn part(&mut self, at: u64, count: u64, size: u64, name: &str) -> Result<&'a [u8]> {
        let found = count.checked_mul(size).and_then(|length| self.slice([at, length]));
        match found {
            Some(found) if at >= self.used as u64 && at.is_multiple_of(ALIGNMENT as u64) => {
                self.used = at as usize + found.len();
                Ok(found)
            }
            _ => Err(self.fault(name, "elements behind the end, or where others lie")),
        }
    }

    fn float_part(&mut self, at: u64, count: u64, name: &str) -> Result<Vec<f32>> {
        let bytes = self.part(at, count, 4, name)?;
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(values),
            false => Err(self.fault(name, "a number that is not finite")),
        }
    }

    fn floats(&mut self, entry: &Entry, name: &str) -> Result<Vec<f32>> {
        match entry.kind {
            0 => self.float_part(entry.elements_at, entry.elements, name),
            _ => Err(self.fault(name, "no floats")),
        }
    }

    fn layer(&mut self, layer: &Layer, candidate: Candidate) -> Result<(DeployedLayer, Option<Master>)> {
        let name = format!("{}.weight", layer.name);
        let entry = self.entry(&name, &layer.weight_shape)?;
        let (weights, activation, master) = match candidate.is_fp32() {
            true => (LayerWeights::Float(self.floats(&entry, &name)?), None, None),
            false => {
                let (master, group) = self.master(&entry, layer, &name)?;
                let bits = u32::from(entry.plan_bits);
                if bits != u32::from(candidate.weight_bits()) || !(2..=master.bits).contains(&bits) {
                    return Err(self.fault(&name, &format!("{bits} bits where the plan has {candidate}")));
                }
                let activation = self.activation(&entry, layer, candidate, &name)?;
                let (codes, scale) = master.switch(bits);
                if scale.iter().any(|scale| !scale.is_finite()) {
                    return Err(self.fault(&name, "a scale that is too large"));
                }
                let weights = LayerWeights::Codes(Codes { bits, codes, scale, group });
                let wider = master.bits > bits;
                (weights, activation, wider.then_some(master))
            }
        };
        let (name, shape) = (layer.name.clone(), layer.weight_shape.clone());
        Ok((DeployedLayer { name, shape, candidate, weights, activation }, master))
    }

    fn master(&mut self, entry: &Entry, layer: &Layer, name: &str) -> Result<(Master, usize)> {
        let bits = u32::from(entry.master_bits);
        let rounding = rounding_of(entry.rounding.into());
        let (Some(rounding), 1, 2..=8) = (rounding, entry.kind, bits) else {
            return Err(self.fault(name, "no codes of 2 to 8 bits"));
        };
        let columns = layer.parameters() / layer.channels().max(1);
        let group = usize::try_from(entry.group).unwrap_or(0);
        let fits = group > 0 && columns.is_multiple_of(group);
        if !fits || entry.scales != (layer.parameters() / group) as u64 {
            return Err(self.fault(name, &format!("{} scales, one for each {group} weights", entry.scales)));
        }
        let codes = self.part(entry.elements_at, entry.elements, 1, name)?;
        let codes: Vec<i8> = codes.iter().map(|&byte| byte as i8).collect();
        let (low, high) = signed_range(bits);
        if codes.iter().any(|&code| !(low..=high).contains(&code.into())) {
            return Err(self.fault(name, &format!("codes of more than {bits} bits")));
        }
        let scale = self.float_part(entry.scales_at, entry.scales, name)?;
        if scale.iter().any(|&scale| scale <= 0.0) {
            return Err(self.fault(name, "a scale that is not above 0"));
        }
        Ok((Master { bits, rounding, codes, scale }, group))
    }

    fn activation(&self, entry: &Entry, layer: &Layer, plan: Candidate, name: &str) -> Result<Option<Activation>> {
        let quantized = layer.quantized_input && plan.quantizes_activations();
        let bits = if quantized { plan.activation_bits() } else { 0 };
        let unsigned = quantized && layer.unsigned_input;
        let scale = entry.activation_scale;
        let known = entry.activation_bits == bits && entry.activation_unsigned == u8::from(unsigned);
        if !known || !scale.is_finite() || (scale > 0.0) != quantized {
            return Err(self.fault(name, "an input quantiser that is not the plan's"));
        }
        Ok(quantized.then_some(Activation { bits: bits.into(), unsigned, scale }))
    }
}
