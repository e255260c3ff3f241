//! A network, and what is done with it alone.

use std::path::PathBuf;

use clap::Args;

/// A network, wherever it comes from.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// An ONNX file, the folder of a Hugging Face model, the network.safetensors of a run, or the name of a built-in network
    pub model: String,
    /// Input of a built-in network: channels, height and width in pixels, or positions
    #[arg(long, value_name = "CxHxW", default_value = "3x32x32")]
    pub shape: String,
    /// Classes of a built-in network
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pub classes: u32,
    /// An extent that a file leaves open, such as positions=64; repeatable
    #[arg(long = "extent", value_name = "NAME=N", value_parser = extent)]
    pub extents: Vec<(String, usize)>,
}

fn extent(text: &str) -> std::result::Result<(String, usize), String> {
    let (name, number) = text.split_once('=').ok_or("write NAME=N, for example positions=64")?;
    let number = number.parse().ok().filter(|n| (1..=1 << 24).contains(n));
    Ok((name.into(), number.ok_or("the extent is a whole number from 1 to 16777216")?))
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Which network.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Arguments of `forward`.
#[derive(Debug, Args)]
pub struct ForwardArgs {
    /// Which network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Arrays (.npz), named as the network's inputs, with the batch axis where the file has it
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the outputs go (.npz), named as the network's
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// FP32 weights (safetensors) instead of those that came with the network
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub weights: Option<PathBuf>,
    /// Packed weights of a plan of this network (safetensors, from `run` or `switch`): runs its quantised form
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Samples that are run at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_size: u32,
}
