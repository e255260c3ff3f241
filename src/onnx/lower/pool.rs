//! MaxPool, AveragePool and their global forms.

use crate::error::Result;
use crate::graph::{Function, Op, Padding, Window};
use crate::onnx::tensor::ElementKind;

use super::call::Call;
use super::context::Context;
use super::value::Dynamic;
use super::window::{Geometry, geometry, image, image_shape, pair};

/// MaxPool or AveragePool over one or two spatial axes.
pub fn pool(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let (channels, extent) = image(call, &x)?;
    if call.node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
        return Err(call.unsupported("the places of the largest values as a second output"));
    }
    if call.node.ints("kernel_shape")?.is_none() {
        return Err(call.wrong("no kernel_shape", "the attribute"));
    }
    let kernel = pair(call, "kernel_shape", x.rank() - 2, 1)?;
    let geometry = geometry(call, &x, extent, kernel)?;
    if geometry.dilation != [1; 2] {
        return Err(call.unsupported(format!("a window with the dilation {:?}", geometry.dilation)));
    }
    let map = context.reshape("map", x.node, &[channels, extent[0], extent[1]])?;
    let window = window(call, geometry)?;
    let mean = call.node.op == "AveragePool";
    let node = match (mean, kernel == extent && window.padding == Padding::default()) {
        (true, true) => context.op("", Op::GlobalAveragePool, &[map])?,
        (true, false) => context.function("", Function::AveragePool(window), &[map])?,
        (false, _) => context.function("", Function::MaxPool(window), &[map])?,
    };
    let map = match context.shape(node)[..] {
        [_, height, width] => [height, width],
        _ => [1, 1],
    };
    let shape = image_shape(&x, channels, map);
    context.done(node, &shape, x.samples(), ElementKind::Float)
}

/// The window with the cells behind the map that rounding up adds.
fn window(call: &Call, geometry: Geometry) -> Result<Window> {
    let Geometry { extent, kernel, stride, mut padding, .. } = geometry;
    let mut counted = if call.node.int("count_include_pad", 0)? == 0 { Padding::default() } else { padding };
    if call.node.int("ceil_mode", 0)? != 0 {
        for axis in 0..2 {
            let padded = extent[axis].saturating_add(padding.before[axis]).saturating_add(padding.after[axis]);
            let Some(room) = padded.checked_sub(kernel[axis]) else { continue };
            // A window that would begin behind the map is left out.
            let steps = match room.div_ceil(stride[axis]) {
                steps if steps > 0 && steps.saturating_mul(stride[axis]) >= extent[axis] + padding.before[axis] => {
                    steps - 1
                }
                steps => steps,
            };
            let reached = steps.saturating_mul(stride[axis]).saturating_add(kernel[axis]);
            padding.after[axis] = reached.saturating_sub(extent[axis] + padding.before[axis]);
            counted.after[axis] = counted.after[axis].min(padding.after[axis]);
        }
    }
    Ok(Window { kernel, stride, padding, counted })
}

/// GlobalAveragePool: to one number per channel, whatever the map's axes.
pub fn global_average(context: &mut Context, call: &Call) -> Result<Dynamic> {
    global(context, call, |context, map, _| context.op("", Op::GlobalAveragePool, &[map]))
}

/// GlobalMaxPool.
pub fn global_max(context: &mut Context, call: &Call) -> Result<Dynamic> {
    global(context, call, |context, map, kernel| {
        let window = Window { kernel, stride: [1; 2], padding: Padding::default(), counted: Padding::default() };
        context.function("", Function::MaxPool(window), &[map])
    })
}

fn global(
    context: &mut Context,
    call: &Call,
    make: impl Fn(&mut Context, usize, [usize; 2]) -> Result<usize>,
) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    x.keep_apart(call, 1..x.rank())?;
    let [1, channels, ref axes @ ..] = x.shape[..] else {
        return Err(call.unsupported(format!("an input of shape {:?}", x.shape)));
    };
    let map = match *axes {
        [height, width] => [height, width],
        _ => [1, axes.iter().product()],
    };
    let node = context.reshape("map", x.node, &[channels, map[0], map[1]])?;
    let node = make(context, node, map)?;
    let shape = [&[1, channels][..], &vec![1; axes.len()]].concat();
    context.done(node, &shape, x.samples(), ElementKind::Float)
}
