//! `switch`: packed weights from the integer master.

use crate::cli::args::SwitchArgs;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::run::configuration_of;
use crate::scheme::Scheme;
use crate::supernet::MasterCheckpoint;

pub(super) fn switch(args: &SwitchArgs, global: &Global) -> Result<()> {
    output::check_target(&args.output, Some(&args.checkpoint))?;
    let master = MasterCheckpoint::read(&args.checkpoint)?;
    let scheme = master.net().scheme();
    let (name, configuration) = match (&args.plan, args.bits) {
        (Some(path), _) => {
            let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            (name, configuration_of(scheme, &Plan::read(path)?)?)
        }
        (None, bits) => uniform(scheme, bits.unwrap_or_default(), &args.checkpoint.display().to_string())?,
    };
    let packed = master.pack(&name, &configuration, None)?;
    packed.write(&args.output)?;
    let document = serde_json::json!({
        "format": "bitplan.switch/1", "plan": name, "weight_bytes": packed.weight_bytes(),
        "file": args.output.display().to_string(),
    });
    output::print(global, &document, || {
        let kibi = packed.weight_bytes() as f64 / 1024.0;
        format!("{name}: {kibi:.1} KiB of codes and scales in {}, norms as trained", args.output.display())
    })
}

/// The uniform configuration of some weight bits, if there is exactly one.
fn uniform(scheme: &Scheme, bits: u8, place: &str) -> Result<(String, Vec<usize>)> {
    let bases = scheme.bases();
    let fitting: Vec<_> = bases.iter().filter(|c| c.weight_bits() == bits).collect();
    let known = bases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match fitting[..] {
        [&candidate] if scheme.uniform_name(candidate) == candidate.to_string() => {
            Ok((format!("uniform {candidate}"), scheme.uniform(candidate)))
        }
        [&candidate] => {
            let found = format!("searchable layers that cannot take {candidate}");
            Err(Error::input(place, found, "all of them at these bits", "pass a plan with --plan"))
        }
        [] => {
            let found = format!("no candidate of {bits} weight bits");
            Err(Error::input(place, found, known, "train a SuperNet with that candidate"))
        }
        _ => {
            let found = format!("several candidates of {bits} weight bits");
            Err(Error::input(place, found, known, "pass a plan with --plan"))
        }
    }
}
