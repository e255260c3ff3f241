//! The section on training as written; see `raw`.

use serde::Deserialize;

use super::raw::Text;
use super::recipe::{Optimizer, Schedule};
use super::training::{Alrs, Sampling};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTraining {
    pub fp32: Option<RawFp32>,
    pub multi_precision: Option<RawMultiPrecision>,
    pub mixed_precision: Option<RawMixedPrecision>,
    pub checkpoint_every_steps: Option<Text>,
}

/// A training phase: the keys that every phase has, as a [`RawRecipe`], and its own.
macro_rules! phase {
    ($name:ident { $($key:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            epochs: Option<Text>,
            batch_size: Option<Text>,
            learning_rate: Option<Text>,
            weight_decay: Option<Text>,
            optimizer: Option<Optimizer>,
            schedule: Option<Schedule>,
            label_smoothing: Option<Text>,
            $(pub $key: Option<$kind>,)*
        }

        impl $name {
            /// The keys that every phase has.
            pub(super) fn recipe(&self) -> RawRecipe<'_> {
                RawRecipe {
                    epochs: &self.epochs,
                    batch_size: &self.batch_size,
                    learning_rate: &self.learning_rate,
                    weight_decay: &self.weight_decay,
                    optimizer: self.optimizer,
                    schedule: self.schedule,
                    label_smoothing: &self.label_smoothing,
                }
            }
        }
    };
}

phase!(RawFp32 {});
phase!(RawMultiPrecision { scale_learning_rate: Text, alrs: Alrs, distillation: RawDistillation });
phase!(RawMixedPrecision {
    scale_learning_rate: Text,
    alrs: Alrs,
    distillation: RawDistillation,
    sigma: Text,
    warmup_epochs: Text,
    sampling: Sampling,
    kappa: Text,
});

/// The keys that every training phase has.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawRecipe<'a> {
    pub epochs: &'a Option<Text>,
    pub batch_size: &'a Option<Text>,
    pub learning_rate: &'a Option<Text>,
    pub weight_decay: &'a Option<Text>,
    pub optimizer: Option<Optimizer>,
    pub schedule: Option<Schedule>,
    pub label_smoothing: &'a Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDistillation {
    pub weight: Option<Text>,
    pub temperature: Option<Text>,
}
