//! Where and how the program runs now: what a report tells beside results that are the same everywhere.

use serde::{Deserialize, Serialize};

/// The machine and the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The command line.
    pub command: String,
    /// Processor, as the system names it.
    pub processor: String,
    /// Threads that are used.
    pub threads: u64,
    /// Operating system and architecture.
    pub system: String,
}

impl Host {
    /// This machine, this command.
    pub fn current() -> Self {
        let arguments = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
        Self {
            command: arguments.map(quoted).collect::<Vec<_>>().join(" "),
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.into()),
            threads: rayon::current_num_threads() as u64,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// An argument as a shell would need it.
fn quoted(argument: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

/// The processor's name, where the system tells it in a file.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_a_shell_needs_it() {
        let shown = |text: &str| quoted(text.to_string());
        assert_eq!(shown("--budget=bitops=50%"), "--budget=bitops=50%");
        assert_eq!(shown("two words"), "'two words'");
        assert_eq!(shown("it's"), "'it'\\''s'");
        assert_eq!(shown(""), "''");
    }
}
