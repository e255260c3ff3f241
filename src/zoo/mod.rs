//! Networks built in: builders of graphs.

mod architecture;
mod resnet;

pub use architecture::Architecture;
pub use resnet::{resnet8, resnet20};
