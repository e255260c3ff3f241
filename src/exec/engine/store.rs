//! The memory of an engine: buffers that are taken, given back and used again, so that a training step in its steady state
//! neither allocates nor clears them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::exec::engine::action::Key;
use crate::exec::engine::clock::{Clock, Part};

/// Buffers nobody uses. Their contents are old.
#[derive(Debug, Default)]
pub(super) struct Pool(Vec<Vec<f32>>);

impl Pool {
    /// A buffer of `length` arbitrary numbers or more: the smallest that is large enough, else a new one.
    pub fn take(&mut self, length: usize) -> Vec<f32> {
        let fitting = self.0.iter().enumerate().filter(|(_, buffer)| buffer.len() >= length);
        let best = fitting.min_by_key(|(_, buffer)| buffer.len()).map(|(at, _)| at);
        best.map_or_else(|| vec![0.0; length], |at| self.0.swap_remove(at))
    }

    /// Takes a buffer back.
    pub fn give(&mut self, buffer: Vec<f32>) {
        self.0.push(buffer);
    }
}

/// The buffers of the batch.
#[derive(Debug, Default)]
pub(super) struct Store {
    buffers: BTreeMap<Key, Vec<f32>>,
    pool: Pool,
}

impl Store {
    /// The numbers of all images; nothing where there is no such buffer.
    pub fn read(&self, key: Key) -> &[f32] {
        self.buffers.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Takes a buffer out to be written: as it is, or a new one.
    pub fn take(&mut self, key: Key, length: usize) -> Vec<f32> {
        self.buffers.remove(&key).unwrap_or_else(|| self.pool.take(length))
    }

    /// Puts a written buffer back.
    pub fn put(&mut self, key: Key, buffer: Vec<f32>) {
        self.buffers.insert(key, buffer);
    }

    /// Lets go of a buffer.
    pub fn release(&mut self, key: Key) {
        if let Some(buffer) = self.buffers.remove(&key) {
            self.pool.give(buffer);
        }
    }

    /// Lets go of all.
    pub fn clear(&mut self) {
        while let Some((_, buffer)) = self.buffers.pop_first() {
            self.pool.give(buffer);
        }
    }

    /// Buffers without a name.
    pub fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }
}

/// What one thread works with.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Values and gradients of one image.
    pub locals: Vec<Vec<f32>>,
    /// Scratch of the convolutions.
    pub scratch: Vec<f32>,
    /// A layer's input behind its quantiser.
    pub quantized: Vec<f32>,
    /// A gradient on its way.
    pub moving: Vec<f32>,
    /// Its stopwatch.
    pub clock: Clock,
}

/// At least `length` numbers of a vector.
pub(super) fn sized(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// Workspaces that no thread uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Time that all threads have spent on a part.
    pub fn spent(&self, part: Part) -> std::time::Duration {
        self.0.lock().map(|free| free.iter().map(|workspace| workspace.clock.spent(part)).sum()).unwrap_or_default()
    }

    /// Runs with a workspace and puts it back.
    pub fn with<R>(&self, run: impl FnOnce(&mut Workspace) -> R) -> R {
        let taken = self.0.lock().map(|mut free| free.pop()).ok().flatten();
        let mut workspace = taken.unwrap_or_default();
        let result = run(&mut workspace);
        if let Ok(mut free) = self.0.lock() {
            free.push(workspace);
        }
        result
    }
}
