"""One case: a small ONNX model, its inputs, and the outputs that ONNX Runtime computes for them."""

import dataclasses
import zlib

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

BATCH = 3
# A free first axis is called so in the model.
FREE = "N"


@dataclasses.dataclass
class Case:
    """A model with inputs by name; `expected` are the outputs by someone else than ONNX Runtime, where there is one."""

    name: str
    model: onnx.ModelProto
    inputs: dict
    expected: list | None = None


def seed(name):
    """The seed of everything random in a case: cases that come or go leave the others as they are."""
    return zlib.crc32(name.encode())


def draw(generator, value):
    """A tuple is the shape of normal draws; anything else is the array itself."""
    if isinstance(value, tuple):
        return generator.standard_normal(value).astype(numpy.float32)
    array = numpy.asarray(value)
    return array.astype(numpy.float32) if array.dtype == numpy.float64 else array


def load(model):
    """A session of ONNX Runtime without its optimisations: every operator as it stands in the model."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model, inputs):
    """Outputs of ONNX Runtime by name."""
    session = load(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def value_type(name, array, free):
    """The declared type of a graph input: its first axis is free where the case says so."""
    shape = list(array.shape)
    if free and shape and shape[0] == BATCH:
        shape[0] = FREE
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape)


def output_type(name, full, less):
    """The declared type of an output, from two runs: an axis as long as the batch is free, others that vary unknown."""
    shape = [n if n == m else (FREE if (n, m) == (BATCH, BATCH - 1) else None)
             for n, m in zip(full.shape, less.shape, strict=True)]  # fmt: skip
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(full.dtype), shape)


def as_constant_nodes(graph):
    """Moves the initializers into Constant nodes."""
    nodes = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in graph.initializer]
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)


def build(name, opset, lines, constants=None, free=True, outputs=None, constant_nodes=False, **inputs):
    """A case from nodes in the textual form of ONNX, e.g. `y = Conv <strides = [2, 2]> (x, w)`.

    Inputs and constants are arrays, or shapes for normal draws. Outputs are, unless named, the values that no node
    reads. With `free`, every input axis 0 of BATCH elements is free.
    """
    generator = numpy.random.default_rng(seed(name))
    inputs = {key: draw(generator, value) for key, value in inputs.items()}
    tensors = [numpy_helper.from_array(draw(generator, value), key) for key, value in (constants or {}).items()]
    nodes = [onnx.parser.parse_node(line) for line in lines]
    read = {key for node in nodes for key in node.input}
    names = outputs or [key for node in nodes for key in node.output if key and key not in read]
    types = [value_type(key, array, free) for key, array in inputs.items()]
    graph = helper.make_graph(nodes, name, types, [helper.make_empty_tensor_value_info(key) for key in names], tensors)
    if constant_nodes:
        as_constant_nodes(graph)
    opsets = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(opsets)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=version, producer_name="onnx.helper")
    full = run(model, inputs)
    smaller = {key: array[: BATCH - 1] if array.shape[:1] == (BATCH,) else array for key, array in inputs.items()}
    less = run(model, smaller) if free else full
    del model.graph.output[:]
    model.graph.output.extend(output_type(key, full[key], less[key]) for key in names)
    return Case(name, model, inputs)
