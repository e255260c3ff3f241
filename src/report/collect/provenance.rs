//! What the report was made from.

use crate::report::Provenance;
use crate::report::collect::Findings;

/// Version, seed, hashes of inputs and files.
pub(super) fn provenance(found: &Findings) -> Provenance {
    Provenance {
        version: found.facts.version.clone(),
        seed: found.facts.seed,
        inputs: found.facts.inputs.clone(),
        files: found.files.clone(),
    }
}
