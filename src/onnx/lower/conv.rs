//! Conv and ConvTranspose.

use crate::error::Result;
use crate::graph::{AxisMap, Conv2d, Op, Padding};
use crate::onnx::tensor::ElementKind;

use super::call::Call;
use super::context::Context;
use super::value::{Constant, Dynamic};
use super::window::{Geometry, geometry, image, image_shape, pair};

/// Weight and its kernel: two numbers, a row of cells for one spatial axis.
fn weight<'a>(call: &'a Call, x: &Dynamic) -> Result<(&'a Constant, [usize; 2], [usize; 2])> {
    let weight = call.constant(1, "weight")?;
    match (&weight.one.shape[..], x.rank()) {
        (&[a, b, length], 3) => Ok((weight, [a, b], [1, length])),
        (&[a, b, height, width], 4) => Ok((weight, [a, b], [height, width])),
        (shape, _) => Err(call
            .wrong(format!("a weight of shape {shape:?} for an input of {:?}", x.shape), "as many axes as the input")),
    }
}

fn bias(call: &Call, channels: usize) -> Result<Option<Vec<f32>>> {
    let Some(bias) = call.optional_constant(2, "bias")? else { return Ok(None) };
    match bias.one.len() == channels {
        true => Ok(Some(bias.one.floats())),
        false => Err(call.wrong(format!("a bias of {} elements", bias.one.len()), format!("{channels}"))),
    }
}

fn groups(call: &Call) -> Result<usize> {
    let groups = call.node.int("group", 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| call.wrong(format!("{groups} groups"), "1 or more"))
}

/// The layer itself on a map `[C, H, W]`.
fn layer(
    context: &mut Context,
    call: &Call,
    map: usize,
    conv: Conv2d,
    (weight, elements): (&Constant, Vec<f32>),
) -> Result<usize> {
    let bias = bias(call, conv.out_channels)?;
    let conv = Conv2d { bias: bias.is_some(), ..conv };
    let name = context.layer_name(weight);
    let node = context.named(&name, Op::Conv2d(conv), &[map])?;
    let shape = [conv.out_channels, conv.in_channels / conv.groups, conv.kernel[0], conv.kernel[1]];
    context.parameter(&name, "weight", &shape, elements)?;
    if let Some(bias) = bias {
        context.parameter(&name, "bias", &[conv.out_channels], bias)?;
    }
    Ok(node)
}

/// Conv over one or two spatial axes.
pub fn conv(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let (in_channels, extent) = image(call, &x)?;
    let (weight, [out_channels, inner], kernel) = weight(call, &x)?;
    let groups = groups(call)?;
    if inner.checked_mul(groups) != Some(in_channels) {
        let found = format!("{in_channels} channels for a weight of {inner} in {groups} groups");
        return Err(call.wrong(found, "as many as the weight has"));
    }
    let Geometry { stride, dilation, padding, .. } = geometry(call, &x, extent, kernel)?;
    let map = context.reshape("map", x.node, &[in_channels, extent[0], extent[1]])?;
    let conv = Conv2d { in_channels, out_channels, kernel, stride, padding, dilation, groups, bias: false };
    let node = layer(context, call, map, conv, (weight, weight.one.floats()))?;
    let map = context.shape(node);
    let shape = image_shape(&x, out_channels, [map[1], map[2]]);
    context.done(node, &shape, x.samples(), ElementKind::Float)
}

/// ConvTranspose: the elements `stride` apart, then a convolution with the kernel turned around.
pub fn conv_transpose(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let (in_channels, extent) = image(call, &x)?;
    let (weight, [rows, per_group], kernel) = weight(call, &x)?;
    let groups = groups(call)?;
    if rows != in_channels || !in_channels.is_multiple_of(groups) {
        return Err(call.wrong(
            format!("{in_channels} channels for a weight of {rows} in {groups} groups"),
            "as many as the weight has",
        ));
    }
    let out_channels = per_group.saturating_mul(groups);
    let geometry = geometry_of_transposed(call, &x, extent, kernel)?;
    let mut node = context.reshape("map", x.node, &[in_channels, extent[0], extent[1]])?;
    let mut padding = Padding::default();
    // Crops are slices, since a convolution's padding is not negative.
    let mut crops = [[0; 2]; 2];
    for (axis, crop) in crops.iter_mut().enumerate() {
        node = context.along("stuffed", node, axis + 1, AxisMap::Stuff { stride: geometry.stride[axis] })?;
        let reach = geometry.span()[axis] as i64 - 1;
        let [before, after] = [geometry.cut[axis][0], geometry.cut[axis][1]].map(|cut| reach - cut);
        (padding.before[axis], padding.after[axis]) = (before.max(0) as usize, after.max(0) as usize);
        *crop = [(-before).max(0) as usize, (-after).max(0) as usize];
    }
    let conv = Conv2d {
        in_channels,
        out_channels,
        kernel,
        stride: [1; 2],
        padding,
        dilation: geometry.dilation,
        groups,
        bias: false,
    };
    let elements = turned(&weight.one.floats(), [in_channels, per_group, groups], kernel);
    node = layer(context, call, node, conv, (weight, elements))?;
    for (axis, [before, after]) in crops.into_iter().enumerate() {
        let extent = context.shape(node)[axis + 1];
        let count = extent.saturating_sub(before + after);
        node = context.along("cropped", node, axis + 1, AxisMap::Slice { start: before, step: 1, count })?;
    }
    let map = context.shape(node);
    let shape = image_shape(&x, out_channels, [map[1], map[2]]);
    context.done(node, &shape, x.samples(), ElementKind::Float)
}

/// `[in, out/groups, h, w]` to `[out, in/groups, h, w]`, rows and columns backwards.
fn turned(weight: &[f32], [inputs, per_group, groups]: [usize; 3], kernel: [usize; 2]) -> Vec<f32> {
    let (area, inner) = (kernel[0] * kernel[1], inputs / groups);
    let mut turned = Vec::with_capacity(weight.len());
    for group in 0..groups {
        for out in 0..per_group {
            for input in 0..inner {
                let start = ((group * inner + input) * per_group + out) * area;
                turned.extend(weight.get(start..start + area).unwrap_or_default().iter().rev());
            }
        }
    }
    turned
}

/// Geometry of a transposed convolution; `cut` is what is taken from both ends of its full output.
struct Transposed {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    cut: [[i64; 2]; 2],
}

impl Transposed {
    fn span(&self) -> [usize; 2] {
        [0, 1].map(|i| self.kernel[i].saturating_sub(1).saturating_mul(self.dilation[i]).saturating_add(1))
    }
}

fn geometry_of_transposed(call: &Call, x: &Dynamic, extent: [usize; 2], kernel: [usize; 2]) -> Result<Transposed> {
    let axes = x.rank() - 2;
    let (stride, dilation) = (pair(call, "strides", axes, 1)?, pair(call, "dilations", axes, 1)?);
    if [kernel, stride, dilation].as_flattened().iter().any(|&n| n == 0 || n > 1 << 20) {
        return Err(call.wrong(format!("kernel {kernel:?}, stride {stride:?}, dilation {dilation:?}"), "1 to 2^20"));
    }
    let mut extra = pair(call, "output_padding", axes, 0)?;
    let auto = call.node.text("auto_pad", "NOTSET")?;
    let mut wanted = match call.node.ints("output_shape")? {
        None => None,
        Some(_) => Some(pair(call, "output_shape", axes, 1)?),
    };
    if axes == 1 {
        extra[0] = 0;
    }
    if wanted.is_none() && auto.starts_with("SAME") {
        wanted = Some([0, 1].map(|i| extent[i].saturating_mul(stride[i])));
    }
    let mut transposed = Transposed { kernel, stride, dilation, cut: [[0; 2]; 2] };
    let explicit = if auto == "VALID" { Padding::default() } else { super::window::explicit(call, axes)? };
    for axis in 0..2 {
        let full = (extent[axis] - 1).saturating_mul(stride[axis]).saturating_add(transposed.span()[axis]) as i64;
        let extra = extra[axis] as i64;
        transposed.cut[axis] = match wanted {
            None => [explicit.before[axis] as i64, explicit.after[axis] as i64 - extra],
            Some(wanted) => {
                let total = (full + extra).saturating_sub(i64::try_from(wanted[axis]).unwrap_or(i64::MAX)).max(0);
                let before = if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 };
                // A wanted extent beyond the full one is filled with zeros behind.
                [before, full - before - i64::try_from(wanted[axis]).unwrap_or(i64::MAX)]
            }
        };
    }
    Ok(transposed)
}
