//! A multilayer perceptron: two hidden layers of 256 with ReLU; names `fc1`, `fc2`, `fc3`.

use crate::error::Result;
use crate::graph::{Graph, GraphBuilder};

/// Features of the hidden layers.
const HIDDEN: [usize; 2] = [256, 256];

/// The perceptron for inputs `[channels, height, width]`, read row by row.
///
/// # Errors
/// When the input shape is out of range.
pub fn mlp(input: [usize; 3], classes: usize) -> Result<Graph> {
    let mut b = GraphBuilder::new("mlp", input)?;
    let mut x = b.reshape("flat", b.input(), &[input.iter().product()])?;
    for (index, features) in HIDDEN.into_iter().enumerate() {
        x = b.linear(&format!("fc{}", index + 1), x, features)?;
        x = b.relu(&format!("relu{}", index + 1), x)?;
    }
    b.linear(&format!("fc{}", HIDDEN.len() + 1), x, classes)?;
    Ok(b.finish())
}
