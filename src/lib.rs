//! Mixed-precision quantisation: the best bit-width for every layer of a network, with a proof, and the weights that run
//! at it.
//!
//! ```text
//! minimise    Σ_l Ω_{l,c(l)}                          sensitivity of layer l at its candidate c(l)
//! subject to  Σ_l cost^k_{l,c(l)} ≤ budget^k          for every budget k: bit operations, weight bytes, mean bits
//! ```
//!
//! with `Ω_{l,c} = t̄_l · ‖Ŵ_{l,c} − W_l‖² + 2 D_{l,c}`: mean Hessian trace times squared disturbance of the weights, plus
//! what the activations lose.
//!
//! | symbol | is | where |
//! |-|-|-|
//! | `W`, `Ŵ_b` | weights, and their form at `b` bits | [`quant`] |
//! | `q_h`, `q_b`, `s_h` | integer master, codes at `b` bits derived from it, its scales (Double Rounding) | [`quant::weights`] |
//! | `t_l`, `t̄_l` | trace of layer `l`'s Hessian block, divided by its weights | [`sensitivity`] |
//! | `σ`, `p(b)` | probability that a layer leaves the step's precision, and what it then draws (HASB) | [`sampling`] |
//! | `λ_b`, `η_b` | learning rate of quantisation scales at `b` bits (ALRS) | [`supernet`] |
//! | `c` | a candidate: bits of a layer's weights and of its input, `w4a8`, or of its weights alone, `w4a16` | [`space::Candidate`] |
//! | configuration | one candidate for each layer | [`scheme`] |
//!
//! The pipeline ([`run`]) is a chain of plain values with a file for each:
//!
//! ```text
//! space.yaml ─► FP32 model ─► sensitivity.json ─► table.json ─► plan.json ─┐
//!                    └──────► SuperNet ─────────► master (int8) ───────────┴► packed weights ─► evaluation, report
//! ```
//!
//! Modules import one way, in the order below (a test reads the `use` lines): `error`, `progress`, `numeric`, `store`,
//! `quant`, `space`, `graph`, `zoo`, `onnx`, `hugging_face`, `model`, `export`, `data`, `exec`, `scheme`, `trace`, `sensitivity`,
//! `sampling`, `supernet`, `table`, `latency`, `solve`, `plan`, `report`, `run`, `cli`.

pub mod cli;
pub mod data;
pub mod error;
pub mod exec;
pub mod export;
pub mod graph;
pub mod hugging_face;
pub mod latency;
pub mod model;
pub mod numeric;
pub mod onnx;
pub mod plan;
pub mod progress;
pub mod quant;
pub mod report;
pub mod run;
pub mod sampling;
pub mod scheme;
pub mod sensitivity;
pub mod solve;
pub mod space;
pub mod store;
pub mod supernet;
pub mod table;
pub mod trace;
pub mod zoo;

/// Version of the program; part of every stage's key.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
