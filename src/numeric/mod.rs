//! The leaf of the crate: random streams and statistics, all in f64, without any knowledge of networks or files.
//!
//! | module | has |
//! |-|-|
//! | [`rng`] | named, counter-based random streams: the only source of randomness |
//! | [`rank`] | rank correlations of Spearman and Kendall |
//! | [`stats`] | mean, variance, standard error, chi-square test |
//! | [`dual`] | dual numbers: exact derivatives of whatever is written over [`dual::Number`] |
//! | [`beta`] | the regularised incomplete beta function, for binomial and t probabilities |
//! | [`student`] | quantiles of Student's t distribution |
//! | [`gamma`] | log-gamma and the regularised incomplete gamma function, for p-values |
//! | [`mod@sum`] | compensated sum |
//! | [`units`] | numbers with suffixes, `1.5G`, `300KiB` |

pub mod beta;
pub mod dual;
pub mod gamma;
pub mod rank;
pub mod rng;
pub mod stats;
pub mod student;
pub mod sum;
pub mod units;

pub use sum::sum;
pub use units::Quantity;
