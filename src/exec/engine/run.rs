//! Running a pass: the batch in fixed pieces, each on one thread, image after image.

use rayon::prelude::*;

use crate::exec::Step;
use crate::exec::engine::action::{Action, Key};
use crate::exec::engine::clock::Part;
use crate::exec::engine::context::Context;
use crate::exec::engine::image::Image;
use crate::exec::engine::plan::Pass;
use crate::exec::engine::store::{Store, Workspaces};
use crate::exec::engine::tally::Tally;
use crate::exec::engine::{evaluate, reverse};
use crate::exec::kernels::pieces::images_of_a_piece;

/// Numbers of one image in a buffer.
fn length(context: &Context<'_>, key: Key) -> usize {
    match key {
        Key::Value(node) | Key::Gradient(node) => context.program.lengths[node],
        Key::Norm(norm) => context.program.lengths[context.program.norm_inputs[norm]],
    }
}

/// One piece of the batch: its first image, how many, and its part of every buffer that is written.
struct Piece<'b> {
    first: usize,
    images: usize,
    written: Vec<&'b mut [f32]>,
    tally: Tally,
}

/// Takes every image through the pass; sums come piece by piece, in the order of the batch.
pub(super) fn run(
    pass: &Pass,
    context: &Context<'_>,
    images: &[f32],
    batch: usize,
    store: &mut Store,
    (workspaces, clock): (&Workspaces, bool),
) -> Vec<Tally> {
    let per_piece = images_of_a_piece(batch);
    let mut buffers: Vec<(Key, usize, Vec<f32>)> = Vec::new();
    for &key in &pass.writes {
        let length = length(context, key);
        buffers.push((key, length, store.take(key, length * batch)));
    }
    let mut pieces: Vec<Piece<'_>> = (0..batch)
        .step_by(per_piece)
        .map(|first| Piece {
            first,
            images: per_piece.min(batch - first),
            written: Vec::with_capacity(buffers.len()),
            tally: tally(pass, context, store),
        })
        .collect();
    for (_, length, buffer) in &mut buffers {
        let parts = buffer[..*length * batch].chunks_mut(per_piece * *length);
        pieces.iter_mut().zip(parts).for_each(|(piece, part)| piece.written.push(part));
    }
    let shared: &Store = store;
    let run_piece = |mut piece: Piece<'_>| {
        workspaces.with(|workspace| {
            workspace.locals.resize_with(workspace.locals.len().max(pass.locals), Vec::new);
            workspace.clock.set(clock);
            // Here and not where they are taken: the pieces are cleared side by side.
            for (&layer, sums) in &mut piece.tally.weights {
                sums[..context.layers[layer].sums_len()].fill(0.0);
            }
            for in_piece in 0..piece.images {
                let mut image = Image {
                    images,
                    store: shared,
                    written: &mut piece.written,
                    workspace,
                    in_batch: piece.first + in_piece,
                    in_piece,
                };
                pass.actions.iter().for_each(|action| act(context, &mut image, action, &mut piece.tally));
            }
        });
        piece.tally
    };
    // One piece is one job: the pieces are few and of about the same length.
    let tallies = pieces.into_par_iter().with_max_len(1).map(run_piece).collect();
    buffers.into_iter().for_each(|(key, _, buffer)| store.put(key, buffer));
    tallies
}

/// Empty sums, with memory for the weight gradients of the pass, in which anything may stand.
fn tally(pass: &Pass, context: &Context<'_>, store: &mut Store) -> Tally {
    let mut tally = Tally::default();
    for action in &pass.actions {
        if let Action::Layer { layer, .. } = *action {
            let length = context.layers[layer].sums_len();
            tally.weights.insert(layer, store.pool().take(length));
        }
    }
    tally
}

fn act(context: &Context<'_>, image: &mut Image<'_, '_>, action: &Action, tally: &mut Tally) {
    match action {
        Action::Evaluate { step, inputs, output } => evaluate::evaluate(context, image, *step, inputs, *output),
        &Action::Statistics { norm, x } => {
            evaluate::statistics(context, image, norm, context.program.norm_inputs[norm], x, tally);
        }
        &Action::ThroughNorm { norm, x, g, target } => {
            reverse::through_norm(context, image, norm, context.program.norm_inputs[norm], [x, g], target);
        }
        &Action::BehindNorm { norm, node, x, g, target } => {
            reverse::behind_norm(context, image, (norm, node), [x, g], target, tally);
        }
        &Action::Layer { layer, x, g, target } => reverse::layer(context, image, layer, [x, g], target, tally),
        Action::Masked { node, y, g, targets } => reverse::masked(context, image, *node, (*y, *g), targets),
        &Action::Adjoint { step, g, target } => reverse::adjoint(context, image, step, g, target),
        Action::Function { function, inputs, g, targets } => {
            reverse::function(context, image, *function, (inputs, *g), targets, tally);
        }
    }
    image.workspace.clock.lap(part(action));
}

/// What is left of an action when its own parts have been timed.
fn part(action: &Action) -> Part {
    match action {
        Action::Evaluate { step: Step::Layer { .. }, .. } => Part::Forward,
        Action::Evaluate { step: Step::Norm { .. }, .. }
        | Action::Statistics { .. }
        | Action::ThroughNorm { .. }
        | Action::BehindNorm { .. } => Part::Norms,
        // Its bias; all else has been timed.
        Action::Layer { .. } => Part::WeightGradient,
        _ => Part::Others,
    }
}
