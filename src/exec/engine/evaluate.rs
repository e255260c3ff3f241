//! Actions that compute values.

use crate::exec::Step;
use crate::exec::engine::action::Place;
use crate::exec::engine::clock::Part;
use crate::exec::engine::context::Context;
use crate::exec::engine::image::Image;
use crate::exec::engine::tally::Tally;
use crate::exec::kernels::{elementwise, norm, pool};

/// The value of a step.
pub(super) fn evaluate(context: &Context<'_>, image: &mut Image<'_, '_>, step: Step, inputs: &[Place], output: Place) {
    let mut taken = image.take(output);
    let mut scratch = std::mem::take(&mut image.workspace.scratch);
    let mut quantized = std::mem::take(&mut image.workspace.quantized);
    let mut clock = std::mem::take(&mut image.workspace.clock);
    let y = taken.slice(context.program.lengths[step.output()]);
    let read = |which: usize, node: usize| image.read(inputs[which], context.program.lengths[node]);
    match step {
        Step::Layer { layer, input, output } => {
            let kernels = &context.layers[layer];
            let x = kernels.quantized(read(0, input), &mut quantized);
            clock.lap(Part::Quantizers);
            kernels.forward(x, &mut scratch, y);
            if let Some(bias) = &kernels.bias {
                debug_assert_eq!(y.len(), context.program.lengths[output]);
                context.network.bias_map(layer, 1).shift_image(bias, y);
            }
        }
        Step::Norm { norm, input, output, .. } => {
            let [a, b] = &context.norms[norm].value;
            norm::affine(read(0, input), [a, b], context.channels(input).positions, context.program.bounds[output], y);
        }
        Step::Add { inputs: [first, second], output, .. } => match context.program.bounds[output] {
            Some(bounds) => elementwise::clipped_sum_slice(read(0, first), read(1, second), bounds, y),
            None => elementwise::add_slice(read(0, first), read(1, second), false, y),
        },
        Step::Relu { input, output } => {
            let bounds = context.program.bounds[output].unwrap_or([0.0, f32::INFINITY]);
            elementwise::clip_slice(read(0, input), bounds, y);
        }
        Step::Pool { input, .. } => pool::average(read(0, input), context.channels(input).positions, y),
        Step::Subsample { input, output } => context.network.subsample_shape(output, 1).forward(read(0, input), y),
        Step::Function { function, output } => {
            let nodes = &context.network.graph().nodes()[output].inputs;
            let x: Vec<&[f32]> = nodes.iter().enumerate().map(|(which, &node)| read(which, node)).collect();
            context.functions[function].forward(&x, y);
        }
    }
    image.put(taken);
    let workspace = &mut image.workspace;
    (workspace.scratch, workspace.quantized, workspace.clock) = (scratch, quantized, clock);
}

/// Mean and squared deviations of each channel.
pub(super) fn statistics(
    context: &Context<'_>,
    image: &Image<'_, '_>,
    site: usize,
    node: usize,
    x: Place,
    tally: &mut Tally,
) {
    let positions = context.channels(node).positions;
    let rows = image.read(x, context.program.lengths[node]).chunks_exact(positions);
    tally.norms.entry(site).or_default().extend(rows.map(norm::moments));
}
