//! ViT-tiny: Dosovitskiy et al. 2021 (arXiv 2010.11929), in the size of DeiT-Ti (Touvron et al. 2021, arXiv 2012.12877,
//! table 1). Names of parameters are those of timm's `vit_tiny_patch16_224`; class token and positional embedding are the
//! constants `cls_token` and `pos_embed`.
//!
//! ```text
//! x = [class token; patches] + positions        x ← x + Attention(LN(x))        x ← x + MLP(LN(x))
//! ```
//!
//! A patch is 16×16, on small images (below 64 pixels) 4×4: 65 positions at 32×32, 50 at 28×28.

use crate::error::Result;
use crate::graph::{Activation, Conv2d, GraphBuilder, NodeId, Padding};
use crate::zoo::network::{Initial, Values, ZooNetwork};
use crate::zoo::parts::{is_small, normal_weights, slice};

const WIDTH: usize = 192;
const LAYERS: usize = 12;
const HEADS: usize = 3;
const EPSILON: f64 = 1e-6;

/// ViT-tiny for images `[channels, height, width]`: 5,717,416 parameters at 3×224×224 and 1000 classes.
///
/// # Errors
/// When a side is no multiple of the patch, or the input shape is out of range.
pub fn vit_tiny(input: [usize; 3], classes: usize) -> Result<ZooNetwork> {
    let mut b = GraphBuilder::new("vit_tiny", input)?;
    let patch = if is_small(input) { 4 } else { 16 };
    let [_, height, width] = input;
    if !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
        let found = format!("an input of {height} × {width}");
        return Err(b.wrong("patch_embed.proj", found, format!("sides that are multiples of {patch}")));
    }
    let mut x = tokens(&mut b, patch)?;
    for layer in 0..LAYERS {
        x = block(&mut b, &format!("blocks.{layer}"), x)?;
    }
    let x = b.layer_norm_with("norm", x, EPSILON)?;
    let x = slice(&mut b, "class", x, 0, 0, 1)?;
    let x = b.reshape("features", x, &[WIDTH])?;
    b.linear("head", x, classes)?;
    let graph = b.finish();
    let mut initial = normal_weights(&graph);
    let embeddings = ["cls_token.value", "pos_embed.value"];
    initial.extend(embeddings.map(|name| (name.to_string(), Initial::Normal { deviation: 0.02 })));
    Ok(ZooNetwork { graph, constants: Values::new(), initial, dynamic: Vec::new() })
}

/// Class token and patches with their positions, `[positions, WIDTH]`.
fn tokens(b: &mut GraphBuilder, patch: usize) -> Result<NodeId> {
    let embed = Conv2d::square(WIDTH, patch, patch).padded(Padding::default()).biased();
    let map = b.conv_general("patch_embed.proj", b.input(), embed)?;
    let patches = b.shape(map).iter().skip(1).product();
    let rows = b.reshape("patches.columns", map, &[WIDTH, patches])?;
    let rows = b.transpose("patches", rows, &[1, 0])?;
    let class = b.constant("cls_token", &[1, 1, WIDTH])?;
    let class = b.reshape("cls_token.row", class, &[1, WIDTH])?;
    let both = b.concat("tokens", 0, &[class, rows])?;
    let positions = b.constant("pos_embed", &[1, patches + 1, WIDTH])?;
    let positions = b.reshape("pos_embed.rows", positions, &[patches + 1, WIDTH])?;
    b.add("embedded", both, positions)
}

/// Attention and MLP, each behind a norm and beside a shortcut.
fn block(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let y = b.layer_norm_with(&format!("{name}.norm1"), x, EPSILON)?;
    let y = b.linear(&format!("{name}.attn.qkv"), y, 3 * WIDTH)?;
    let mut part = |what: &str, start| slice(b, &format!("{name}.attn.{what}"), y, 1, start, WIDTH);
    let parts = [part("q", 0)?, part("k", WIDTH)?, part("v", 2 * WIDTH)?];
    let y = b.attention(&format!("{name}.attn"), parts, HEADS, false)?;
    let y = b.linear(&format!("{name}.attn.proj"), y, WIDTH)?;
    let x = b.add(&format!("{name}.add1"), y, x)?;
    let y = b.layer_norm_with(&format!("{name}.norm2"), x, EPSILON)?;
    let y = b.linear(&format!("{name}.mlp.fc1"), y, 4 * WIDTH)?;
    let y = b.activation(&format!("{name}.mlp.act"), y, Activation::Gelu)?;
    let y = b.linear(&format!("{name}.mlp.fc2"), y, WIDTH)?;
    b.add(&format!("{name}.add2"), y, x)
}
