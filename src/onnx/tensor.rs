//! A constant of an ONNX file in one of three element kinds.

/// What the elements of a value are. The width is not kept: a bitplan model computes in 32-bit floats and
/// 64-bit integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementKind {
    /// Any float that the reader knows: 16, 32 or 64 bits, or bfloat16.
    Float,
    /// Any integer, signed or unsigned.
    Int,
    /// Truth values.
    Bool,
}

impl ElementKind {
    /// The kind in a message.
    pub fn word(self) -> &'static str {
        match self {
            ElementKind::Float => "floats",
            ElementKind::Int => "integers",
            ElementKind::Bool => "truth values",
        }
    }
}

/// The elements of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Floats; 64-bit floats of a file are rounded to the nearest 32-bit float.
    Float(Vec<f32>),
    /// Integers of all widths.
    Int(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::Float(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Bool(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the elements are.
    pub fn kind(&self) -> ElementKind {
        match self {
            Data::Float(_) => ElementKind::Float,
            Data::Int(_) => ElementKind::Int,
            Data::Bool(_) => ElementKind::Bool,
        }
    }

    /// The elements at the given positions, in their order; positions that do not exist are left out.
    pub fn pick(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        fn of<T: Copy>(values: &[T], positions: impl IntoIterator<Item = usize>) -> Vec<T> {
            positions.into_iter().filter_map(|p| values.get(p).copied()).collect()
        }
        match self {
            Data::Float(v) => Data::Float(of(v, positions)),
            Data::Int(v) => Data::Int(of(v, positions)),
            Data::Bool(v) => Data::Bool(of(v, positions)),
        }
    }
}

/// A constant: elements with a shape; no dimensions are a scalar. The product of the shape is the number of elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// The elements, the last dimension fastest.
    pub data: Data,
}

impl Tensor {
    /// Integers in one dimension.
    pub fn of_ints(values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<i64> = values.into_iter().collect();
        Self { shape: vec![values.len()], data: Data::Int(values) }
    }

    /// Floats in one dimension.
    pub fn of_floats(values: impl IntoIterator<Item = f32>) -> Self {
        let values: Vec<f32> = values.into_iter().collect();
        Self { shape: vec![values.len()], data: Data::Float(values) }
    }

    /// An integer without dimensions.
    pub fn int(value: i64) -> Self {
        Self { shape: Vec::new(), data: Data::Int(vec![value]) }
    }

    /// A float without dimensions.
    pub fn float(value: f32) -> Self {
        Self { shape: Vec::new(), data: Data::Float(vec![value]) }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// What the elements are.
    pub fn kind(&self) -> ElementKind {
        self.data.kind()
    }

    /// The elements as integers, truth values as 0 and 1; `None` for floats.
    pub fn ints(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::Float(_) => None,
            Data::Int(v) => Some(v.clone()),
            Data::Bool(v) => Some(v.iter().map(|&b| i64::from(b)).collect()),
        }
    }

    /// The elements as floats: integers rounded to the nearest, truth values as 0 and 1.
    pub fn floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Float(v) => v.clone(),
            Data::Int(v) => v.iter().map(|&i| i as f32).collect(),
            Data::Bool(v) => v.iter().map(|&b| f32::from(u8::from(b))).collect(),
        }
    }

    /// The only element as a float; `None` unless there is exactly one.
    pub fn scalar(&self) -> Option<f64> {
        match &self.data {
            Data::Float(v) => <[f32; 1]>::try_from(&v[..]).ok().map(|[x]| f64::from(x)),
            Data::Int(v) => <[i64; 1]>::try_from(&v[..]).ok().map(|[x]| x as f64),
            Data::Bool(v) => <[bool; 1]>::try_from(&v[..]).ok().map(|[x]| f64::from(u8::from(x))),
        }
    }

    /// The only element as an integer; `None` for a float, or unless there is exactly one.
    pub fn scalar_int(&self) -> Option<i64> {
        match &self.data {
            Data::Float(_) => None,
            Data::Int(v) => <[i64; 1]>::try_from(&v[..]).ok().map(|[x]| x),
            Data::Bool(v) => <[bool; 1]>::try_from(&v[..]).ok().map(|[x]| i64::from(x)),
        }
    }
}
