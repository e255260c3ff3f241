//! Actions that compute gradients.

use crate::exec::Step;
use crate::exec::engine::action::{Place, Target};
use crate::exec::engine::clock::Part;
use crate::exec::engine::context::Context;
use crate::exec::engine::image::Image;
use crate::exec::engine::store::sized;
use crate::exec::engine::tally::{Tally, add};
use crate::exec::kernels::{elementwise, norm, pool};
use crate::graph::NodeId;

/// Computes `length` numbers for a target, or adds them to what is there.
fn deliver(image: &mut Image<'_, '_>, target: Target, length: usize, compute: impl FnOnce(&Image<'_, '_>, &mut [f32])) {
    let mut taken;
    if target.add {
        let mut moving = std::mem::take(&mut image.workspace.moving);
        let more = sized(&mut moving, length);
        compute(image, more);
        taken = image.take(target.place);
        elementwise::accumulate(more, taken.slice(length));
        image.workspace.moving = moving;
    } else {
        taken = image.take(target.place);
        compute(image, taken.slice(length));
    }
    image.put(taken);
}

/// `dx = p g + q x + r`.
pub(super) fn through_norm(
    context: &Context<'_>,
    image: &mut Image<'_, '_>,
    norm: usize,
    node: NodeId,
    [x, g]: [Place; 2],
    target: Target,
) {
    let (length, positions) = (context.program.lengths[node], context.channels(node).positions);
    let [p, q, r] = &context.norms[norm].gradient;
    deliver(image, target, length, |image, dx| {
        norm::combine(image.read(x, length), image.read(g, length), [p, q, r], positions, dx);
    });
}

/// The gradient in front of a norm's clipping, which is that of `a x + b`, and its sums `Σ g`, `Σ g x̂`.
pub(super) fn behind_norm(
    context: &Context<'_>,
    image: &mut Image<'_, '_>,
    (norm, output): (usize, NodeId),
    [x, g]: [Place; 2],
    target: Target,
    tally: &mut Tally,
) {
    let node = context.program.norm_inputs[norm];
    let (length, positions) = (context.program.lengths[node], context.channels(node).positions);
    let bounds = context.program.bounds[output];
    let forms = &context.norms[norm];
    let [a, b] = &forms.value;
    let sums = tally.norms.entry(norm).or_default();
    deliver(image, target, length, |image, out| {
        let rows = image.read(x, length).chunks_exact(positions).zip(image.read(g, length).chunks_exact(positions));
        for ((c, (x, g)), out) in rows.enumerate().zip(out.chunks_exact_mut(positions)) {
            let centre = forms.state.mean[c];
            let (s1, s2) = norm::masked_sums(x, g, bounds.map(|bounds| [[a[c], b[c]], bounds]), centre as f32, out);
            let shift = f64::from(centre as f32) - centre;
            sums.push([s1, (s2 + shift * s1) * forms.state.inverse[c]]);
        }
    });
}

/// Gradients of a layer.
pub(super) fn layer(
    context: &Context<'_>,
    image: &mut Image<'_, '_>,
    layer: usize,
    [x, g]: [Place; 2],
    target: Option<Target>,
    tally: &mut Tally,
) {
    let kernels = &context.layers[layer];
    let output = context.network.layers()[layer].node;
    let input = context.network.graph().nodes()[output].inputs[0];
    let (in_length, out_length) = (context.program.lengths[input], context.program.lengths[output]);
    let mut scratch = std::mem::take(&mut image.workspace.scratch);
    let mut quantized = std::mem::take(&mut image.workspace.quantized);
    let mut clock = std::mem::take(&mut image.workspace.clock);
    {
        let (x, g) = (image.read(x, in_length), image.read(g, out_length));
        let sums = tally.weights.entry(layer).or_default();
        let x = kernels.quantized(x, &mut quantized);
        clock.lap(Part::Quantizers);
        kernels.add_weight_gradient(x, g, &mut scratch, sums);
        if kernels.bias.is_some() {
            let sums = context.network.bias_map(layer, 1).sums_image(g);
            add(tally.biases.entry(layer).or_default(), sums.into_iter());
        }
    }
    clock.lap(Part::WeightGradient);
    match (kernels.activation, target) {
        (None, None) => {}
        (None, Some(target)) => deliver(image, target, in_length, |image, dx| {
            kernels.input_gradient(image.read(g, out_length), &mut scratch, dx);
        }),
        (Some((quantizer, scale)), target) => {
            let upstream = sized(&mut quantized, in_length);
            kernels.input_gradient(image.read(g, out_length), &mut scratch, upstream);
            clock.lap(Part::InputGradient);
            let sum = tally.scales.entry(layer).or_default();
            match target {
                Some(target) => deliver(image, target, in_length, |image, dx| {
                    *sum += quantizer.backward_slice(image.read(x, in_length), scale, upstream, dx);
                }),
                None => {
                    let dx = &mut sized(&mut scratch, in_length)[..in_length];
                    *sum += quantizer.backward_slice(image.read(x, in_length), scale, upstream, dx);
                }
            }
        }
    }
    clock.lap(if kernels.activation.is_some() { Part::Quantizers } else { Part::InputGradient });
    let workspace = &mut image.workspace;
    (workspace.scratch, workspace.quantized, workspace.clock) = (scratch, quantized, clock);
}

/// The gradient where `y` is not clipped, or everywhere, to each target.
pub(super) fn masked(
    context: &Context<'_>,
    image: &mut Image<'_, '_>,
    node: NodeId,
    (y, g): (Option<Place>, Place),
    targets: &[Target],
) {
    let length = context.program.lengths[node];
    for &target in targets {
        deliver(image, target, length, |image, dx| match y.zip(context.program.bounds[node]) {
            Some((y, bounds)) => {
                elementwise::inside_slice(image.read(y, length), bounds, image.read(g, length), dx);
            }
            None => dx.copy_from_slice(image.read(g, length)),
        });
    }
}

/// The adjoint of a pool or a subsampling.
pub(super) fn adjoint(context: &Context<'_>, image: &mut Image<'_, '_>, step: Step, g: Place, target: Target) {
    let length = context.program.lengths[step.output()];
    match step {
        Step::Pool { input, .. } => deliver(image, target, context.program.lengths[input], |image, dx| {
            pool::spread(image.read(g, length), context.channels(input).positions, dx);
        }),
        Step::Subsample { input, output } => deliver(image, target, context.program.lengths[input], |image, dx| {
            context.network.subsample_shape(output, 1).adjoint(image.read(g, length), dx);
        }),
        _ => {}
    }
}

/// Gradients of a function.
pub(super) fn function(
    context: &Context<'_>,
    image: &mut Image<'_, '_>,
    function: usize,
    (inputs, g): (&[Place], Place),
    targets: &[Option<Target>],
    tally: &mut Tally,
) {
    let node = context.network.functions()[function];
    let nodes = &context.network.graph().nodes()[node].inputs;
    let (site, length) = (&context.functions[function], context.program.lengths[node]);
    site.add_parameter_gradients(
        &values(context, image, inputs, nodes),
        image.read(g, length),
        tally.functions.entry(function).or_default(),
    );
    for (input, target) in targets.iter().enumerate() {
        let Some(target) = *target else { continue };
        deliver(image, target, context.program.lengths[nodes[input]], |image, dx| {
            site.gradient(&values(context, image, inputs, nodes), image.read(g, length), input, dx);
        });
    }
}

/// The values of some nodes.
fn values<'i>(context: &Context<'_>, image: &'i Image<'_, '_>, places: &[Place], nodes: &[NodeId]) -> Vec<&'i [f32]> {
    places.iter().zip(nodes).map(|(&place, &node)| image.read(place, context.program.lengths[node])).collect()
}
