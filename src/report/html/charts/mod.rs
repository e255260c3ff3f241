//! The charts of the page, each a function from the rows to a drawing; none if the run has not got to what it shows.

mod agreement;
mod compared_accuracy;
mod compared_bits;
mod compared_front;
mod draws;
mod front;
mod front_words;
mod layer_words;
mod layers;
mod line_ends;
mod memory;
mod network_words;
mod networks;
mod notes;
mod precisions;
#[cfg(test)]
mod reading;
mod scales;
mod training;
mod waterfall;
mod waterfall_steps;

pub use agreement::agreement;
pub use compared_accuracy::compared_accuracy;
pub use compared_bits::compared_bits;
pub use compared_front::compared_front;
pub use draws::draws;
pub use front::front;
pub use layers::layers;
pub use memory::memory;
pub use networks::networks;
pub use scales::scales;
pub use training::training;
pub use waterfall::waterfall;

#[cfg(test)]
mod css_tests;
