//! How long work tells what it does; the command line shows it, tests ignore it.

/// Receives progress and remarks.
pub trait Observer {
    /// A stage of `total` equal pieces begins.
    fn start(&mut self, what: &str, total: u64);
    /// `done` pieces are finished; `detail` says how it goes.
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
    fn start(&mut self, _: &str, _: u64) {}
    fn at(&mut self, _: u64, _: &str) {}
    fn finish(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}
