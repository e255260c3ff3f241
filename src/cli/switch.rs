//! `switch`: packed weights from the integer master.

use crate::cli::args::SwitchArgs;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::run::configuration_of;
use crate::supernet::MasterCheckpoint;

pub(super) fn switch(args: &SwitchArgs, global: &Global) -> Result<()> {
    let master = MasterCheckpoint::read(&args.checkpoint)?;
    let scheme = master.net().scheme();
    let (name, configuration) = match (&args.plan, args.bits) {
        (Some(path), _) => (path.display().to_string(), configuration_of(scheme, &Plan::read(path)?)?),
        (None, bits) => {
            let bits = bits.unwrap_or(8);
            let bases = scheme.bases();
            let Some(candidate) = bases.iter().find(|c| c.weight_bits() == bits) else {
                let known: Vec<String> = bases.iter().map(ToString::to_string).collect();
                let place = args.checkpoint.display().to_string();
                let remedy = "train a SuperNet with that candidate";
                return Err(Error::input(
                    place,
                    format!("no candidate of {bits} weight bits"),
                    known.join(", "),
                    remedy,
                ));
            };
            (format!("uniform {candidate}"), scheme.uniform(*candidate))
        }
    };
    let packed = master.pack(&name, &configuration, None)?;
    packed.write(&args.output)?;
    let document = serde_json::json!({
        "format": "bitplan.switch/1", "plan": name, "weight_bytes": packed.weight_bytes(), "file": &args.output,
    });
    output::print(global, &document, || {
        let kibi = packed.weight_bytes() as f64 / 1024.0;
        format!("{name}: {kibi:.1} KiB of codes and scales in {}", args.output.display())
    })
}
