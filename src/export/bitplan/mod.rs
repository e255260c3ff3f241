//! `bitplan`: our own runtime file, in which every layer is its integer master beside the bits of the plan.
//!
//! `model.bitplan` is flat, little-endian and made to be mapped: a header, a table of tensors, names, a description in JSON,
//! then the elements of each tensor at multiples of 64 bytes (docs/bitplan_format.md; as C: `bitplan.h`, which is written
//! beside it). A runtime that maps the file has every precision of every layer: it takes `b` bits from a master of `h` by
//! the integer switch of [`crate::quant::weights`], a shift with rounding, and multiplies its scales by `2^(h−b)`.
//!
//! A layer whose master is not known ([`Deployment::masters`]) is stored at the bits of the plan, which are its master then.

mod layout;
mod read;
mod write;

use crate::error::Result;
use crate::export::{Deployment, Format, Package, Site, Stored};
use crate::space::Candidate;

/// Name of the file in the folder.
pub(super) const FILE: &str = "model.bitplan";
/// Name of the declarations in the folder.
const DECLARATIONS: &str = "bitplan.h";

/// Our own runtime file.
#[derive(Debug, Clone, Copy)]
pub struct Bitplan;

impl Format for Bitplan {
    fn name(&self) -> &'static str {
        "bitplan"
    }

    fn about(&self) -> &'static str {
        "int8 masters and the plan in one file to map: a runtime takes any bits by a shift (with bitplan.h)"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["bitplan.h (C99)"]
    }

    /// A byte for each code, whatever its bits, and the scales; floats of layers that stay `fp32`.
    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let count = site.parameters() as u64;
        Ok(match candidate.is_fp32() {
            true => Stored { bits: 32, bytes: 4 * count },
            false => Stored { bits: 8, bytes: count + 4 * site.scales() as u64 },
        })
    }

    fn holds_masters(&self) -> bool {
        true
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let mut package = write::package(deployment)?;
        let declarations = include_str!("../../../examples/runtime/bitplan.h");
        package.files.insert(DECLARATIONS.into(), declarations.into());
        if deployment.masters.is_empty() {
            let note = "no master is known: each layer is stored at the bits of the plan, from which a runtime can only go down";
            package.notes.push(note.into());
        }
        Ok(package)
    }
}

#[cfg(test)]
mod tests;
