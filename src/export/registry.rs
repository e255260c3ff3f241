//! The formats by name.

use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, either, quoted};
use crate::export::{
    Aimet, AutoRound, Bitplan, CompressedTensors, Format, Gguf, LiteRt, Mlx, ModelOpt, Onnx, Onnx25, OnnxNpu, Qonnx,
    QonnxPowerOfTwo,
};

/// Every format, in the order of help texts.
pub const FORMATS: [&dyn Format; 13] = [
    &Onnx,
    &Onnx25,
    &OnnxNpu,
    &Qonnx,
    &QonnxPowerOfTwo,
    &CompressedTensors,
    &Gguf,
    &Mlx,
    &AutoRound,
    &Aimet,
    &LiteRt,
    &ModelOpt,
    &Bitplan,
];

/// The format of a name.
///
/// # Errors
/// When there is none.
pub fn format_of(name: &str) -> Result<&'static dyn Format, ValueFault> {
    let names = || FORMATS.iter().map(|format| format.name());
    let unknown = || ValueFault::new(quoted(name), either(names()), did_you_mean(name, names(), ""));
    FORMATS.iter().copied().find(|format| format.name() == name).ok_or_else(unknown)
}
