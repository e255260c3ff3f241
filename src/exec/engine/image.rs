//! One image on its way through a pass: reading and writing places.

use crate::exec::engine::action::Place;
use crate::exec::engine::store::{Store, Workspace, sized};

/// What the actions of one image read and write.
pub(super) struct Image<'a, 'b> {
    /// The network's input, all images.
    pub images: &'a [f32],
    /// Buffers of earlier passes.
    pub store: &'a Store,
    /// Buffers of this pass: the part of one piece of the batch.
    pub written: &'a mut [&'b mut [f32]],
    /// Memory of the thread.
    pub workspace: &'a mut Workspace,
    /// Number in the batch.
    pub in_batch: usize,
    /// Number in the piece.
    pub in_piece: usize,
}

/// A place that is being written, taken out so that others can be read.
pub(super) enum Taken<'b> {
    Local(usize, Vec<f32>),
    Written(usize, usize, &'b mut [f32]),
}

impl Taken<'_> {
    /// Its `length` numbers of this image.
    pub fn slice(&mut self, length: usize) -> &mut [f32] {
        match self {
            Taken::Local(_, buffer) => sized(buffer, length),
            Taken::Written(_, image, buffer) => &mut buffer[*image * length..][..length],
        }
    }
}

impl<'b> Image<'_, 'b> {
    /// The `length` numbers of a place.
    pub fn read(&self, place: Place, length: usize) -> &[f32] {
        match place {
            Place::Images => &self.images[self.in_batch * length..][..length],
            Place::Shared(key) => &self.store.read(key)[self.in_batch * length..][..length],
            Place::Written(number) => &self.written[number][self.in_piece * length..][..length],
            Place::Local(slot) => &self.workspace.locals[slot][..length],
        }
    }

    /// Takes a place out to write it. Nobody writes images or buffers of earlier passes: a plan names them as inputs only.
    pub fn take(&mut self, place: Place) -> Taken<'b> {
        match place {
            Place::Written(number) => Taken::Written(number, self.in_piece, std::mem::take(&mut self.written[number])),
            Place::Local(slot) => Taken::Local(slot, std::mem::take(&mut self.workspace.locals[slot])),
            Place::Images | Place::Shared(_) => unreachable!("a pass writes to its own places"),
        }
    }

    /// Puts back what was taken.
    pub fn put(&mut self, taken: Taken<'b>) {
        match taken {
            Taken::Local(slot, buffer) => self.workspace.locals[slot] = buffer,
            Taken::Written(number, _, buffer) => self.written[number] = buffer,
        }
    }
}
