//! One error type for the whole crate: every failure that a user can cause says where, what was found, what was
//! expected and what to do; every variant has its exit code.

pub mod fault;

pub use fault::ValueFault;

use std::fmt;
use std::path::{Path, PathBuf};

/// Exit codes of the program, the same for every command.
pub mod exit_code {
    /// A fault of the program.
    pub const INTERNAL: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// An input file is wrong.
    pub const BAD_INPUT: u8 = 3;
    /// No plan satisfies the budgets.
    pub const INFEASIBLE: u8 = 4;
    /// Stopped before a proof; the best plan so far is written.
    pub const UNPROVED: u8 = 5;
    /// Interrupted; `run` resumes.
    pub const INTERRUPTED: u8 = 130;
}

/// A fault in an input: the four things a user needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// File, and inside it line and column, key, byte offset or layer.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// What the user can do about it.
    pub remedy: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.place, self.found, self.expected)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  hint: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that cannot be done.
    #[error("{0}")]
    Usage(String),
    /// A wrong input file.
    #[error("{0}")]
    Input(InputError),
    /// A file that cannot be read or written.
    #[error("{}: {source}{}", path.display(), remedy_of(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No plan satisfies the budgets.
    #[error("{message}")]
    Infeasible {
        /// Which budgets, and the smallest feasible values.
        message: String,
        /// The same as data.
        detail: Box<serde_json::Value>,
    },
    /// The search stopped before the proof.
    #[error("{0}")]
    Unproved(String),
    /// The search stopped before it found anything.
    #[error("{0}")]
    NoPlanYet(String),
    /// The user interrupted.
    #[error("interrupted; run the same command again to resume")]
    Interrupted,
    /// A tensor operation failed: a fault of the program, not of the input.
    #[error("internal tensor error: {0}")]
    Tensor(#[from] candle_core::Error),
    /// An invariant of the program does not hold.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A fault in an input file.
    pub fn input(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Error::Input(InputError {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        })
    }

    /// A file that cannot be read or written.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Error::Io { path: path.to_path_buf(), source }
    }

    /// Whether the command has printed its result before it ended with this error: an unproved plan is still a plan.
    pub fn follows_output(&self) -> bool {
        matches!(self, Error::Unproved(_))
    }

    /// The error as a JSON document, `bitplan.error/1`.
    pub fn to_json(&self) -> serde_json::Value {
        let (code, message) = (self.exit_code(), self.to_string());
        let mut document = serde_json::json!({"format": "bitplan.error/1", "code": code, "error": message});
        if let Error::Infeasible { detail, .. } = self {
            document["infeasibility"] = (**detail).clone();
        }
        document
    }

    /// The exit code that this error ends the program with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => exit_code::USAGE,
            Error::Input(_) | Error::Io { .. } => exit_code::BAD_INPUT,
            Error::Infeasible { .. } => exit_code::INFEASIBLE,
            Error::Unproved(_) | Error::NoPlanYet(_) => exit_code::UNPROVED,
            Error::Interrupted => exit_code::INTERRUPTED,
            Error::Tensor(_) | Error::Internal(_) => exit_code::INTERNAL,
        }
    }
}

/// What to do about a file that the system refuses.
fn remedy_of(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::NotFound => "\n  hint: check the path",
        std::io::ErrorKind::IsADirectory => "\n  hint: it is a folder; name a file",
        std::io::ErrorKind::PermissionDenied => "\n  hint: check who may read or write it",
        _ => "",
    }
}
