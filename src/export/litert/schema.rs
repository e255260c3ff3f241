//! The tables of a TensorFlow Lite file that the exporter uses, by their field ids in `schema.fbs`, version 3 (TensorFlow,
//! `compiler/mlir/lite/schema`). No maintained crate has them without an inference engine, so they are written slot by slot.

use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, UnionWIPOffset, WIPOffset};

/// Runtimes map a file into memory and compute on its buffers in place; the schema forces this alignment, bytes.
const ALIGNMENT: usize = 16;
/// Bytes of a flatbuffer's head: offset of the root and the file's identifier.
const HEAD: usize = 8;
const IDENTIFIER: &str = "TFL3";
/// Numbers of operators from here on do not fit the field of a byte that older runtimes read.
const LARGEST_OLD_NUMBER: i32 = 127;

type Table = WIPOffset<TableFinishedWIPOffset>;

/// `TensorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float32 = 0,
    Int32 = 2,
    Int8 = 9,
    /// Two in a byte, the first in the low bits.
    Int4 = 17,
}

/// `BuiltinOperator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Add = 0,
    AveragePool2d = 1,
    Concatenation = 2,
    Conv2d = 3,
    DepthwiseConv2d = 4,
    Dequantize = 6,
    FullyConnected = 9,
    Logistic = 14,
    MaxPool2d = 17,
    Mul = 18,
    Relu = 19,
    Relu6 = 21,
    Reshape = 22,
    Softmax = 25,
    Tanh = 28,
    Pad = 34,
    Transpose = 39,
    Mean = 40,
    StridedSlice = 45,
    Maximum = 55,
    Minimum = 57,
    PadV2 = 60,
    Quantize = 114,
    HardSwish = 117,
}

/// `real = scale · (code − zero point)`, one scale for each slice along an axis, or one for all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantization {
    pub scale: Vec<f32>,
    /// The same for every scale.
    pub zero_point: i64,
    /// The axis.
    pub dimension: i32,
}

/// A tensor; those without data are computed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub name: String,
    pub shape: Vec<i32>,
    pub element: Element,
    pub data: Vec<u8>,
    pub quantization: Option<Quantization>,
}

/// A field of an operator's options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field {
    Byte(i8),
    Int(i32),
    Float(f32),
    Flag(bool),
}

/// Options of an operator: number of the table in the union `BuiltinOptions`, 0 for none, and fields by id.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Options {
    pub table: u8,
    pub fields: Vec<(u16, Field)>,
}

/// A step of the network; tensors by index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operator {
    pub builtin: Builtin,
    /// The first version of the operator that does what is asked.
    pub version: i32,
    pub options: Options,
    pub inputs: Vec<i32>,
    pub output: i32,
}

/// A network with one input and one output.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Model {
    pub description: String,
    pub tensors: Vec<Tensor>,
    pub operators: Vec<Operator>,
    pub input: i32,
    pub output: i32,
}

impl Model {
    /// The file. Its data must stay below 2 GiB, the limit of offsets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = FlatBufferBuilder::new();
        // Data goes first, so that it ends up at the end of the file, which is built backwards.
        let mut buffers = vec![buffer(&mut file, &[])];
        buffers.extend(self.tensors.iter().filter(|t| !t.data.is_empty()).map(|t| buffer(&mut file, &t.data)));
        let mut next = 0;
        let tensors: Vec<Table> = self
            .tensors
            .iter()
            .zip(0..)
            .map(|(t, index)| {
                next += u32::from(!t.data.is_empty());
                tensor(&mut file, t, if t.data.is_empty() { 0 } else { next }, index == self.input)
            })
            .collect();
        let mut codes: Vec<(Builtin, i32)> = Vec::new();
        let mut operators = Vec::new();
        for o in &self.operators {
            let code = (o.builtin, o.version);
            let index = codes.iter().position(|&c| c == code).unwrap_or(codes.len());
            if index == codes.len() {
                codes.push(code);
            }
            operators.push(operator(&mut file, o, index as u32));
        }
        let codes: Vec<Table> = codes.into_iter().map(|code| operator_code(&mut file, code)).collect();
        let graph = subgraph(&mut file, self, &tensors, &operators);
        let (codes, graphs) = (file.create_vector(&codes), file.create_vector(&[graph]));
        let (description, buffers) = (file.create_string(&self.description), file.create_vector(&buffers));
        let start = file.start_table();
        file.push_slot_always(slot(0), 3u32);
        file.push_slot_always(slot(1), codes);
        file.push_slot_always(slot(2), graphs);
        file.push_slot_always(slot(3), description);
        file.push_slot_always(slot(4), buffers);
        let root = file.end_table(start);
        align(&mut file, HEAD);
        file.finish(root, Some(IDENTIFIER));
        file.finished_data().to_vec()
    }
}

/// Place of a field in a table's directory, from its id.
const fn slot(id: u16) -> u16 {
    4 + 2 * id
}

/// Pads so that, after `length` more bytes, a multiple of the alignment stands behind them.
fn align(file: &mut FlatBufferBuilder<'_>, length: usize) {
    while !(file.unfinished_data().len() + length).is_multiple_of(ALIGNMENT) {
        file.push(0u8);
    }
}

fn buffer(file: &mut FlatBufferBuilder<'_>, data: &[u8]) -> Table {
    let data = (!data.is_empty()).then(|| {
        align(file, data.len());
        file.create_vector(data)
    });
    let start = file.start_table();
    if let Some(data) = data {
        file.push_slot_always(slot(0), data);
    }
    file.end_table(start)
}

fn tensor(file: &mut FlatBufferBuilder<'_>, tensor: &Tensor, buffer: u32, is_input: bool) -> Table {
    let quantization = tensor.quantization.as_ref().map(|q| quantization(file, q));
    let name = file.create_string(&tensor.name);
    let shape = file.create_vector(&tensor.shape);
    // The input's batch may be resized.
    let signature = is_input.then(|| {
        let free: Vec<i32> = [-1].into_iter().chain(tensor.shape.iter().skip(1).copied()).collect();
        file.create_vector(&free)
    });
    let start = file.start_table();
    file.push_slot_always(slot(0), shape);
    file.push_slot_always(slot(1), tensor.element as i8);
    file.push_slot_always(slot(2), buffer);
    file.push_slot_always(slot(3), name);
    if let Some(quantization) = quantization {
        file.push_slot_always(slot(4), quantization);
    }
    if let Some(signature) = signature {
        file.push_slot_always(slot(7), signature);
    }
    file.end_table(start)
}

fn quantization(file: &mut FlatBufferBuilder<'_>, quantization: &Quantization) -> Table {
    let scale = file.create_vector(&quantization.scale);
    let zero_point = file.create_vector(&vec![quantization.zero_point; quantization.scale.len()]);
    let start = file.start_table();
    file.push_slot_always(slot(2), scale);
    file.push_slot_always(slot(3), zero_point);
    file.push_slot_always(slot(6), quantization.dimension);
    file.end_table(start)
}

fn operator(file: &mut FlatBufferBuilder<'_>, operator: &Operator, code: u32) -> Table {
    let options = (operator.options.table != 0).then(|| {
        let start = file.start_table();
        for &(id, field) in &operator.options.fields {
            match field {
                Field::Byte(value) => file.push_slot_always(slot(id), value),
                Field::Int(value) => file.push_slot_always(slot(id), value),
                Field::Float(value) => file.push_slot_always(slot(id), value),
                Field::Flag(value) => file.push_slot_always(slot(id), value),
            }
        }
        file.end_table(start)
    });
    let (inputs, outputs) = (file.create_vector(&operator.inputs), file.create_vector(&[operator.output]));
    let start = file.start_table();
    file.push_slot_always(slot(0), code);
    file.push_slot_always(slot(1), inputs);
    file.push_slot_always(slot(2), outputs);
    if let Some(options) = options {
        file.push_slot_always(slot(3), operator.options.table);
        file.push_slot_always::<WIPOffset<UnionWIPOffset>>(slot(4), options.as_union_value());
    }
    file.end_table(start)
}

fn operator_code(file: &mut FlatBufferBuilder<'_>, (builtin, version): (Builtin, i32)) -> Table {
    let number = builtin as i32;
    let start = file.start_table();
    file.push_slot_always(slot(0), number.min(LARGEST_OLD_NUMBER) as i8);
    file.push_slot_always(slot(2), version);
    file.push_slot_always(slot(3), number);
    file.end_table(start)
}

fn subgraph(file: &mut FlatBufferBuilder<'_>, model: &Model, tensors: &[Table], operators: &[Table]) -> Table {
    let (tensors, operators) = (file.create_vector(tensors), file.create_vector(operators));
    let (inputs, outputs) = (file.create_vector(&[model.input]), file.create_vector(&[model.output]));
    let name = file.create_string("main");
    let start = file.start_table();
    file.push_slot_always(slot(0), tensors);
    file.push_slot_always(slot(1), inputs);
    file.push_slot_always(slot(2), outputs);
    file.push_slot_always(slot(3), operators);
    file.push_slot_always(slot(4), name);
    file.end_table(start)
}
