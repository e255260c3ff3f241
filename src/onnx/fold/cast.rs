//! Casts between element types.

use crate::error::Result;

use super::super::element::Element;
use super::super::tensor::{Data, ElementKind, Tensor};
use super::call::Call;

/// Cast. A float becomes an integer towards zero, an integer keeps its lowest bits, what is not zero is true.
pub(super) fn cast(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let code = call.node.int("to", 0)?;
    let known = i32::try_from(code).map_err(|_| format!("element type {code}")).and_then(Element::from_code);
    let element =
        known.map_err(|found| call.wrong(format!("a cast to {found}"), "floats, integers or truth values"))?;
    let data = match (element.kind(), &input.data) {
        (ElementKind::Float, _) => Data::Float(input.floats().into_iter().map(|v| element.round_float(v)).collect()),
        (ElementKind::Int, Data::Float(v)) => Data::Int(v.iter().map(|&v| element.wrap(v as i64)).collect()),
        (ElementKind::Int, _) => {
            Data::Int(input.ints().unwrap_or_default().into_iter().map(|v| element.wrap(v)).collect())
        }
        (ElementKind::Bool, Data::Bool(v)) => Data::Bool(v.clone()),
        (ElementKind::Bool, Data::Int(v)) => Data::Bool(v.iter().map(|&v| v != 0).collect()),
        (ElementKind::Bool, Data::Float(v)) => Data::Bool(v.iter().map(|&v| v != 0.0).collect()),
    };
    Ok(Tensor { shape: input.shape.clone(), data })
}
