//! PAT_sf, partial self-attention: a 3×3 convolution on a quarter of the channels; attention between the places of the
//! map on the others, with a bias that depends on the distance (Wu et al. 2021, arXiv 2107.14222, bias mode).
//!
//! ```text
//! weights = softmax(Q Kᵀ/√d + bias[head, 40 + bucket(round(distance))])        4 heads of d = 3c/16 features
//! bucket(r) = r up to 20, then min(40, round(20 + 20 ln(r/20)/ln 8))
//! ```

use crate::error::Result;
use crate::graph::{AxisMap, GraphBuilder, NodeId};
use crate::zoo::parts::slice;

const HEADS: usize = 4;

/// Entries of a head's table: those for 40 distances back, none, and 40 forward. Distances have no sign, so the first 40
/// are never read.
const BUCKETS: usize = 81;

/// Most places of the map: their pairs are written out.
const MOST_CELLS: usize = 1024;

/// PAT_sf on a map `[c, height, width]`; the same shape.
///
/// # Errors
/// When the map has more than 1024 cells.
pub(super) fn partial_attention(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let quarter = b.channels(x) / 4;
    let [first, rest] = super::split(b, name, x, quarter)?;
    let first = b.conv(&format!("{name}.partial_conv3"), first, quarter, 3, 1)?;
    let rest = attention(b, &format!("{name}.attn"), rest)?;
    b.concat(&format!("{name}.joined"), 0, &[first, rest])
}

fn attention(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let &[channels, height, width] = b.shape(x) else {
        return Err(b.wrong(name, format!("the shape {:?}", b.shape(x)), "channels, height, width"));
    };
    let cells = height * width;
    if cells > MOST_CELLS {
        let found = format!("a map of {height} × {width}");
        return Err(b.wrong(name, found, format!("at most {MOST_CELLS} cells")));
    }
    let y = b.reshape(&format!("{name}.columns"), x, &[channels, cells])?;
    let y = b.transpose(&format!("{name}.rows"), y, &[1, 0])?;
    let y = b.layer_norm(&format!("{name}.norm"), y)?;
    let y = b.linear_with(&format!("{name}.qkv"), y, 3 * channels, false)?;
    let size = channels / HEADS;
    let mut head = |what: &str, start: usize| {
        let part = slice(b, &format!("{name}.{what}.part"), y, 1, start, channels)?;
        let split = b.reshape(&format!("{name}.{what}.split"), part, &[cells, HEADS, size])?;
        b.transpose(&format!("{name}.{what}"), split, &[1, 0, 2])
    };
    let (query, key, value) = (head("query", 0)?, head("key", channels)?, head("value", 2 * channels)?);
    let scores = b.matmul(&format!("{name}.scores"), query, key, true, 1.0 / (size as f64).sqrt())?;
    let bias = distance_bias(b, name, height, width)?;
    let scores = b.add(&format!("{name}.biased"), scores, bias)?;
    let weights = b.softmax(&format!("{name}.weights"), scores, false)?;
    let mixed = b.matmul(&format!("{name}.mixed"), weights, value, false, 1.0)?;
    let joined = b.transpose(&format!("{name}.heads"), mixed, &[1, 0, 2])?;
    let joined = b.reshape(&format!("{name}.output"), joined, &[cells, channels])?;
    let y = b.linear(&format!("{name}.proj"), joined, channels)?;
    let y = b.transpose(&format!("{name}.back"), y, &[1, 0])?;
    b.reshape(&format!("{name}.map"), y, &[channels, height, width])
}

/// The learnt table of every head, read at the distance of every pair of places, `[heads, cells, cells]`.
fn distance_bias(b: &mut GraphBuilder, name: &str, height: usize, width: usize) -> Result<NodeId> {
    let cells = height * width;
    let place = |cell: usize| ((cell / width) as f64, (cell % width) as f64);
    let entry = |from: usize, to: usize| {
        let ((y, x), (v, u)) = (place(from), place(to));
        BUCKETS / 2 + bucket((y - v).hypot(x - u).round() as usize)
    };
    let indices = (0..cells).flat_map(|from| (0..cells).map(move |to| entry(from, to))).collect();
    let table = b.constant(&format!("{name}.bias_table"), &[HEADS, BUCKETS])?;
    let bias = b.along(&format!("{name}.bias.entries"), table, 1, AxisMap::Gather { indices })?;
    b.reshape(&format!("{name}.bias"), bias, &[HEADS, cells, cells])
}

/// The entry, counted from the middle, of a whole distance.
fn bucket(distance: usize) -> usize {
    match distance {
        0..=20 => distance,
        _ => 40.min((20.0 + 20.0 * (distance as f64 / 20.0).ln() / 8f64.ln()).round() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_into_the_buckets_of_the_equation() {
        // By hand: 40/20 = 2 and ln 2/ln 8 = 1/3; 80/20 = 4 gives 2/3; 160/20 = 8 the end.
        let expected = [(0, 0), (1, 1), (20, 20), (21, 20), (22, 21), (40, 27), (80, 33), (160, 40), (100_000, 40)];
        expected.into_iter().for_each(|(distance, entry)| assert_eq!(bucket(distance), entry, "{distance}"));
        assert!((0..400).all(|distance| bucket(distance) <= bucket(distance + 1)));
    }
}
