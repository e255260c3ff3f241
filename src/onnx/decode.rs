//! Tensors of the format as ours. Sizes are compared with the bytes that are there before memory is taken.

use crate::error::fault::quoted;
use crate::error::{Error, Result};

use super::element::Element;
use super::external::ExternalFiles;
use super::proto::TensorProto;
use super::proto::tensor_proto::DataLocation;
use super::tensor::{Data, ElementKind, Tensor};

/// The most elements that a shape may describe, sizes of zero counted as one: products of sizes never overflow.
const MAX_SHAPE: usize = 1 << 48;

/// The most dimensions of a shape, as in numpy.
pub(super) const MAX_RANK: usize = 64;

/// Number of elements of a shape; `None` if its product without the zeros is above 2⁴⁸ or it has more than 64 sizes.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.len() > MAX_RANK {
        return None;
    }
    let positive = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)).filter(|&n| n <= MAX_SHAPE))?;
    Some(if shape.contains(&0) { 0 } else { positive })
}

/// Reads a tensor; `role` is what it is in messages, as "initializer".
pub(super) fn tensor(proto: &TensorProto, role: &str, files: &mut ExternalFiles) -> Result<Tensor> {
    let name = proto.name.as_deref().unwrap_or("");
    let place = format!("{}, {role} {}", files.place(), quoted(name));
    let wrong = |found: String, expected: &str, remedy: &str| Error::input(place.as_str(), found, expected, remedy);
    let export = "export the model again, or download it again";

    let code = proto.data_type.unwrap_or(0);
    let element = Element::from_code(code).map_err(|found| {
        wrong(found, "floats of 16 to 64 bits, integers of 2 to 64 bits or truth values", "convert the model's tensors")
    })?;
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = shape.ok_or_else(|| {
        wrong(format!("shape {}", quoted(&format!("{:?}", proto.dims))), "sizes of 0 or more", export)
    })?;
    let sizes = element_count(&shape).and_then(|n| Some((n, element.bytes(n)?)));
    let shown = || quoted(&format!("{shape:?}"));
    let too_large = || wrong(format!("shape {}", shown()), "at most 2⁴⁸ elements in 64 dimensions", export);
    let (count, bytes) = sizes.ok_or_else(too_large)?;
    if proto.segment.is_some() {
        return Err(wrong("a tensor in segments".into(), "a whole tensor", export));
    }

    let above = |v: u64| wrong(format!("the integer {v}"), "integers up to 2⁶³ - 1", "");
    let has_external = proto.data_location == Some(DataLocation::External as i32) || !proto.external_data.is_empty();
    let raw = proto.raw_data.as_ref().filter(|raw| !raw.is_empty());
    let typed = typed_fields(proto);
    if usize::from(has_external) + usize::from(raw.is_some()) + usize::from(typed > 0) > 1 {
        return Err(wrong("its elements more than once".into(), "one field with the elements", export));
    }
    let data = if has_external {
        let content = files.read(&place, &proto.external_data, bytes)?;
        element.read(&content, count).map_err(above)?
    } else if let Some(raw) = raw {
        if raw.len() != bytes {
            let expected = format!("{bytes} for shape {}", shown());
            return Err(wrong(format!("{} bytes", raw.len()), &expected, export));
        }
        element.read(raw, count).map_err(above)?
    } else {
        let entries = if element.bits() < 8 { bytes } else { count };
        let (found, data) = typed_data(proto, element, count);
        if found != entries || typed != entries {
            let expected = format!("{entries} for shape {}", shown());
            return Err(wrong(format!("{found} numbers in the field of its type"), &expected, export));
        }
        data.map_err(|value| wrong(format!("the number {value}"), "numbers that its element type has", export))?
    };
    Ok(Tensor { shape, data })
}

/// Entries of all fields with elements.
fn typed_fields(proto: &TensorProto) -> usize {
    let whole = proto.int32_data.len() + proto.int64_data.len() + proto.uint64_data.len();
    whole + proto.float_data.len() + proto.double_data.len() + proto.string_data.len()
}

/// Number of entries of the field that the element type uses, and the elements; the error is a value that the type
/// has not.
fn typed_data(proto: &TensorProto, element: Element, count: usize) -> (usize, Result<Data, String>) {
    match (element.kind(), element.bits(), element.is_signed()) {
        (ElementKind::Float, 32, _) => (proto.float_data.len(), Ok(Data::Float(proto.float_data.clone()))),
        (ElementKind::Float, 64, _) => {
            let rounded = proto.double_data.iter().map(|&v| v as f32).collect();
            (proto.double_data.len(), Ok(Data::Float(rounded)))
        }
        (ElementKind::Int, 64, true) => (proto.int64_data.len(), Ok(Data::Int(proto.int64_data.clone()))),
        (ElementKind::Int, 32 | 64, false) => {
            let values = proto.uint64_data.iter().map(|&v| i64::try_from(v).map_err(|_| v.to_string()));
            (proto.uint64_data.len(), values.collect::<Result<_, _>>().map(Data::Int))
        }
        _ => (proto.int32_data.len(), from_int32(&proto.int32_data, element, count)),
    }
}

/// Elements from 32-bit numbers: one each, or one packed byte each.
fn from_int32(numbers: &[i32], element: Element, count: usize) -> Result<Data, String> {
    let (low, high) = if element.bits() < 8 { (-128, 255) } else { element.code_range() };
    if let Some(outside) = numbers.iter().find(|&&v| !(low..=high).contains(&i64::from(v))) {
        return Err(outside.to_string());
    }
    let bytes: Vec<u8> = match element.kind() {
        ElementKind::Bool => numbers.iter().map(|&v| u8::from(v != 0)).collect(),
        _ => {
            let width = element.bits().div_ceil(8);
            numbers.iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect()
        }
    };
    element.read(&bytes, count).map_err(|v| v.to_string())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
