//! A graph as expressions: who makes a value, who reads it, and products as sets of factors.

use std::collections::{BTreeMap, BTreeSet};

use crate::onnx::graph::OnnxGraph;
use crate::onnx::node::OnnxNode;

/// Numbers in files have 24 bits, and exporters round some of them to four digits.
const TOLERANCE: f64 = 1e-4;

/// Whether two numbers are meant to be the same.
pub fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * b.abs()
}

/// A graph with its values' makers and readers.
pub struct View<'a> {
    graph: &'a OnnxGraph,
    makers: BTreeMap<&'a str, usize>,
    readers: BTreeMap<&'a str, Vec<usize>>,
}

/// Factors of a product: a number, values, and the nodes that multiply.
#[derive(Debug, Default)]
pub struct Factors<'a> {
    /// Product of the constant factors.
    pub number: f64,
    /// The other factors.
    pub values: Vec<&'a str>,
    /// The nodes, the outermost one among them.
    pub nodes: BTreeSet<usize>,
}

impl<'a> View<'a> {
    /// Reads the graph.
    pub fn new(graph: &'a OnnxGraph) -> Self {
        let (mut makers, mut readers) = (BTreeMap::new(), BTreeMap::<&str, Vec<usize>>::new());
        for (index, node) in graph.nodes.iter().enumerate() {
            makers.extend(node.outputs.iter().map(|name| (name.as_str(), index)));
            node.inputs.iter().for_each(|name| readers.entry(name).or_default().push(index));
        }
        // The reader of an output is nobody inside.
        graph.outputs.iter().for_each(|output| readers.entry(&output.value).or_default().push(usize::MAX));
        Self { graph, makers, readers }
    }

    /// A node.
    pub fn node(&self, index: usize) -> Option<&'a OnnxNode> {
        self.graph.nodes.get(index).filter(|node| node.domain.is_empty())
    }

    /// The node that makes a value, if it is of this operator.
    pub fn made_by(&self, name: &str, op: &str) -> Option<(usize, &'a OnnxNode)> {
        let index = *self.makers.get(name)?;
        self.node(index).filter(|node| node.op == op).map(|node| (index, node))
    }

    /// A constant of one element.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.graph.initializers.get(name)?.scalar()
    }

    /// Whether a value is a constant.
    pub fn is_constant(&self, name: &str) -> bool {
        self.graph.initializers.contains_key(name)
    }

    /// Integers of a constant.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.graph.initializers.get(name)?.ints()
    }

    /// Whether all that the inner nodes make is read by them and the root only.
    pub fn is_closed(&self, root: usize, inner: &BTreeSet<usize>) -> bool {
        let inside = |index: &usize| *index == root || inner.contains(index);
        let outputs = inner.iter().filter_map(|&index| self.graph.nodes.get(index)).flat_map(|node| &node.outputs);
        outputs.filter_map(|name| self.readers.get(name.as_str())).flatten().all(inside)
    }

    /// The two inputs of a node in both orders.
    pub fn both_orders(&self, node: &'a OnnxNode) -> Vec<[&'a str; 2]> {
        match node.inputs.as_slice() {
            [a, b] => vec![[a.as_str(), b], [b.as_str(), a]],
            _ => Vec::new(),
        }
    }

    /// A sum of a value and a number.
    pub fn plus_number(&self, name: &str) -> Option<(usize, &'a str, f64)> {
        let (index, node) = self.made_by(name, "Add")?;
        let found = self.both_orders(node).into_iter().find_map(|[x, c]| Some((x, self.number(c)?)));
        found.map(|(x, c)| (index, x, c))
    }

    /// A value as a product; products inside are opened if nothing else reads them.
    pub fn factors(&self, name: &'a str) -> Factors<'a> {
        let mut factors = Factors { number: 1.0, ..Factors::default() };
        /// No pattern has more multiplications; without an end a chain of `n` of them would cost `n²`.
        const MOST: usize = 16;
        let mut open = vec![(name, true)];
        while let Some((name, outermost)) = open.pop() {
            let only = factors.nodes.len() < MOST && self.readers.get(name).is_none_or(|readers| readers.len() == 1);
            if let Some(number) = self.number(name) {
                factors.number *= number;
            } else if let Some((index, node)) = self.made_by(name, "Mul").filter(|_| only || outermost) {
                factors.nodes.insert(index);
                open.extend(node.inputs.iter().map(|input| (input.as_str(), false)));
            } else if let Some((index, node)) = self.made_by(name, "Div").filter(|_| only || outermost)
                && let [x, c] = node.inputs.as_slice()
                && let Some(c) = self.number(c)
            {
                factors.nodes.insert(index);
                factors.number /= c;
                open.push((x, false));
            } else {
                factors.values.push(name);
            }
        }
        factors
    }

    /// A value as a number times another value.
    pub fn multiple_of(&self, name: &'a str, x: &str) -> Option<(f64, BTreeSet<usize>)> {
        if name == x {
            return Some((1.0, BTreeSet::new()));
        }
        let factors = self.factors(name);
        (factors.values == [x]).then_some((factors.number, factors.nodes))
    }
}
