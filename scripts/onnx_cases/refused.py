"""Models that are valid ONNX and no feed-forward network: an importer must refuse each with a message."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING


def value(name, kind=FLOAT, shape=None):
    """The type of a graph input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def model(name, nodes, inputs, outputs, constants=None, opset=17, domains=(), functions=()):
    """A name with its model; nodes as text or as protobufs."""
    nodes = [onnx.parser.parse_node(node) if isinstance(node, str) else node for node in nodes]
    tensors = [numpy_helper.from_array(array, key) for key, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return name, helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions,
                                   producer_name="onnx.helper")  # fmt: skip


def draws(*shape):
    """Normal draws."""
    return numpy.random.default_rng(3).standard_normal(shape).astype(numpy.float32)


def recurrent():
    """LSTM, GRU."""
    for operator, gates in (("LSTM", 4), ("GRU", 3)):
        yield model(operator.lower(), [f"y = {operator} <hidden_size = 4> (x, w, r)"], [value("x", shape=[5, "N", 3])],
                    [value("y", shape=[5, 1, "N", 4])],
                    {"w": draws(1, 4 * gates, 3), "r": draws(1, 4 * gates, 4)})  # fmt: skip


def control():
    """If, Loop, Scan."""
    then, other = (
        helper.make_graph([onnx.parser.parse_node(f"z = {operator}(x)")], operator, [], [value("z", shape=[3, 4])])
        for operator in ("Relu", "Neg")
    )
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    yield model("if", [node], [value("x", shape=[3, 4]), value("c", BOOL, [])], [value("y", shape=[3, 4])])
    step = helper.make_graph([onnx.parser.parse_node(line) for line in ("h = Add(g, x)", "d = Identity(c)")], "step",
                             [value("i", INT64, []), value("c", BOOL, []), value("g", shape=[3, 4])],
                             [value("d", BOOL, []), value("h", shape=[3, 4])])  # fmt: skip
    yield model("loop", [helper.make_node("Loop", ["n", "", "x"], ["y"], body=step)], [value("x", shape=[3, 4])],
                [value("y", shape=[3, 4])], {"n": numpy.array(3)})  # fmt: skip
    step = helper.make_graph(
        [onnx.parser.parse_node(line) for line in ("t = Add(s, e)", "o = Identity(t)")],
        "step",
        [value("s", shape=[4]), value("e", shape=[4])],
        [value("t", shape=[4]), value("o", shape=[4])],
    )
    node = helper.make_node("Scan", ["s0", "x"], ["s1", "y"], body=step, num_scan_inputs=1)
    yield model("scan", [node], [value("x", shape=[3, 4])], [value("y", shape=[3, 4])], {"s0": draws(4)})


def foreign():
    """Operators of other domains, functions in the model."""
    yield model("custom_domain", ["y = com.example.Frobnicate <strength = 3> (x)"], [value("x", shape=["N", 4])],
                [value("y", shape=["N", 4])], domains=["com.example"])  # fmt: skip
    body = [onnx.parser.parse_node(line) for line in ("s = Sigmoid(a)", "b = Mul(a, s)")]
    swish = helper.make_function("local", "Swish", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    yield model("local_function", ["y = local.Swish(x)"], [value("x", shape=["N", 4])], [value("y", shape=["N", 4])],
                domains=["local"], functions=[swish])  # fmt: skip


def values():
    """Types and shapes that no network of this program has."""
    yield model("string_input", ["y = Identity(x)"], [value("x", STRING, ["N"])], [value("y", STRING, ["N"])])
    name, strings = model("string_tensor", ["e = Constant()", "y = Identity(x)"], [value("x", shape=["N", 4])],
                          [value("y", shape=["N", 4]), value("e", STRING, [2])])  # fmt: skip
    tensor = helper.make_tensor("t", STRING, [2], [b"cat", b"dog"])
    strings.graph.node[0].attribute.append(helper.make_attribute("value", tensor))
    yield name, strings
    yield model("sequence", ["s = SequenceConstruct(x, x)", "y = ConcatFromSequence <axis = 1> (s)"],
                [value("x", shape=["N", 4])], [value("y", shape=["N", 8])])  # fmt: skip
    yield model("non_zero", ["i = NonZero(x)", "y = Cast <to = 1> (i)"], [value("x", shape=[3, 4])],
                [value("y", shape=[2, None])])  # fmt: skip
    yield model("shape_is_an_input", ["y = Reshape(x, s)"], [value("x", shape=["N", 4]), value("s", INT64, [2])],
                [value("y", shape=[None, None])])  # fmt: skip
    name, outside = model("external_data_outside", ["y = Add(x, w)"], [value("x", shape=["N", 4])],
                          [value("y", shape=["N", 4])])  # fmt: skip
    weight = TensorProto(name="w", data_type=FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, entry in {"location": "../../../outside.bin", "offset": "0", "length": "16"}.items():
        weight.external_data.add(key=key, value=entry)
    outside.graph.initializer.append(weight)
    yield name, outside


def detection():
    """Boxes: data-dependent numbers of outputs."""
    constants = {"most": numpy.array([3]), "overlap": numpy.array([0.5], numpy.float32)}
    yield model("non_max_suppression", ["y = NonMaxSuppression(boxes, scores, most, overlap)"],
                [value("boxes", shape=[1, 6, 4]), value("scores", shape=[1, 2, 6])], [value("y", INT64, [None, 3])],
                constants)  # fmt: skip


def integer():
    """Arithmetic on integers; QuantizeLinear and DequantizeLinear stand for it in a network that can be read."""
    scale, zero = numpy.array(0.1, numpy.float32), numpy.array(0, numpy.int8)
    weight = numpy.random.default_rng(4).integers(-9, 9, (2, 2, 3, 3)).astype(numpy.int8)
    nodes = ["q = QuantizeLinear(x, a, z)", "c = QLinearConv(q, a, z, w, b, z, o, z)", "y = DequantizeLinear(c, o, z)"]
    yield model("qlinear_conv", nodes, [value("x", shape=["N", 2, 5, 5])], [value("y", shape=["N", 2, 3, 3])],
                {"a": scale, "b": scale, "o": 4 * scale, "z": zero, "w": weight})  # fmt: skip


# What ONNX Runtime cannot run either.
NOT_RUNNABLE = ("custom_domain", "external_data_outside")


def models():
    """Names and models."""
    for group in (recurrent, control, foreign, values, detection, integer):
        yield from group()
