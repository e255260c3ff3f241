//! Kernels, strides and paddings of the file as pairs for rows and columns. One spatial axis becomes one row.

use crate::error::Result;
use crate::graph::Padding;

use super::call::Call;
use super::value::Dynamic;

/// Geometry of a convolution or a pooling window.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Extents of the map.
    pub extent: [usize; 2],
    /// Extents of the window.
    pub kernel: [usize; 2],
    /// Step.
    pub stride: [usize; 2],
    /// Distance of the cells that the window reads.
    pub dilation: [usize; 2],
    /// Cells around the map.
    pub padding: Padding,
}

impl Geometry {
    /// Rows and columns that the window spans.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|i| self.kernel[i].saturating_sub(1).saturating_mul(self.dilation[i]).saturating_add(1))
    }
}

/// Channels and map of `[1, C, L]` or `[1, C, H, W]`.
pub fn image(call: &Call, x: &Dynamic) -> Result<(usize, [usize; 2])> {
    x.keep_apart(call, 1..x.rank())?;
    match x.shape[..] {
        [1, channels, length] => Ok((channels, [1, length])),
        [1, channels, height, width] => Ok((channels, [height, width])),
        [_, _, _] | [_, _, _, _] => Err(call.unsupported(format!("{} images in one sample", x.shape[0]))),
        [_, _, _, _, _] => Err(call.unsupported("windows over three axes")),
        _ => Err(call.wrong(format!("an input of shape {:?}", x.shape), "images: batch, channels, one or two axes")),
    }
}

/// The file's shape of a map.
pub fn image_shape(x: &Dynamic, channels: usize, map: [usize; 2]) -> Vec<usize> {
    [&[1, channels], map.get(4 - x.rank().clamp(3, 4)..).unwrap_or_default()].concat()
}

/// A pair from an attribute with one number per spatial axis.
pub fn pair(call: &Call, attribute: &str, axes: usize, default: usize) -> Result<[usize; 2]> {
    let Some(numbers) = call.node.ints(attribute)? else { return Ok([default; 2]) };
    let numbers: Option<Vec<usize>> = numbers.iter().map(|&n| usize::try_from(n).ok()).collect();
    match (numbers.as_deref(), axes) {
        (Some(&[n]), 1) => Ok([default, n]),
        (Some(&[rows, columns]), 2) => Ok([rows, columns]),
        _ => {
            Err(call
                .wrong(format!("{:?} as {attribute}", call.node.ints(attribute)?), "one number for each spatial axis"))
        }
    }
}

/// The attributes of a window with this kernel.
pub fn geometry(call: &Call, x: &Dynamic, extent: [usize; 2], kernel: [usize; 2]) -> Result<Geometry> {
    let axes = x.rank() - 2;
    let (stride, dilation) = (pair(call, "strides", axes, 1)?, pair(call, "dilations", axes, 1)?);
    if [kernel, stride, dilation].as_flattened().contains(&0) {
        return Err(call.wrong("a kernel, stride or dilation of 0", "1 or more"));
    }
    let mut geometry = Geometry { extent, kernel, stride, dilation, padding: Padding::default() };
    let same = |lower: bool| {
        let mut padding = Padding::default();
        for axis in 0..2 {
            let outputs = extent[axis].div_ceil(stride[axis]);
            let reached = (outputs - 1).saturating_mul(stride[axis]).saturating_add(geometry.span()[axis]);
            let total = reached.saturating_sub(extent[axis]);
            let less = total / 2;
            padding.before[axis] = if lower { total - less } else { less };
            padding.after[axis] = total - padding.before[axis];
        }
        padding
    };
    geometry.padding = match call.node.text("auto_pad", "NOTSET")? {
        "NOTSET" => explicit(call, axes)?,
        "VALID" => Padding::default(),
        "SAME_UPPER" => same(false),
        "SAME_LOWER" => same(true),
        other => return Err(call.wrong(format!("auto_pad `{other}`"), "NOTSET, VALID, SAME_UPPER or SAME_LOWER")),
    };
    Ok(geometry)
}

/// The attribute `pads`: all in front, then all behind.
pub fn explicit(call: &Call, axes: usize) -> Result<Padding> {
    let Some(pads) = call.node.ints("pads")? else { return Ok(Padding::default()) };
    let numbers: Option<Vec<usize>> = pads.iter().map(|&n| usize::try_from(n).ok()).collect();
    match (numbers.as_deref(), axes) {
        (Some(&[before, after]), 1) => Ok(Padding { before: [0, before], after: [0, after] }),
        (Some(&[top, left, bottom, right]), 2) => Ok(Padding { before: [top, left], after: [bottom, right] }),
        _ => Err(call.wrong(format!("pads {pads:?}"), "two numbers, not negative, for each spatial axis")),
    }
}
