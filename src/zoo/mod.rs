//! Networks built in: builders of graphs.

mod resnet;

pub use resnet::{resnet8, resnet20};
