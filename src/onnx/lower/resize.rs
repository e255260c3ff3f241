//! Resize and Upsample: every axis on its own.

use crate::error::Result;
use crate::graph::{AxisMap, Coordinates, Interpolation};

use super::call::Call;
use super::context::Context;
use super::slice::along;
use super::value::{Constant, Dynamic, Value};

/// New extent of an axis, and output by input for the coordinates.
#[derive(Debug, Clone, Copy)]
struct Target {
    axis: usize,
    count: usize,
    scale: f64,
}

/// Resize, and Upsample of operator sets before 10.
pub fn resize(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let mut x = context.dynamic(call, call.input(0)?)?;
    let targets = targets(call, &x)?;
    let smaller = targets.iter().any(|target| target.scale < 1.0);
    if call.node.int("antialias", 0)? != 0 && smaller {
        return Err(call.unsupported("a reduction with antialias"));
    }
    let coordinates = coordinates(call)?;
    let interpolation = interpolation(call, smaller)?;
    for Target { axis, count, scale } in targets {
        if count == x.shape[axis] && scale == 1.0 {
            continue;
        }
        x.keep_apart(call, [axis])?;
        x = along(context, &x, axis, AxisMap::Resize { count, scale, coordinates, interpolation }, count)?;
    }
    Ok(x)
}

fn coordinates(call: &Call) -> Result<Coordinates> {
    // Before operator set 11 there is one kind of coordinates.
    let default = if call.opset < 11 || call.node.op == "Upsample" { "asymmetric" } else { "half_pixel" };
    match call.node.text("coordinate_transformation_mode", default)? {
        "half_pixel" => Ok(Coordinates::HalfPixel),
        "pytorch_half_pixel" => Ok(Coordinates::PytorchHalfPixel),
        "align_corners" => Ok(Coordinates::AlignCorners),
        "asymmetric" => Ok(Coordinates::Asymmetric),
        other => Err(call.unsupported(format!("coordinates `{other}`"))),
    }
}

fn interpolation(call: &Call, smaller: bool) -> Result<Interpolation> {
    let old = call.opset < 11 || call.node.op == "Upsample";
    match call.node.text("mode", "nearest")? {
        // ONNX Runtime's reading of the old operator.
        "nearest" if old => Ok(if smaller { Interpolation::Ceil } else { Interpolation::Floor }),
        "nearest" => match call.node.text("nearest_mode", "round_prefer_floor")? {
            "round_prefer_floor" => Ok(Interpolation::RoundPreferFloor),
            "round_prefer_ceil" => Ok(Interpolation::RoundPreferCeil),
            "floor" => Ok(Interpolation::Floor),
            "ceil" => Ok(Interpolation::Ceil),
            other => Err(call.wrong(format!("nearest_mode `{other}`"), "a way to round")),
        },
        "linear" | "bilinear" => Ok(Interpolation::Linear),
        "cubic" if call.node.int("exclude_outside", 0)? != 0 => Err(call.unsupported("cubic with exclude_outside")),
        "cubic" => Ok(Interpolation::Cubic { a: call.float("cubic_coeff_a", -0.75)? }),
        other => Err(call.wrong(format!("mode `{other}`"), "nearest, linear or cubic")),
    }
}

/// The axes that change, from sizes or scales.
fn targets(call: &Call, x: &Dynamic) -> Result<Vec<Target>> {
    let axes = match call.node.ints("axes")? {
        Some(axes) => axes.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?,
        None => (0..x.rank()).collect(),
    };
    let two_inputs = call.opset < 11 || call.node.op == "Upsample";
    if let Some(Value::Constant(sizes)) = call.optional(3).filter(|sizes| sizes.shape() != [0]) {
        return of_sizes(call, x, &axes, sizes);
    }
    let scales = match call.node.floats("scales")? {
        Some(scales) => scales.to_vec(),
        None => call.constant(if two_inputs { 1 } else { 2 }, "scales")?.one.floats(),
    };
    if scales.len() != axes.len() {
        return Err(call.wrong(format!("{} scales for {} axes", scales.len(), axes.len()), "one for each axis"));
    }
    let target = |(&axis, scale): (&usize, f32)| {
        let decimal: f64 = scale.to_string().parse().unwrap_or(f64::from(scale));
        let count = (x.shape[axis] as f64 * decimal).floor();
        let fits = decimal > 0.0 && (1.0..=f64::from(u32::MAX)).contains(&count);
        fits.then_some(Target { axis, count: count as usize, scale: decimal })
            .ok_or_else(|| call.wrong(format!("the scale {scale}"), "a positive number that leaves an element"))
    };
    axes.iter().zip(scales).map(target).collect()
}

fn of_sizes(call: &Call, x: &Dynamic, axes: &[usize], sizes: &Constant) -> Result<Vec<Target>> {
    let wrong = || call.wrong("sizes that do not fit the axes", "one positive integer for each axis");
    let (one, three) = (sizes.one.ints().ok_or_else(wrong)?, sizes.three.ints().ok_or_else(wrong)?);
    if one.len() != axes.len() || three.len() != axes.len() {
        return Err(wrong());
    }
    let mut targets = Vec::with_capacity(axes.len());
    for ((&axis, one), three) in axes.iter().zip(one).zip(three) {
        let samples = x.batch == Some(axis);
        if one != three && !(samples && one.checked_mul(3) == Some(three)) {
            return Err(call.unsupported("sizes computed from the batch size"));
        }
        let count = usize::try_from(one).ok().filter(|&n| n > 0).ok_or_else(wrong)?;
        targets.push(Target { axis, count, scale: count as f64 / x.shape[axis] as f64 });
    }
    let scales = targets.iter().map(|target| target.scale);
    let joint = match call.node.text("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => return Ok(targets),
        "not_larger" => scales.fold(f64::INFINITY, f64::min),
        _ => scales.fold(0.0, f64::max),
    };
    for target in &mut targets {
        target.scale = joint;
        target.count = (joint * x.shape[target.axis] as f64 + 0.5).floor().max(1.0) as usize;
    }
    Ok(targets)
}
