//! The two structures of a `model.bitplan`, as `examples/runtime/bitplan.h` declares them. All numbers are little-endian.

use crate::quant::Rounding;

/// First bytes of a file.
pub(super) const MAGIC: [u8; 8] = *b"BITPLAN\0";
/// Version of the layout.
pub(super) const VERSION: u32 = 1;
/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 64;
/// Bytes of an entry of the table.
pub(super) const ENTRY_BYTES: usize = 128;
/// Where the elements of a tensor may begin: a multiple of the widest vector register.
pub(super) const ALIGNMENT: usize = 64;
/// Most axes of a tensor.
pub(super) const AXES: usize = 8;

/// `bitplan_header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub tensors: u32,
    pub file_bytes: u64,
    pub table_at: u64,
    pub description: [u64; 2],
    pub activation_rounding: u32,
}

/// `bitplan_tensor`. Places are offsets in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub name_at: u64,
    pub name_bytes: u32,
    /// 0 for floats, 1 for codes.
    pub kind: u8,
    pub master_bits: u8,
    pub plan_bits: u8,
    pub rounding: u8,
    /// 0 where the input is not quantised.
    pub activation_bits: u8,
    pub activation_unsigned: u8,
    pub axes: u16,
    pub activation_scale: f32,
    pub extents: [u64; AXES],
    pub elements_at: u64,
    pub elements: u64,
    pub scales_at: u64,
    pub scales: u64,
    pub group: u64,
}

/// Reads fields one after the other; zeros behind the end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().map_or(([0; N], &[][..]), |(field, rest)| (*field, rest));
        self.0 = rest;
        field
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

impl Header {
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.tensors.to_le_bytes());
        for number in [self.file_bytes, self.table_at, self.description[0], self.description[1]] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.activation_rounding.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    /// None for another kind of file, or another version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.get(..HEADER_BYTES)?);
        let known = fields.take() == MAGIC && fields.u32() == VERSION;
        let header = Self {
            tensors: fields.u32(),
            file_bytes: fields.u64(),
            table_at: fields.u64(),
            description: [fields.u64(), fields.u64()],
            activation_rounding: fields.u32(),
        };
        known.then_some(header)
    }
}

impl Entry {
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.name_at.to_le_bytes().to_vec();
        bytes.extend(self.name_bytes.to_le_bytes());
        bytes.extend([self.kind, self.master_bits, self.plan_bits, self.rounding]);
        bytes.extend([self.activation_bits, self.activation_unsigned]);
        bytes.extend(self.axes.to_le_bytes());
        bytes.extend(self.activation_scale.to_le_bytes());
        let places = [self.elements_at, self.elements, self.scales_at, self.scales, self.group];
        bytes.extend(self.extents.iter().chain(&places).flat_map(|number| number.to_le_bytes()));
        bytes
    }

    pub fn read(bytes: &[u8]) -> Self {
        let mut fields = Fields(bytes);
        let (name_at, name_bytes) = (fields.u64(), fields.u32());
        let [kind, master_bits, plan_bits, rounding, activation_bits, activation_unsigned] = fields.take();
        Self {
            name_at,
            name_bytes,
            kind,
            master_bits,
            plan_bits,
            rounding,
            activation_bits,
            activation_unsigned,
            axes: u16::from_le_bytes(fields.take()),
            activation_scale: f32::from_le_bytes(fields.take()),
            extents: std::array::from_fn(|_| fields.u64()),
            elements_at: fields.u64(),
            elements: fields.u64(),
            scales_at: fields.u64(),
            scales: fields.u64(),
            group: fields.u64(),
        }
    }
}

/// The number of a mode in the file: its place in [`Rounding::ALL`].
pub(super) fn rounding_number(rounding: Rounding) -> u8 {
    rounding as u8
}

/// The mode of a number, if it is one.
pub(super) fn rounding_of(number: u32) -> Option<Rounding> {
    Rounding::ALL.into_iter().find(|&mode| u32::from(rounding_number(mode)) == number)
}
