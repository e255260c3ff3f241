//! The checks that every section shares: a value as written becomes a value in its range, or an error at its place.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_saphyr::Spanned;

use super::ranged::{Real, Whole};
use super::raw::Text;
use super::yaml;
use crate::error::ValueFault;
use crate::error::fault::quoted;
use crate::error::{Error, Result};

/// A value that remembers where it was written, for errors that only a model can reveal.
///
/// Equality and the serialised form are the value's: the same search space in another file gives the same results.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    place: String,
}

impl<T> Located<T> {
    /// The error that `fault` is, at this place.
    pub(crate) fn fault(&self, fault: ValueFault) -> Error {
        Error::input(&self.place, fault.found, fault.expected, fault.remedy)
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// Checks values of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checker<'a> {
    pub file: &'a Path,
}

impl Checker<'_> {
    /// The error that `fault` is, where `at` was written.
    pub(super) fn fault<T>(self, at: &Spanned<T>, fault: ValueFault) -> Error {
        let ValueFault { found, expected, remedy } = fault;
        Error::input(yaml::place(self.file, &at.referenced), found, expected, remedy)
    }

    /// `value` with the place of `at`.
    pub(super) fn located<T, U>(self, at: &Spanned<T>, value: U) -> Located<U> {
        Located { value, place: yaml::place(self.file, &at.referenced) }
    }

    /// Anything that can be parsed.
    pub(super) fn parsed<T: FromStr<Err = ValueFault>>(self, raw: &Text) -> Result<T> {
        raw.value.parse().map_err(|fault| self.fault(raw, fault))
    }

    /// A whole number.
    pub(super) fn whole<T: TryFrom<u64>>(self, raw: &Text, range: Whole) -> Result<T> {
        let number = raw.value.parse().ok().filter(|&number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.outside(raw, range))
    }

    /// A power of two.
    pub(super) fn power_of_two(self, raw: &Text, range: Whole) -> Result<usize> {
        let number = raw.value.parse().ok().filter(|&number: &u64| range.contains(number) && number.is_power_of_two());
        let Whole(first, last) = range;
        number
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| self.outside(raw, format!("a power of two from {first} to {last}")))
    }

    /// A whole number, or its default.
    pub(super) fn whole_or<T: TryFrom<u64>>(self, raw: &Option<Text>, default: T, range: Whole) -> Result<T> {
        raw.as_ref().map_or(Ok(default), |raw| self.whole(raw, range))
    }

    /// A real number.
    pub(super) fn real(self, raw: &Text, range: Real) -> Result<f64> {
        raw.value.parse().ok().filter(|&number| range.contains(number)).ok_or_else(|| self.outside(raw, range))
    }

    /// A real number, or its default.
    pub(super) fn real_or(self, raw: &Option<Text>, default: f64, range: Real) -> Result<f64> {
        raw.as_ref().map_or(Ok(default), |raw| self.real(raw, range))
    }

    /// A path, as written.
    pub(super) fn path(self, raw: &Text) -> Result<PathBuf> {
        if raw.value.is_empty() || raw.value.contains('\0') {
            return Err(self.fault(raw, ValueFault::new(quoted(&raw.value), "the path of a file", "")));
        }
        Ok(PathBuf::from(&raw.value))
    }

    /// A name for a file or folder: `[a-z0-9_-]+`, at most 64 characters.
    pub(super) fn name(self, raw: &Text) -> Result<String> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&raw.value.len()) && raw.value.bytes().all(allowed) {
            return Ok(raw.value.clone());
        }
        let expected = "1 to 64 of the characters a-z, 0-9, `_` and `-`";
        Err(self.fault(raw, ValueFault::new(quoted(&raw.value), expected, "the name is also that of a file or folder")))
    }

    /// A list that is not empty.
    pub(super) fn filled<'a, T>(self, list: &'a Spanned<Vec<T>>, of: &str) -> Result<&'a [T]> {
        if list.value.is_empty() {
            return Err(self.fault(list, ValueFault::new("an empty list", format!("at least one {of}"), "")));
        }
        Ok(&list.value)
    }

    fn outside(self, raw: &Text, range: impl ToString) -> Error {
        self.fault(raw, ValueFault::new(quoted(&raw.value), range.to_string(), ""))
    }
}
