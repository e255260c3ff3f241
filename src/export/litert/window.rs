//! Windows over height and width, and the cells around a map.

use crate::error::Result;
use crate::export::litert::lower::Lowering;
use crate::export::litert::network::{file_shape, int};
use crate::export::litert::schema::{Builtin, Field};
use crate::graph::{Node, Padding, Window};

const POOL_2D_OPTIONS: u8 = 5;

/// `Padding`: which cells around the map a window covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    /// As many as give `⌈extent / stride⌉` outputs, the odd one behind.
    Same = 0,
    /// None.
    Valid = 1,
}

/// The built-in rule that gives these cells around a map of `extent` with outputs `out`; none if neither does.
pub(super) fn rule(
    extent: [usize; 2],
    out: [usize; 2],
    (span, stride, border): ([usize; 2], [usize; 2], Padding),
) -> Option<Cells> {
    if border == Padding::default() {
        return Some(Cells::Valid);
    }
    let same = |axis: usize| {
        let total = (out[axis].saturating_sub(1) * stride[axis] + span[axis]).saturating_sub(extent[axis]);
        let cells = [border.before[axis], border.after[axis]];
        out[axis] == extent[axis].div_ceil(stride[axis].max(1)) && cells == [total / 2, total - total / 2]
    };
    (same(0) && same(1)).then_some(Cells::Same)
}

impl Lowering<'_> {
    /// The input of a convolution, with zeros around it where no rule adds them.
    pub(super) fn padded(
        &mut self,
        node: &Node,
        input: i32,
        extent: [usize; 2],
        out: [usize; 2],
        window: ([usize; 2], [usize; 2], Padding),
    ) -> (i32, Cells) {
        match rule(extent, out, window) {
            Some(cells) => (input, cells),
            None => (self.around(node, input, window.2, None), Cells::Valid),
        }
    }

    /// Adds cells around a map: zeros, or this value.
    fn around(&mut self, node: &Node, input: i32, border: Padding, value: Option<f32>) -> i32 {
        let [top, left] = border.before.map(int);
        let [bottom, right] = border.after.map(int);
        self.pad(&format!("{}/padded", node.name), input, &[0, 0, top, bottom, left, right, 0, 0], value)
    }

    /// Adds cells before and behind along every axis of the file: zeros, or this value.
    pub(super) fn pad(&mut self, name: &str, input: i32, cells: &[i32], value: Option<f32>) -> i32 {
        let around = cells.chunks(2).map(|pair| pair.iter().sum::<i32>());
        let shape: Vec<i32> = self.net.shape(input).iter().zip(around).map(|(size, more)| size + more).collect();
        let counts = self.net.ints(&format!("{name}/cells"), cells, &[int(cells.len() / 2), 2]);
        match value {
            None => self.net.step(Builtin::Pad, &[input, counts], (0, &[]), name, &shape),
            Some(value) => {
                let value = self.net.floats(&format!("{name}/value"), &[value], &[]);
                self.net.step(Builtin::PadV2, &[input, counts, value], (0, &[]), name, &shape)
            }
        }
    }

    /// The largest value of each window, or the mean.
    pub(super) fn pool(&mut self, node: &Node, window: &Window, mean: bool) -> Result<i32> {
        let input = self.input(node, 0)?;
        let extent = self.image(node)?;
        let out = [node.shape.get(1), node.shape.get(2)].map(|size| size.copied().unwrap_or(0));
        let rule = rule(extent, out, (window.kernel, window.stride, window.padding));
        let uncounted = window.counted == Padding::default();
        let (input, cells) = match rule {
            // The runtime's means leave cells around the map out.
            Some(cells) if !mean || uncounted => (input, cells),
            _ if !mean => (self.around(node, input, window.padding, Some(f32::MIN)), Cells::Valid),
            _ if window.counted == window.padding => (self.around(node, input, window.padding, None), Cells::Valid),
            _ => {
                return Err(self.unknown(
                    node,
                    "a mean over windows that reach beyond the map",
                    "one whose cells all count",
                ));
            }
        };
        let [height, width] = [0, 1].map(|axis| (int(window.stride[axis]), int(window.kernel[axis])));
        let fields = [
            (0, Field::Byte(cells as i8)),
            (1, Field::Int(width.0)),
            (2, Field::Int(height.0)),
            (3, Field::Int(width.1)),
            (4, Field::Int(height.1)),
        ];
        let builtin = if mean { Builtin::AveragePool2d } else { Builtin::MaxPool2d };
        Ok(self.net.step(builtin, &[input], (POOL_2D_OPTIONS, &fields), &node.name, &file_shape(&node.shape)))
    }
}
