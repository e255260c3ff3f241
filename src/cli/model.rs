//! The network that a command names.

use std::path::Path;

use crate::cli::args::ModelArgs;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::space::{ModelSource, Zoo};

/// Builds or reads it. A name that is no file or folder is that of a built-in network.
pub(super) fn load(args: &ModelArgs) -> Result<Model> {
    let zoo = serde_json::from_value::<Zoo>(serde_json::Value::String(args.model.clone()));
    let source = match zoo {
        Ok(_) if !args.extents.is_empty() => {
            return Err(Error::Usage("--extent with a built-in network\n  hint: its input is set with --shape".into()));
        }
        Ok(zoo) => ModelSource::Zoo { zoo, input: shape(&args.shape)?, classes: args.classes as usize },
        Err(_) if Path::new(&args.model).exists() => {
            ModelSource::File { path: args.model.clone().into(), extents: args.extents.iter().cloned().collect() }
        }
        Err(known) => {
            let known = known.to_string();
            let names = known.split_once("expected one of ").map_or("", |(_, names)| names);
            let hint = format!("the built-in networks are {names}");
            return Err(Error::Usage(format!("no file, folder or built-in network `{}`\n  hint: {hint}", args.model)));
        }
    };
    Model::load(&source, Path::new(""))
}

fn shape(text: &str) -> Result<Vec<usize>> {
    let extents: Option<Vec<usize>> = text.split('x').map(|n| n.parse().ok()).collect();
    let fits = |input: &Vec<usize>| [1, 3].contains(&input.len()) && input.iter().all(|n| (1..=4096).contains(n));
    extents.filter(fits).ok_or_else(|| {
        let hint = "write CxHxW, for example 3x32x32, or one number, each from 1 to 4096";
        Error::Usage(format!("--shape `{text}`\n  hint: {hint}"))
    })
}
