//! The best choices found so far.

/// Up to so many choices, best first, each once; nothing above a limit.
#[derive(Debug)]
pub(super) struct Best {
    keep: usize,
    /// Regret above which nothing is of interest.
    limit: i128,
    list: Vec<(i128, Vec<usize>)>,
}

impl Best {
    /// No choice yet; those of interest have at most this regret.
    pub fn new(keep: usize, limit: i128) -> Self {
        Best { keep, limit, list: Vec::new() }
    }

    /// How many are wanted.
    pub fn keep(&self) -> usize {
        self.keep
    }

    /// Whether there is any.
    pub fn found(&self) -> bool {
        !self.list.is_empty()
    }

    /// A choice must be below this regret to be of use.
    pub fn worst(&self) -> i128 {
        if self.list.len() < self.keep { self.limit + 1 } else { self.list[self.keep - 1].0 }
    }

    /// Takes a choice of the problem if it is of use.
    pub fn offer(&mut self, regret: i128, choice: impl FnOnce() -> Vec<usize>) {
        if regret >= self.worst() {
            return;
        }
        let choice = choice();
        if self.list.iter().all(|(_, other)| *other != choice) {
            let at = self.list.partition_point(|(r, _)| *r <= regret);
            self.list.insert(at, (regret, choice));
            self.list.truncate(self.keep);
        }
    }

    /// The choices, best first.
    pub fn list(&self) -> &[(i128, Vec<usize>)] {
        &self.list
    }
}
