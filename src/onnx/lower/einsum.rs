//! Einsum of one or two operands: a product of matrices between two permutations.

use crate::error::Result;
use crate::graph::AxisMap;
use crate::onnx::tensor::ElementKind;

use super::call::Call;
use super::context::Context;
use super::matmul::{permuted, products};
use super::slice::along;
use super::value::Dynamic;

/// Letters of the axes.
type Letters = Vec<char>;

/// Einsum.
pub fn einsum(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let equation: String = call.node.text("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_string(), Some(right.chars().collect::<Letters>())),
        None => (equation.clone(), None),
    };
    let terms: Vec<Letters> = left.split(',').map(|term| term.chars().collect()).collect();
    let unique =
        |letters: &Letters| letters.iter().enumerate().all(|(i, c)| c.is_alphabetic() && !letters[..i].contains(c));
    let output = right.unwrap_or_else(|| implied(&terms));
    if !terms.iter().all(unique) || !unique(&output) || terms.len() != call.inputs.len() {
        return Err(call.unsupported(format!("the equation `{equation}`")));
    }
    let mut values = Vec::with_capacity(terms.len());
    for (index, letters) in terms.iter().enumerate() {
        let value = context.dynamic(call, call.input(index)?)?;
        if value.rank() != letters.len() {
            return Err(call.wrong(
                format!("{:?} for `{}`", value.shape, letters.iter().collect::<String>()),
                "a letter for each axis",
            ));
        }
        // What only one operand has, and the result not, is summed first.
        let elsewhere =
            |c: &char| output.contains(c) || terms.iter().enumerate().any(|(i, t)| i != index && t.contains(c));
        values.push(summed(context, call, value, letters, elsewhere)?);
    }
    let (value, letters) = match values.as_slice() {
        [only] => only.clone(),
        [a, b] => product(context, call, a, b, &output)?,
        _ => return Err(call.unsupported(format!("an equation of {} operands", values.len()))),
    };
    let Some(axes) = output.iter().map(|c| letters.iter().position(|l| l == c)).collect::<Option<Vec<_>>>() else {
        return Err(call.wrong(format!("the equation `{equation}`"), "results whose letters the operands have"));
    };
    permuted(context, &value, &axes)
}

/// Without `->`: the letters that stand once, in the order of the alphabet.
fn implied(terms: &[Letters]) -> Letters {
    let all: Letters = terms.iter().flatten().copied().collect();
    let mut once: Letters =
        all.iter().copied().filter(|c| all.iter().filter(|other| *other == c).count() == 1).collect();
    once.sort_unstable();
    once
}

fn summed(
    context: &mut Context,
    call: &Call,
    mut value: Dynamic,
    letters: &Letters,
    kept: impl Fn(&char) -> bool,
) -> Result<(Dynamic, Letters)> {
    let mut left = Letters::new();
    let mut shape = Vec::new();
    for (axis, letter) in letters.iter().enumerate() {
        if kept(letter) {
            left.push(*letter);
            shape.push(value.shape[axis]);
        } else {
            value.keep_apart(call, [axis])?;
            value = along(context, &value, axis, AxisMap::Sum, 1)?;
        }
    }
    let batch = value.batch.and_then(|batch| letters.get(batch)).and_then(|c| left.iter().position(|l| l == c));
    Ok((context.done(value.node, &shape, value.samples_at(batch), ElementKind::Float)?, left))
}

/// The product: shared letters of the result are outer axes, other shared ones are contracted.
fn product(
    context: &mut Context,
    call: &Call,
    (a, in_a): &(Dynamic, Letters),
    (b, in_b): &(Dynamic, Letters),
    output: &Letters,
) -> Result<(Dynamic, Letters)> {
    let pick =
        |from: &Letters, keep: &dyn Fn(&char) -> bool| from.iter().copied().filter(|c| keep(c)).collect::<Letters>();
    let outer = pick(in_a, &|c| in_b.contains(c) && output.contains(c));
    let inner = pick(in_a, &|c| in_b.contains(c) && !output.contains(c));
    let rows = pick(in_a, &|c| !in_b.contains(c));
    let columns = pick(in_b, &|c| !in_a.contains(c));
    let extent = |value: &Dynamic, letters: &Letters, c: &char| {
        letters.iter().position(|l| l == c).map_or(1, |axis| value.shape[axis])
    };
    if outer.iter().chain(&inner).any(|c| extent(a, in_a, c) != extent(b, in_b, c)) {
        return Err(call.wrong(format!("shapes {:?} and {:?}", a.shape, b.shape), "equal extents for equal letters"));
    }
    let x = grouped(context, a, in_a, [&outer, &rows, &inner])?;
    let y = grouped(context, b, in_b, [&outer, &inner, &columns])?;
    let made = products(context, call, &x, &y, 1.0)?;
    let letters = [outer.as_slice(), &rows, &columns].concat();
    let size = |c: &char| if in_a.contains(c) { extent(a, in_a, c) } else { extent(b, in_b, c) };
    let shape: Vec<usize> = letters.iter().map(size).collect();
    let letter = |value: &Dynamic, names: &Letters| value.batch.and_then(|batch| names.get(batch).copied());
    let batch = letter(a, in_a).or(letter(b, in_b)).and_then(|c| letters.iter().position(|l| *l == c));
    Ok((context.done(made.node, &shape, made.samples_at(batch), ElementKind::Float)?, letters))
}

/// Three axes: each the product of a group of letters.
fn grouped(context: &mut Context, value: &Dynamic, letters: &Letters, groups: [&Letters; 3]) -> Result<Dynamic> {
    let place = |c: &char| letters.iter().position(|l| l == c);
    let axes: Vec<usize> = groups.iter().flat_map(|group| group.iter().filter_map(place)).collect();
    let extent = |group: &Letters| group.iter().filter_map(place).map(|axis| value.shape[axis]).product::<usize>();
    let shape = groups.map(extent);
    let batch = value.batch.and_then(|batch| {
        let letter = letters.get(batch)?;
        groups.iter().position(|group| group.contains(letter))
    });
    let turned = permuted(context, value, &axes)?;
    context.done(turned.node, &shape, value.samples_at(batch), ElementKind::Float)
}
