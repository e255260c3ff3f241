//! Products of a value with a gate of itself: GELU in both forms, SiLU and its relatives, hard swish.

use std::collections::BTreeSet;

use crate::onnx::node::{Attribute, OnnxNode};

use super::Fused;
use super::view::{Factors, View, same};

/// The root is a product `number · x · gate(x)`.
pub fn gate(view: &View, root: usize) -> Option<Fused> {
    let node = view.node(root).filter(|node| matches!(node.op.as_str(), "Mul" | "Div"))?;
    let factors = view.factors(node.outputs.first()?);
    let [a, b] = factors.values[..] else { return None };
    [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
        let (fused, inner) = gelu(view, node, &factors, x, gate)
            .or_else(|| swish(view, node, &factors, x, gate))
            .or_else(|| hard_swish(view, node, &factors, x, gate))?;
        let mut all: BTreeSet<usize> = factors.nodes.union(&inner).copied().collect();
        all.remove(&root);
        Some(Fused { node: fused, inner: all })
    })
}

/// The node in place of the root.
fn in_place(root: &OnnxNode, op: &str, x: &str) -> OnnxNode {
    let mut node = root.clone();
    node.op = op.to_string();
    node.inputs = vec![x.to_string()];
    node
}

type Found = Option<(OnnxNode, BTreeSet<usize>)>;

/// `½ · x · (1 + erf(x/√2))` or `½ · x · (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
fn gelu<'a>(view: &View<'a>, root: &OnnxNode, factors: &Factors, x: &'a str, gate: &'a str) -> Found {
    let (sum, inner, _) = view.plus_number(gate).filter(|&(_, _, one)| same(one, 1.0))?;
    if !same(factors.number, 0.5) {
        return None;
    }
    let mut nodes = BTreeSet::from([sum]);
    if let Some((erf, node)) = view.made_by(inner, "Erf") {
        let (scale, more) = view.multiple_of(node.inputs.first()?, x)?;
        nodes.insert(erf);
        nodes.extend(more);
        return same(scale, std::f64::consts::FRAC_1_SQRT_2).then(|| (in_place(root, "Gelu", x), nodes));
    }
    let (tanh, node) = view.made_by(inner, "Tanh")?;
    nodes.insert(tanh);
    nodes.extend(polynomial(view, node.inputs.first()?, x)?);
    let fused = in_place(root, "Gelu", x).with("approximate", Attribute::Text("tanh".into()));
    Some((fused, nodes))
}

/// `√(2/π) (x + 0.044715 x³)`, also as `√(2/π) x (1 + 0.044715 x²)`.
fn polynomial<'a>(view: &View<'a>, name: &'a str, x: &'a str) -> Option<BTreeSet<usize>> {
    const CUBIC: f64 = 0.044715;
    let factors = view.factors(name);
    if !same(factors.number, (2.0 / std::f64::consts::PI).sqrt()) {
        return None;
    }
    let mut nodes = factors.nodes;
    match factors.values[..] {
        [sum] => {
            let (index, add) = view.made_by(sum, "Add")?;
            let (_, cube) = view.both_orders(add).into_iter().map(|[a, b]| (a, b)).find(|&(a, _)| a == x)?;
            nodes.insert(index);
            nodes.extend(power_times(view, cube, x, 3, CUBIC)?);
        }
        [a, b] => {
            let sum = if a == x { b } else { a };
            let (index, square, one) = view.plus_number(sum)?;
            if (a != x && b != x) || !same(one, 1.0) {
                return None;
            }
            nodes.insert(index);
            nodes.extend(power_times(view, square, x, 2, CUBIC)?);
        }
        _ => return None,
    }
    Some(nodes)
}

/// `number · xⁿ`, the power as Pow or as products.
fn power_times<'a>(view: &View<'a>, name: &'a str, x: &'a str, n: usize, number: f64) -> Option<BTreeSet<usize>> {
    let factors = view.factors(name);
    if !same(factors.number, number) {
        return None;
    }
    let mut nodes = factors.nodes;
    if factors.values.len() == n && factors.values.iter().all(|&value| value == x) {
        return Some(nodes);
    }
    let [power] = factors.values[..] else { return None };
    let (index, pow) = view.made_by(power, "Pow")?;
    let [base, exponent] = pow.inputs.as_slice() else { return None };
    nodes.insert(index);
    (base == x && view.number(exponent) == Some(n as f64)).then_some(nodes)
}

/// `x · σ(αx)`.
fn swish<'a>(view: &View<'a>, root: &OnnxNode, factors: &Factors, x: &'a str, gate: &'a str) -> Found {
    let (index, sigmoid) = view.made_by(gate, "Sigmoid")?;
    let (alpha, mut nodes) = view.multiple_of(sigmoid.inputs.first()?, x)?;
    nodes.insert(index);
    let node = in_place(root, "Swish", x).with("alpha", Attribute::Float(alpha as f32));
    same(factors.number, 1.0).then_some((node, nodes))
}

/// `x · min(max(x + 3, 0), 6)/6`, the gate also as HardSigmoid.
fn hard_swish<'a>(view: &View<'a>, root: &OnnxNode, factors: &Factors, x: &'a str, gate: &'a str) -> Found {
    let node = in_place(root, "HardSwish", x);
    if let Some((index, sigmoid)) = view.made_by(gate, "HardSigmoid") {
        let number = |name: &str, default: f64| sigmoid.float(name, default).ok();
        let usual = same(number("alpha", 0.2)?, 1.0 / 6.0) && same(number("beta", 0.5)?, 0.5);
        let own = sigmoid.inputs.first().is_some_and(|input| input == x);
        return (usual && own && same(factors.number, 1.0)).then(|| (node, BTreeSet::from([index])));
    }
    let (index, clip) = view.made_by(gate, "Clip")?;
    let end = |place: usize, name: &str| match clip.inputs.get(place) {
        Some(input) => view.number(input),
        None => clip.optional_float(name).ok().flatten(),
    };
    let (sum, inner, three) = view.plus_number(clip.inputs.first()?)?;
    let fits = end(1, "min") == Some(0.0) && end(2, "max") == Some(6.0) && same(three, 3.0) && inner == x;
    (fits && same(factors.number, 1.0 / 6.0)).then(|| (node, BTreeSet::from([index, sum])))
}
