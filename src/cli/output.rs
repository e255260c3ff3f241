//! Standard output: one JSON document, or text.

use std::io::Write;
use std::path::Path;

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
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io(Path::new("standard output"), e)),
        _ => Ok(()),
    }
}

/// Refuses a file that cannot be written, or would replace the input, before any work is done.
///
/// # Errors
/// [`Error::Usage`] with what is wrong.
pub fn check_target(path: &Path, input: Option<&Path>) -> Result<()> {
    let shown = path.display();
    let canonical = |p: &Path| std::fs::canonicalize(p).ok();
    if path.is_dir() {
        return Err(Error::Usage(format!("--output {shown} is a folder\n  hint: name a file in it")));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(Error::Usage(format!("--output {shown}: there is no folder {folder}\n  hint: make it first")));
    }
    if input.is_some_and(|input| canonical(path).is_some() && canonical(path) == canonical(input)) {
        return Err(Error::Usage(format!("--output {shown} is also the input\n  hint: name another file")));
    }
    Ok(())
}
