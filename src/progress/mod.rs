//! How long work tells what it does; the command line shows it, tests ignore it.

mod pace;

pub use pace::Pace;

/// A stage of work, as it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage<'a> {
    /// For people.
    pub what: &'a str,
    /// Its pieces, about equally long.
    pub total: u64,
    /// Pieces that an earlier run has done.
    pub done: u64,
    /// What a piece is, in the plural; none where pieces are nothing but shares of the whole.
    pub unit: Option<&'a str>,
}

impl<'a> Stage<'a> {
    /// A stage from its beginning, in pieces without a name.
    pub fn new(what: &'a str, total: u64) -> Self {
        Self { what, total, done: 0, unit: None }
    }

    /// The same, with a name for its pieces.
    pub fn of(self, unit: &'a str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The same, gone on with after `done` pieces.
    pub fn after(self, done: u64) -> Self {
        Self { done, ..self }
    }
}

/// Receives progress and remarks.
pub trait Observer {
    /// A stage begins.
    fn start(&mut self, stage: Stage<'_>);
    /// `done` pieces are finished, those of earlier runs among them; `detail` says how it goes.
    fn at(&mut self, done: u64, detail: &str);
    /// The stage is over; `summary` is worth keeping on the screen.
    fn finish(&mut self, summary: &str);
    /// Something that the user should know.
    fn warn(&mut self, message: &str);
    /// Whether the user asked to stop.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// Ignores everything.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn start(&mut self, _: Stage<'_>) {}
    fn at(&mut self, _: u64, _: &str) {}
    fn finish(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}
