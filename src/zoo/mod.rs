//! Networks built in: builders of graphs.

mod architecture;
mod resnet;
mod resnet8_keras;

pub use architecture::Architecture;
pub use resnet::{resnet8, resnet20};
pub use resnet8_keras::resnet8_keras;
