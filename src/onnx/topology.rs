//! Who makes which value, and an order in which the nodes can run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};

use super::proto::{GraphProto, NodeProto};

/// Nodes of a cycle that a message names at most.
const NAMED: usize = 8;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// Input of the graph, by position.
    Input(usize),
    /// Initializer, by position; also one that is an input as well, of which it is the default.
    Initializer(usize),
    /// Node, by position.
    Node(usize),
}

/// The makers of all values of a graph.
pub(super) struct Makers<'a> {
    graph: &'a GraphProto,
    place: &'a str,
    by_name: BTreeMap<&'a str, Maker>,
}

/// A node in a message: its name, or its number and what it makes.
fn label(index: usize, node: &NodeProto) -> String {
    let op = quoted(node.op_type.as_deref().unwrap_or("")).replace('`', "");
    match (node.name.as_deref().unwrap_or(""), node.output.first()) {
        ("", Some(output)) => format!("node {index} ({op}, makes {})", quoted(output)),
        ("", None) => format!("node {index} ({op})"),
        (name, _) => format!("node {} ({op})", quoted(name)),
    }
}

impl<'a> Makers<'a> {
    /// The makers of the values of a graph, each of which must have exactly one.
    pub(super) fn of(graph: &'a GraphProto, place: &'a str) -> Result<Self> {
        let mut makers = Self { graph, place, by_name: BTreeMap::new() };
        for (i, input) in graph.input.iter().enumerate() {
            makers.add(input.name.as_deref().unwrap_or(""), Maker::Input(i))?;
        }
        for (i, tensor) in graph.initializer.iter().enumerate() {
            makers.add(tensor.name.as_deref().unwrap_or(""), Maker::Initializer(i))?;
        }
        for (i, node) in graph.node.iter().enumerate() {
            for output in node.output.iter().filter(|o| !o.is_empty()) {
                makers.add(output, Maker::Node(i))?;
            }
        }
        Ok(makers)
    }

    fn add(&mut self, name: &'a str, maker: Maker) -> Result<()> {
        if name.is_empty() {
            let found = format!("{} without a name", self.describe(maker));
            return Err(Error::input(self.place, found, "a name", "export the model again"));
        }
        match (self.by_name.insert(name, maker), maker) {
            (None, _) | (Some(Maker::Input(_)), Maker::Initializer(_)) => Ok(()),
            (Some(first), _) => {
                let both = format!("by {} and by {}", self.describe(first), self.describe(maker));
                let found = format!("value {} made twice, {both}", quoted(name));
                Err(Error::input(self.place, found, "one maker of each value", "export the model again"))
            }
        }
    }

    fn describe(&self, maker: Maker) -> String {
        match maker {
            Maker::Input(i) => format!("input {i}"),
            Maker::Initializer(i) => format!("initializer {i}"),
            Maker::Node(i) => self.graph.node.get(i).map_or_else(String::new, |node| label(i, node)),
        }
    }

    /// The maker of a value.
    pub(super) fn get(&self, name: &str) -> Option<Maker> {
        self.by_name.get(name).copied()
    }

    /// The error that the second output of a node that only passes its input on is read: the mask of a Dropout.
    pub(super) fn mask_is_read(&self, name: &str, node: usize) -> Error {
        let found = format!("a reader of {}, the mask of {}", quoted(name), self.describe(Maker::Node(node)));
        Error::input(self.place, found, "a model for inference", "export the model in evaluation mode")
    }

    /// The maker of a value that `reader` reads, or the error that it has none.
    fn required(&self, name: &str, reader: impl Fn() -> String) -> Result<Maker> {
        self.get(name).ok_or_else(|| {
            let otherwise = "the file is incomplete: export the model again";
            Error::input(
                self.place,
                format!("{} reads {}, which nothing makes", reader(), quoted(name)),
                "a value that an input, an initializer or a node makes",
                did_you_mean(name, self.by_name.keys().copied(), otherwise),
            )
        })
    }

    /// All nodes, each after the makers of what it reads, and otherwise in the order of the file (Kahn's algorithm, the
    /// smallest position first). Cost: O((nodes + reads) log values).
    pub(super) fn order(&self) -> Result<Vec<usize>> {
        let nodes = &self.graph.node;
        let mut waits_for = vec![0usize; nodes.len()];
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            for input in node.input.iter().filter(|name| !name.is_empty()) {
                if let Maker::Node(maker) = self.required(input, || label(i, node))? {
                    readers[maker].push(i);
                    waits_for[i] += 1;
                }
            }
        }
        for output in &self.graph.output {
            self.required(output.name.as_deref().unwrap_or(""), || "an output of the graph".to_string())?;
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..nodes.len()).filter(|&i| waits_for[i] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(nodes.len());
        while let Some(Reverse(node)) = ready.pop() {
            order.push(node);
            for &reader in &readers[node] {
                waits_for[reader] -= 1;
                if waits_for[reader] == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
        if order.len() == nodes.len() { Ok(order) } else { Err(self.cycle(&waits_for)) }
    }

    /// The error that names the nodes of a cycle; the nodes that still wait for another are on one or behind one.
    fn cycle(&self, waits_for: &[usize]) -> Error {
        let maker_that_waits = |node: usize| {
            let inputs = self.graph.node.get(node).into_iter().flat_map(|n| &n.input);
            inputs.filter_map(|name| self.get(name)).find_map(|maker| match maker {
                Maker::Node(i) if waits_for.get(i).is_some_and(|&w| w > 0) => Some(i),
                _ => None,
            })
        };
        // Backwards from any of them: after as many steps as there are nodes we are on the cycle.
        let mut node = waits_for.iter().position(|&w| w > 0).unwrap_or(0);
        for _ in 0..waits_for.len() {
            node = maker_that_waits(node).unwrap_or(node);
        }
        let (first, mut names) = (node, Vec::new());
        loop {
            names.push(self.describe(Maker::Node(node)));
            node = maker_that_waits(node).unwrap_or(first);
            if node == first || names.len() == NAMED {
                break;
            }
        }
        let more = if node == first { "" } else { " and more" };
        let found = format!("nodes that wait for each other: {}{more}", names.join(", "));
        Error::input(self.place, found, "an order in which the nodes can run", "export the model again")
    }
}
