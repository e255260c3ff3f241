//! Networks built in: builders of graphs.

mod architecture;
mod efficientnet_lite;
mod initial;
mod llama;
mod mlp;
mod mobilenet_v2;
mod network;
mod partialnet;
mod parts;
mod resnet;
mod resnet8_keras;
mod resnet_imagenet;
mod ssd_lite;
mod unet_lite;
mod vit;

#[cfg(test)]
mod tests;

pub use architecture::Architecture;
pub use efficientnet_lite::efficientnet_lite0;
pub use initial::initial_values;
pub use llama::{LlamaSize, llama, llama_small};
pub use mlp::mlp;
pub use mobilenet_v2::mobilenet_v2;
pub use network::{Initial, Values, ZooNetwork};
pub use partialnet::{PartialNetSize, PartialNetVariant, partialnet};
pub use resnet::{resnet8, resnet20};
pub use resnet_imagenet::{resnet18, resnet50};
pub use resnet8_keras::resnet8_keras;
pub use ssd_lite::ssd_lite;
pub use unet_lite::unet_lite;
pub use vit::vit_tiny;
