//! Layer norm and RMS norm from means, squares and roots.

use std::collections::BTreeSet;

use crate::onnx::node::{Attribute, OnnxNode};

use super::Fused;
use super::view::View;

/// A norm without parameters: of what, over which axes.
struct Core<'a> {
    x: &'a str,
    axes: Vec<i64>,
    epsilon: f64,
    /// Whether the mean is taken off.
    centred: bool,
    nodes: BTreeSet<usize>,
}

/// The root is a norm, a norm times a constant, or that plus a constant.
pub fn norm(view: &View, root: usize) -> Option<Fused> {
    let node = view.node(root)?;
    let output = node.outputs.first()?;
    let (core, parameters) = match node.op.as_str() {
        "Add" => view.both_orders(node).into_iter().find_map(|[inner, bias]| {
            let (mut core, mut parameters) = scaled(view, inner)?;
            core.nodes.insert(root);
            parameters.push(constant(view, bias)?);
            core.centred.then_some((core, parameters))
        })?,
        _ => match scaled(view, output) {
            Some(found) => found,
            None => (self::core(view, output)?, Vec::new()),
        },
    };
    let mut fused = node.clone();
    fused.domain = super::super::table::OWN.to_string();
    fused.op = if core.centred { "LayerNorm" } else { "RmsNorm" }.to_string();
    fused.inputs = [core.x].into_iter().chain(parameters).map(String::from).collect();
    let fused = fused.with("axes", Attribute::Ints(core.axes)).with("epsilon", Attribute::Float(core.epsilon as f32));
    let mut inner = core.nodes;
    inner.remove(&root);
    Some(Fused { node: fused, inner })
}

fn constant<'a>(view: &View, name: &'a str) -> Option<&'a str> {
    view.is_constant(name).then_some(name)
}

/// A norm times a constant.
fn scaled<'a>(view: &View<'a>, name: &'a str) -> Option<(Core<'a>, Vec<&'a str>)> {
    let (index, node) = view.made_by(name, "Mul")?;
    view.both_orders(node).into_iter().find_map(|[inner, scale]| {
        let scale = constant(view, scale)?;
        let mut core = core(view, inner)?;
        core.nodes.insert(index);
        Some((core, vec![scale]))
    })
}

/// `d / √(mean d² + ε)`, also as a product with the reciprocal; `d` is `x`, or `x − mean x`.
fn core<'a>(view: &View<'a>, name: &'a str) -> Option<Core<'a>> {
    let (index, pairs) = match (view.made_by(name, "Div"), view.made_by(name, "Mul")) {
        (Some((index, node)), _) => (index, vec![[node.inputs.first()?.as_str(), node.inputs.get(1)?.as_str()]]),
        (_, Some((index, node))) => (index, view.both_orders(node)),
        _ => return None,
    };
    let divides = view.made_by(name, "Div").is_some();
    pairs.into_iter().find_map(|[d, factor]| {
        let (sum, mut nodes) = root_of(view, factor, divides)?;
        let (add, mean, epsilon) = view.plus_number(sum)?;
        let (mean, node, axes) = mean_of(view, mean)?;
        nodes.extend([index, add, mean, square_of(view, node, d)?]);
        let mut core = Core { x: d, axes, epsilon, centred: false, nodes };
        if let Some((subtract, x, more)) = centred(view, d, &core.axes) {
            core.nodes.insert(subtract);
            core.nodes.extend(more);
            (core.x, core.centred) = (x, true);
        }
        Some(core)
    })
}

/// The value whose root divides, and the nodes between.
fn root_of<'a>(view: &View<'a>, factor: &'a str, divides: bool) -> Option<(&'a str, BTreeSet<usize>)> {
    let power = |name: &'a str, exponent: f64| {
        let (index, node) = view.made_by(name, "Pow")?;
        (view.number(node.inputs.get(1)?) == Some(exponent)).then_some(())?;
        Some((index, node.inputs.first()?.as_str()))
    };
    let root = |name: &'a str| match view.made_by(name, "Sqrt") {
        Some((index, node)) => Some((index, node.inputs.first()?.as_str())),
        None => power(name, 0.5),
    };
    if divides {
        let (index, sum) = root(factor)?;
        return Some((sum, BTreeSet::from([index])));
    }
    if let Some((index, sum)) = power(factor, -0.5) {
        return Some((sum, BTreeSet::from([index])));
    }
    let (reciprocal, inner) = match (view.made_by(factor, "Reciprocal"), view.made_by(factor, "Div")) {
        (Some((index, node)), _) => (index, node.inputs.first()?.as_str()),
        (_, Some((index, node))) if view.number(node.inputs.first()?) == Some(1.0) => {
            (index, node.inputs.get(1)?.as_str())
        }
        _ => return None,
    };
    let (index, sum) = root(inner)?;
    Some((sum, BTreeSet::from([reciprocal, index])))
}

/// A mean that keeps its axes: the node, what it reads, and the axes.
fn mean_of<'a>(view: &View<'a>, name: &str) -> Option<(usize, &'a str, Vec<i64>)> {
    let (index, node) = view.made_by(name, "ReduceMean")?;
    let axes = match node.ints("axes").ok()? {
        Some(axes) => axes.to_vec(),
        None => view.ints(node.inputs.get(1)?)?,
    };
    (node.int("keepdims", 1).ok()? != 0 && !axes.is_empty()).then_some((index, node.inputs.first()?.as_str(), axes))
}

/// The node that squares `d` to the value.
fn square_of(view: &View, value: &str, d: &str) -> Option<usize> {
    let all = |node: &OnnxNode| node.inputs.iter().all(|input| input == d);
    if let Some((index, _)) = view.made_by(value, "Mul").filter(|(_, node)| all(node)) {
        return Some(index);
    }
    let (index, node) = view.made_by(value, "Pow")?;
    let [base, exponent] = node.inputs.as_slice() else { return None };
    (base == d && view.number(exponent) == Some(2.0)).then_some(index)
}

/// `x − mean x` over the same axes.
fn centred<'a>(view: &View<'a>, d: &str, axes: &[i64]) -> Option<(usize, &'a str, BTreeSet<usize>)> {
    let (index, node) = view.made_by(d, "Sub")?;
    let [x, mean] = node.inputs.as_slice() else { return None };
    let (inner, of, over) = mean_of(view, mean)?;
    (of == x && over == axes).then(|| (index, x.as_str(), BTreeSet::from([inner])))
}
