//! Shapes: what every operator makes of the shapes of its inputs, and what it refuses.

use crate::graph::function::{Function, Window};
use crate::graph::op::{Conv2d, Op};

/// Most elements of one sample of a node, and most weights of one layer.
const MOST_ELEMENTS: usize = 1 << 31;

/// Most multiply-accumulates of one layer for one sample: sums over a network, times bits, fit in 64 bits.
const MOST_MACS: u64 = 1 << 44;

/// Most rows of a table: token numbers up to here are exact in f32.
const MOST_TOKENS: usize = 1 << 24;

/// What was found and what was expected instead.
pub type Misfit = (String, &'static str);

/// Shape of the output.
pub(super) fn output_shape(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>, Misfit> {
    check_arity(op, inputs.len())?;
    let first = || inputs.first().map_or(&[][..], |shape| shape).to_vec();
    let shape = match op {
        Op::Input => first(),
        Op::Conv2d(conv) => convolution(conv, image(inputs)?)?,
        Op::BatchNorm { .. } | Op::Relu => first(),
        Op::Add => same(inputs)?,
        Op::GlobalAveragePool => vec![image(inputs)?[0]],
        Op::Subsample { stride, before, after } => {
            let [channels, height, width] = image(inputs)?;
            if *stride == 0 {
                return Err(("a stride of 0".into(), "1 or more"));
            }
            let channels = channels.checked_add(*before).and_then(|sum| sum.checked_add(*after)).unwrap_or(usize::MAX);
            vec![channels, height.div_ceil(*stride), width.div_ceil(*stride)]
        }
        Op::Linear(linear) => {
            let mut shape = first();
            match shape.last_mut() {
                Some(last) if *last == linear.inputs => *last = linear.outputs,
                last => {
                    return Err((
                        format!("{last:?} features for a layer of {}", linear.inputs),
                        "as many as its weight has",
                    ));
                }
            }
            shape
        }
        Op::Embedding(embedding) => {
            if embedding.tokens == 0 || embedding.tokens > MOST_TOKENS {
                return Err((format!("a table of {} rows", embedding.tokens), "1 to 16777216"));
            }
            [first(), vec![embedding.features]].concat()
        }
        Op::Function(function) => of_function(function, inputs)?,
    };
    check_size(op, inputs, &shape)?;
    Ok(shape)
}

fn of_function(function: &Function, inputs: &[&[usize]]) -> Result<Vec<usize>, Misfit> {
    let first = || inputs.first().map_or(&[][..], |shape| shape).to_vec();
    let unlike = |expected: &'static str| Err((format!("shapes {inputs:?}"), expected));
    match function {
        Function::Activation(_) => Ok(first()),
        Function::Softmax { causal } => match *inputs[0] {
            [.., rows, columns] if *causal && rows != columns => unlike("square matrices"),
            [] => unlike("at least one axis"),
            [..] if *causal && inputs[0].len() < 2 => unlike("square matrices"),
            _ => Ok(first()),
        },
        Function::LayerNorm { .. } | Function::RmsNorm { .. } if inputs[0].is_empty() => unlike("at least one axis"),
        Function::LayerNorm { .. } | Function::RmsNorm { .. } => Ok(first()),
        Function::MaxPool(window) | Function::AveragePool(window) => pool(window, image(inputs)?),
        Function::Multiply => match (inputs[0], inputs[1]) {
            (a, b) if a == b || a.get(..1) == Some(b) => Ok(first()),
            _ => unlike("equal shapes, or one factor per channel"),
        },
        Function::MatMul { transpose_right, .. } => {
            if let ([outer @ .., rows, inner], [leading @ .., k, n]) = (inputs[0], inputs[1]) {
                let (k, columns) = if *transpose_right { (n, k) } else { (k, n) };
                if outer == leading && inner == k {
                    return Ok([outer, &[*rows, *columns]].concat());
                }
            }
            unlike("matrices that can be multiplied")
        }
        Function::Larger | Function::Smaller | Function::Select => same(inputs),
        Function::Concat { axis } => {
            let mut shape = first();
            let others = |shape: &[usize]| [&shape[..*axis], &shape[*axis + 1..]].concat();
            let alike = inputs.iter().all(|s| s.len() > *axis && s.len() == shape.len() && others(s) == others(&shape));
            if !alike {
                return unlike("shapes that differ on the joined axis only");
            }
            shape[*axis] = inputs.iter().map(|s| s[*axis]).fold(0, usize::saturating_add);
            Ok(shape)
        }
        Function::Reshape { shape } => match elements(shape).is_some() && elements(shape) == elements(inputs[0]) {
            true => Ok(shape.clone()),
            false => Err((format!("{shape:?} from {:?}", inputs[0]), "as many elements")),
        },
        Function::Along { axis, map } => {
            let mut shape = first();
            match shape.get_mut(*axis).map(|extent| map.output(*extent).map(|output| *extent = output)) {
                Some(Some(())) => Ok(shape),
                _ => Err((format!("{map:?} along axis {axis} of {:?}", inputs[0]), "a map that fits the axis")),
            }
        }
        Function::Constant { shape, .. } => Ok(shape.clone()),
        Function::Transpose { axes } => {
            let shape = inputs[0];
            let permutation = axes.len() == shape.len() && (0..shape.len()).all(|axis| axes.contains(&axis));
            match permutation {
                true => Ok(axes.iter().map(|&axis| shape[axis]).collect()),
                false => Err((format!("axes {axes:?} of {shape:?}"), "every axis once")),
            }
        }
    }
}

fn check_arity(op: &Op, found: usize) -> Result<(), Misfit> {
    let fits = match op {
        Op::Function(Function::Constant { .. }) => found == 0,
        Op::Function(Function::Concat { .. }) => found > 0,
        Op::Function(Function::Select) => found == 3,
        Op::Add | Op::Function(Function::Multiply | Function::MatMul { .. } | Function::Larger | Function::Smaller) => {
            found == 2
        }
        _ => found == 1,
    };
    if fits { Ok(()) } else { Err((format!("{found} inputs"), "as many as the operator takes")) }
}

fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
}

/// Nothing empty, and nothing that a counter could not hold.
fn check_size(op: &Op, inputs: &[&[usize]], shape: &[usize]) -> Result<(), Misfit> {
    match elements(shape) {
        Some(1..=MOST_ELEMENTS) => {}
        _ => return Err((format!("an output of shape {shape:?}"), "1 to 2147483648 elements")),
    }
    let weights = match op {
        Op::Conv2d(c) => elements(&[c.out_channels, c.in_channels / c.groups.max(1), c.kernel[0], c.kernel[1]]),
        Op::Linear(l) => elements(&[l.outputs, l.inputs]),
        Op::Embedding(e) => elements(&[e.tokens, e.features]),
        _ => Some(1),
    };
    let Some(weights @ 1..=MOST_ELEMENTS) = weights else {
        return Err(("a weight that is empty or too large".into(), "1 to 2147483648 weights"));
    };
    let channels = match op {
        Op::Conv2d(_) => shape.first(),
        _ => shape.last(),
    };
    let positions = elements(shape).unwrap_or(1) / channels.copied().unwrap_or(1).max(1);
    match (weights as u64).checked_mul(positions as u64) {
        Some(macs) if macs <= MOST_MACS => Ok(()),
        _ => Err((format!("{weights} weights at {positions} places of {inputs:?}"), "at most 2^44 products")),
    }
}

fn image(inputs: &[&[usize]]) -> Result<[usize; 3], Misfit> {
    <[usize; 3]>::try_from(inputs[0])
        .map_err(|_| (format!("an input of shape {:?}", inputs[0]), "channels, height, width"))
}

fn same(inputs: &[&[usize]]) -> Result<Vec<usize>, Misfit> {
    match inputs.windows(2).all(|pair| pair[0] == pair[1]) {
        true => Ok(inputs[0].to_vec()),
        false => Err((format!("shapes {inputs:?}"), "equal shapes")),
    }
}

fn convolution(conv: &Conv2d, [channels, height, width]: [usize; 3]) -> Result<Vec<usize>, Misfit> {
    let Conv2d { in_channels, out_channels, kernel, stride, padding, dilation, groups, .. } = *conv;
    if in_channels != channels {
        return Err((format!("{channels} channels for a kernel of {in_channels}"), "as many as its weight has"));
    }
    if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
        let found = format!("{in_channels} to {out_channels} channels in {groups} groups");
        return Err((found, "channel numbers divisible by the groups"));
    }
    let positive = [kernel, stride, dilation].iter().flatten().all(|&number| number > 0);
    let extent = |axis: usize, size: usize| {
        let padded = size.checked_add(padding.before[axis])?.checked_add(padding.after[axis])?;
        Some(padded.checked_sub(conv.span()[axis])? / stride[axis] + 1)
    };
    match (positive.then(|| extent(0, height)).flatten(), positive.then(|| extent(1, width)).flatten()) {
        (Some(out_height), Some(out_width)) => Ok(vec![out_channels, out_height, out_width]),
        _ => {
            let [[kh, kw], [sh, sw], [dh, dw]] = [kernel, stride, dilation];
            let found = format!("a {kh}×{kw} kernel, stride {sh}×{sw}, dilation {dh}×{dw}, on a {height}×{width} map");
            Err((found, "a kernel no larger than the padded map and a stride of 1 or more"))
        }
    }
}

fn pool(window: &Window, [channels, height, width]: [usize; 3]) -> Result<Vec<usize>, Misfit> {
    let Window { kernel, stride, padding, counted } = *window;
    let extent = |axis: usize, size: usize| {
        let (before, after) = (padding.before[axis], padding.after[axis]);
        let out = size.checked_add(before)?.checked_add(after)?.checked_sub(kernel[axis])? / stride[axis] + 1;
        // Every window has a cell inside the map.
        let last = (out - 1).checked_mul(stride[axis])?;
        let inside = before < kernel[axis] && last < size + before;
        (inside && counted.before[axis] <= before && counted.after[axis] <= after).then_some(out)
    };
    let positive = [kernel, stride].iter().flatten().all(|&number| number > 0);
    match (positive.then(|| extent(0, height)).flatten(), positive.then(|| extent(1, width)).flatten()) {
        (Some(height), Some(width)) => Ok(vec![channels, height, width]),
        _ => {
            let found = format!("{window:?} on {height}×{width}");
            Err((found, "a window that fits, each with a cell inside the map"))
        }
    }
}
