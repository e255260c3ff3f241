//! The same graph with some convolutions in groups.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::graph::axis::AxisMap;
use crate::graph::op::{Conv2d, Graph, Op};

/// How a convolution from `c` channels to `c` works in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouping {
    /// Number of groups.
    pub groups: usize,
    /// Which channel stands at each place, in front of the convolution and behind it; none for their own order.
    pub order: Option<Vec<usize>>,
}

impl Graph {
    /// The graph in which the convolutions of these names work in groups. Where the order changes, `NAME.ordered` stands in
    /// front of the convolution, and `NAME.restored` behind it.
    ///
    /// # Errors
    /// When groups or order do not fit the channels, or a name is taken.
    pub fn regrouped(&self, regroupings: &BTreeMap<String, Regrouping>) -> Result<Graph> {
        self.rebuilt(|builder, node, inputs| {
            let place = match (&node.op, regroupings.get(&node.name), inputs) {
                (Op::Conv2d(conv), Some(Regrouping { groups, order }), &[input]) => {
                    let conv = Op::Conv2d(Conv2d { groups: *groups, ..*conv });
                    match order {
                        None => builder.node(&node.name, conv, &[input])?,
                        Some(order) => {
                            let mut back: Vec<usize> = (0..order.len()).collect();
                            back.sort_by_key(|&place| order[place]);
                            let gather = |indices| AxisMap::Gather { indices };
                            let x =
                                builder.along(&format!("{}.ordered", node.name), input, 0, gather(order.clone()))?;
                            let x = builder.node(&node.name, conv, &[x])?;
                            builder.along(&format!("{}.restored", node.name), x, 0, gather(back))?
                        }
                    }
                }
                _ => builder.node(&node.name, node.op.clone(), inputs)?,
            };
            Ok(place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::GraphBuilder;

    #[test]
    fn a_regrouped_convolution_stands_between_its_orders() {
        let mut b = GraphBuilder::new("test", [4, 5, 5]).unwrap();
        let x = b.conv("a", 0, 4, 3, 1).unwrap();
        let y = b.conv("b", x, 4, 3, 1).unwrap();
        b.add("sum", y, x).unwrap();
        let graph = b.finish();
        assert_eq!(graph.regrouped(&BTreeMap::new()).unwrap(), graph);
        let of = |groups, order| Regrouping { groups, order };
        let order = vec![0, 2, 3, 1];
        let regroupings = BTreeMap::from([("a".into(), of(4, None)), ("b".into(), of(2, Some(order.clone())))]);
        let found = graph.regrouped(&regroupings).unwrap();
        let names: Vec<&str> = found.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["input", "a", "b.ordered", "b", "b.restored", "sum"]);
        assert_eq!(found.nodes()[5].inputs, [4, 1]);
        let shapes: Vec<Vec<usize>> = found.layers().into_iter().map(|layer| layer.weight_shape).collect();
        assert_eq!(shapes, [[4, 1, 3, 3], [4, 2, 3, 3]]);
        let indices = |node: usize| match &found.nodes()[node].op {
            Op::Function(crate::graph::Function::Along { map: AxisMap::Gather { indices }, .. }) => indices.clone(),
            _ => panic!("no gather"),
        };
        // There and back again.
        assert_eq!(indices(4).iter().map(|&place| indices(2)[place]).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(indices(2), order);
        for wrong in [of(3, None), of(2, Some(vec![0, 1, 2, 9]))] {
            assert!(graph.regrouped(&BTreeMap::from([("b".into(), wrong)])).is_err());
        }
    }
}
