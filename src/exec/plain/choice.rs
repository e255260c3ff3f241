//! Elements chosen among several tensors.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::plain::tensors::where_true;
use crate::graph::Function;

/// 1 where the first of the two last inputs is taken. NaN is kept.
fn first(function: &Function, x: &[&Tensor]) -> Result<Tensor> {
    let wrong = || Error::Internal(format!("{} inputs of a choice", x.len()));
    let (&a, &b) = x.first().zip(x.get(1)).ok_or_else(wrong)?;
    let number = |b: &Tensor| Ok::<_, Error>(b.eq(b)?);
    Ok(match function {
        Function::Larger => (b.le(a)? + a.ne(a)?)?.minimum(&number(b)?)?,
        Function::Smaller => (b.ge(a)? + a.ne(a)?)?.minimum(&number(b)?)?,
        _ => a.ne(&a.zeros_like()?)?,
    })
}

fn pair<'t>(function: &Function, x: &[&'t Tensor]) -> Result<[&'t Tensor; 2]> {
    match (function, x) {
        (Function::Select, &[_, a, b]) | (_, &[a, b]) => Ok([a, b]),
        _ => Err(Error::Internal(format!("{} inputs of a choice", x.len()))),
    }
}

/// The chosen elements.
pub(super) fn value(function: &Function, x: &[&Tensor]) -> Result<Tensor> {
    let [a, b] = pair(function, x)?;
    Ok(first(function, x)?.where_cond(a, b)?)
}

/// The gradient where it was taken from, zeros elsewhere.
pub(super) fn adjoint(function: &Function, x: &[&Tensor], g: &Tensor) -> Result<Vec<Tensor>> {
    let taken = first(function, x)?;
    let pair = [where_true(&taken, g)?, where_true(&taken.eq(0u8)?, g)?];
    let condition = (x.len() == 3).then(|| x[0].zeros_like()).transpose()?;
    Ok(condition.into_iter().chain(pair).collect())
}
