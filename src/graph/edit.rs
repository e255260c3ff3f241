//! The same graph with other operators at some nodes, or without them.

use crate::error::Result;
use crate::graph::build::GraphBuilder;
use crate::graph::op::{Graph, Node, NodeId, Op};

impl Graph {
    /// The graph in which each node behind the input has the operator that `edit` gives it, and is left out where it gives
    /// none: what read it reads its first input.
    ///
    /// # Errors
    /// When shapes do not fit any more.
    pub fn edited(&self, edit: impl Fn(&Node) -> Option<Op>) -> Result<Graph> {
        self.rebuilt(|builder, node, inputs| match (edit(node), inputs.first()) {
            (None, Some(&input)) => Ok(input),
            (None, None) => builder.node(&node.name, node.op.clone(), inputs),
            (Some(op), _) => builder.node(&node.name, op, inputs),
        })
    }

    /// The graph that `place` builds: of each node behind the input, given where its inputs stand now, it says where what the
    /// node gives stands.
    ///
    /// # Errors
    /// Those of `place`.
    pub(super) fn rebuilt(
        &self,
        mut place: impl FnMut(&mut GraphBuilder, &Node, &[NodeId]) -> Result<NodeId>,
    ) -> Result<Graph> {
        let shape = self.nodes().first().map(|node| node.shape.as_slice()).unwrap_or_default();
        let mut builder = GraphBuilder::new(&self.name, shape)?;
        let mut places = vec![builder.input()];
        for node in self.nodes().iter().skip(1) {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| places[input]).collect();
            places.push(place(&mut builder, node, &inputs)?);
        }
        let nodes = builder.finish().into_nodes();
        Ok(Graph::from_checked(self.name.clone(), nodes, self.inputs().to_vec(), self.outputs().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{GraphBuilder, Op};

    #[test]
    fn a_node_that_is_left_out_hands_on_its_input() {
        let mut b = GraphBuilder::new("test", [3, 4, 4]).unwrap();
        let x = b.conv("c", 0, 5, 3, 1).unwrap();
        let y = b.batch_norm("n", x).unwrap();
        let z = b.relu("r", y).unwrap();
        b.add("sum", z, y).unwrap();
        let graph = b.finish();
        assert_eq!(graph.edited(|node| Some(node.op.clone())).unwrap(), graph);
        let without = |node: &crate::graph::Node| (node.name != "n").then(|| node.op.clone());
        let edited = graph.edited(without).unwrap();
        let names: Vec<&str> = edited.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["input", "c", "r", "sum"]);
        assert_eq!((edited.nodes()[2].inputs.clone(), edited.nodes()[3].inputs.clone()), (vec![1], vec![2, 1]));
        assert!(
            graph.edited(|node| Some(if node.name == "r" { Op::GlobalAveragePool } else { node.op.clone() })).is_err()
        );
    }
}
