//! Pools.

use crate::error::Result;
use crate::export::onnx::attributes::{int, ints};
use crate::export::onnx::lower::{Lowering, Value};
use crate::graph::{Node, NodeId, Padding, Window};
use crate::onnx::proto::AttributeProto;

impl Lowering<'_> {
    /// Largest value in each window.
    pub fn max_pool(&mut self, id: NodeId, node: &Node, window: Window) -> Result<Value> {
        let x = self.float(node.inputs[0])?;
        let window = self.trimmed(node, window);
        Ok(self.last(id, "MaxPool", &[&x], attributes(window, window.padding)))
    }

    /// Mean of each window. Cells around the map that count are zeros put there; the pool counts none of its own.
    pub fn average_pool(&mut self, id: NodeId, node: &Node, window: Window) -> Result<Value> {
        let mut x = self.float(node.inputs[0])?;
        let window = self.trimmed(node, window);
        let Padding { before, after } = window.counted;
        if window.counted != Padding::default() && window.counted != window.padding {
            let pads = [0, 0, before[0], before[1], 0, 0, after[0], after[1]].map(|cells| cells as i64);
            let pads = self.writer.integers(&format!("{}.pads", node.name), &pads);
            x = self.step(node, "Pad", &[&x, &pads], "padded", vec![]);
        }
        let rest = |all: [usize; 2], counted: [usize; 2]| [0, 1].map(|axis| all[axis].saturating_sub(counted[axis]));
        let all_count = window.counted == window.padding;
        let outside = match all_count {
            true => window.padding,
            false => Padding { before: rest(window.padding.before, before), after: rest(window.padding.after, after) },
        };
        let mut attributes = attributes(window, outside);
        attributes.push(int("count_include_pad", i64::from(all_count)));
        Ok(self.last(id, "AveragePool", &[&x], attributes))
    }

    /// The window without cells behind the map that no window covers: runtimes want less padding than the kernel has cells.
    fn trimmed(&self, node: &Node, window: Window) -> Window {
        let input = &self.graph().nodes()[node.inputs[0]].shape;
        let Window { kernel, stride, padding, counted } = window;
        let covered = [0, 1].map(|axis| {
            let outputs = node.shape.get(axis + 1).copied().unwrap_or(1);
            let behind = (outputs - 1) * stride[axis] + kernel[axis];
            behind.saturating_sub(input.get(axis + 1).copied().unwrap_or(1) + padding.before[axis])
        });
        let least = |cells: [usize; 2]| [0, 1].map(|axis| cells[axis].min(covered[axis]));
        Window {
            padding: Padding { after: least(padding.after), ..padding },
            counted: Padding { after: least(counted.after), ..counted },
            ..window
        }
    }
}

fn attributes(window: Window, padding: Padding) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", window.kernel),
        ints("strides", window.stride),
        ints("pads", padding.before.into_iter().chain(padding.after)),
        int("ceil_mode", 0),
    ]
}
