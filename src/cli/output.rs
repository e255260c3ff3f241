//! Standard output: one JSON document, or text.

use std::io::Write;

use serde::Serialize;

use crate::cli::Global;
use crate::error::{Error, Result};

/// Prints `value` as JSON with `--json`, else what `text` makes.
///
/// # Errors
/// When standard output cannot be written, except that its reader went away.
pub fn print(global: &Global, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let document = match global.json {
        true => serde_json::to_string_pretty(value).map_err(|e| Error::Internal(format!("not JSON: {e}")))?,
        false => text().trim_end().to_string(),
    };
    match writeln!(std::io::stdout().lock(), "{document}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io(std::path::Path::new("standard output"), e))
        }
        _ => Ok(()),
    }
}
