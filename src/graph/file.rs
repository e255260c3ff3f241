//! A graph as a value of a file, checked when it is read: every shape is inferred again.

use serde::{Deserialize, Deserializer};

use crate::error::{Error, Result};
use crate::graph::build::GraphBuilder;
use crate::graph::op::{Graph, Node, Op, Port};

/// A graph as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    nodes: Vec<Node>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Written {
    fn check(self) -> Result<Graph> {
        let place = format!("network `{}`", self.name);
        let wrong = |found: String, expected: &str| Err(Error::input(&place, found, expected, "write the file again"));
        let Some((first, rest)) = self.nodes.split_first() else {
            return wrong("no nodes".into(), "an input");
        };
        if first.op != Op::Input || !first.inputs.is_empty() {
            return wrong(format!("node `{}` in front", first.name), "the input");
        }
        let mut builder = GraphBuilder::new(&self.name, &first.shape)?;
        for node in rest {
            if node.op == Op::Input {
                return wrong(format!("a second input `{}`", node.name), "one");
            }
            let id = builder.node(&node.name, node.op.clone(), &node.inputs)?;
            if builder.shape(id) != node.shape {
                return wrong(format!("the shape {:?} of node `{}`", node.shape, node.name), "that of its operator");
            }
        }
        let nodes = builder.finish().into_nodes();
        let elements = |ports: &[Port]| {
            let sizes =
                ports.iter().map(|port| port.shape.iter().try_fold(1usize, |size, &extent| size.checked_mul(extent)));
            sizes.sum::<Option<usize>>()
        };
        let size = |node: Option<&Node>| node.map(|node| node.shape.iter().product::<usize>());
        if elements(&self.inputs) != size(nodes.first()) || elements(&self.outputs) != size(nodes.last()) {
            return wrong("inputs or outputs of another size than the nodes".into(), "equal sizes");
        }
        Ok(Graph::from_checked(self.name, nodes, self.inputs, self.outputs))
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Written::deserialize(deserializer)?.check().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{AxisMap, Window};

    fn graph() -> Graph {
        let (mut b, inputs) =
            GraphBuilder::with_inputs("test", &[Port::new("image", &[3, 6, 6]), Port::new("gate", &[4])]).unwrap();
        let x = b.conv("conv", inputs[0], 4, 3, 2).unwrap();
        let x = b.max_pool("pool", x, Window::square(2, 1, 0)).unwrap();
        let x = b.multiply("gated", x, inputs[1]).unwrap();
        let y = b.along("part", x, 1, AxisMap::Slice { start: 1, step: -1, count: 2 }).unwrap();
        b.finish_with(vec![(Port::new("whole", &[4, 2, 2]), x), (Port::new("part", &[4, 2, 2]), y)]).unwrap()
    }

    #[test]
    fn a_graph_is_read_as_it_was_written() {
        let text = serde_json::to_string(&graph()).unwrap();
        assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph());
    }

    #[test]
    fn what_no_builder_would_have_made_is_refused() {
        let value = serde_json::to_value(graph()).unwrap();
        let refused = |pointer: &str, new: serde_json::Value| {
            let mut value = value.clone();
            *value.pointer_mut(pointer).unwrap() = new;
            serde_json::from_value::<Graph>(value).unwrap_err().to_string()
        };
        for (pointer, new, reason) in [
            ("/nodes/5/shape", serde_json::json!([4, 4, 4]), "the shape"),
            ("/nodes/5/inputs", serde_json::json!([99]), "node 99 as an input"),
            ("/nodes/0/op", serde_json::json!("relu"), "in front"),
            ("/nodes/0/shape", serde_json::json!([3]), "network `test`"),
            ("/nodes/2/name", serde_json::json!("input"), "the name twice"),
            ("/outputs", serde_json::json!([]), "of another size"),
            ("/nodes", serde_json::json!([]), "no nodes"),
        ] {
            assert!(refused(pointer, new).contains(reason), "{pointer}");
        }
    }
}
