"""Cases of element-wise arithmetic, comparisons, reductions, and of the ways in which a file stores its constants."""

import numpy
import onnx
from onnx import helper, numpy_helper

from case import build

SHAPE = (3, 4, 5)


def elementwise():
    """One operand, two operands with broadcasting, several operands."""
    unary = {"Abs": 11, "Neg": 13, "Exp": 17, "Erf": 13, "Floor": 13, "Ceil": 21, "Round": 11, "Sin": 17, "Cos": 22,
             "Sign": 13}  # fmt: skip
    for operator, opset in unary.items():
        yield build(operator.lower(), opset, [f"y = {operator}(x)"], x=SHAPE)
    positive = numpy.linspace(0.1, 3, 60).reshape(SHAPE)
    for operator in ("Sqrt", "Log", "Reciprocal"):
        yield build(operator.lower(), 13, [f"y = {operator}(x)"], x=positive)
    halves = numpy.arange(-6, 6).reshape(3, 4) / 2 + 0.5
    yield build("round_halves", 13, ["y = Round(x)"], x=halves)
    for operator in ("Add", "Sub", "Mul", "Div"):
        name = operator.lower()
        yield build(f"{name}_constant_right", 13, [f"y = {operator}(x, c)"], {"c": (4, 1)}, x=SHAPE)
        yield build(f"{name}_constant_left", 11, [f"y = {operator}(c, x)"], {"c": (5,)}, x=SHAPE)
        yield build(f"{name}_broadcast_inputs", 17, [f"y = {operator}(a, b)"], a=(3, 4, 1), b=(3, 1, 5))
        yield build(f"{name}_same_input", 21, [f"y = {operator}(x, x)"], x=SHAPE)
    yield build("pow_constant", 13, ["y = Pow(x, c)"], {"c": numpy.float32(3)}, x=SHAPE)
    yield build("pow_integer_exponent", 15, ["y = Pow(x, c)"], {"c": numpy.int64(2)}, x=SHAPE)
    yield build("pow_half", 13, ["y = Pow(x, c)"], {"c": numpy.float32(-0.5)}, x=positive)
    yield build("pow_of_constant", 13, ["y = Pow(c, x)"], {"c": numpy.float32(2)}, x=SHAPE)
    for operator in ("Min", "Max", "Sum", "Mean"):
        yield build(operator.lower(), 13, [f"y = {operator}(a, b, c)"], {"c": (5,)}, a=SHAPE, b=(3, 1, 5))


def choosing():
    """Comparisons, logic, casts, and Where."""
    zero = {"zero": numpy.float32(0)}
    yield build("where_greater", 13, ["g = Greater(x, zero)", "y = Where(g, x, c)"], {**zero, "c": (5,)}, x=SHAPE)
    yield build("where_mask", 13, ["y = Where(mask, x, c)"],
                {"mask": numpy.tri(5, dtype=bool)[None], "c": numpy.float32(-1e9)}, x=(3, 5, 5))  # fmt: skip
    yield build("where_input_mask", 17, ["b = Cast <to = 9> (mask)", "n = Not(b)", "y = Where(n, c, x)"],
                {"c": numpy.float32(-3)}, x=SHAPE,
                mask=numpy.array([[[1], [0], [1], [1]], [[0], [0], [1], [0]], [[1], [1], [1], [1]]]))  # fmt: skip
    yield build("bool_input", 13, ["y = Where(mask, x, c)"], {"c": (4, 5)}, x=SHAPE,
                mask=numpy.array([True, False, True]).reshape(3, 1, 1))  # fmt: skip
    yield build("comparisons", 13,
                ["l = Less(x, c)", "g = GreaterOrEqual(x, d)", "a = And(l, g)", "o = Or(a, l)", "n = Not(o)",
                 "y = Cast <to = 1> (n)", "z = Cast <to = 1> (a)"],
                {"c": numpy.float32(0.5), "d": numpy.float32(-0.5)}, x=SHAPE)  # fmt: skip
    yield build("equal_padding", 13, ["e = Equal(ids, pad)", "y = Cast <to = 1> (e)"], {"pad": numpy.int64(0)},
                ids=numpy.array([[1, 2, 0, 0], [3, 0, 0, 0], [5, 4, 2, 1]]))  # fmt: skip
    yield build("cast_to_integer", 13, ["i = Cast <to = 7> (x)", "y = Cast <to = 1> (i)"],
                x=3 * numpy.linspace(-1, 1, 12).reshape(3, 4))  # fmt: skip
    yield build("additive_mask", 13,
                ["f = Cast <to = 1> (mask)", "u = Unsqueeze(f, axes)", "i = Sub(one, u)", "m = Mul(i, low)",
                 "a = Add(x, m)", "y = Softmax <axis = -1> (a)"],
                {"axes": numpy.array([1, 2]), "one": numpy.float32(1), "low": numpy.float32(-1e4)}, x=(3, 2, 4, 4),
                mask=numpy.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]))  # fmt: skip


def reductions():
    """Reductions by attribute and by input, with and without the axes that they leave."""
    attribute = {"ReduceMean": (13, "[2, 3]", 1), "ReduceMax": (11, "[1]", 0), "ReduceMin": (13, "[-1]", 1),
                 "ReduceL2": (13, "[1, 2]", 0), "ReduceL1": (17, "[1]", 1), "ReduceProd": (17, "[3]", 0),
                 "ReduceSumSquare": (11, "[1, 3]", 1), "ReduceLogSumExp": (13, "[-1]", 1),
                 "ReduceSum": (11, "[2, 3]", 0)}  # fmt: skip
    for operator, (opset, axes, keep) in attribute.items():
        yield build(f"{operator.lower()}_attribute", opset, [f"y = {operator} <axes = {axes}, keepdims = {keep}> (x)"],
                    x=(3, 4, 3, 5))  # fmt: skip
    for operator, opset in {
        "ReduceSum": 13,
        "ReduceMean": 18,
        "ReduceMax": 20,
        "ReduceMin": 18,
        "ReduceL2": 21,
    }.items():
        for keep in (0, 1):
            yield build(f"{operator.lower()}_input_{keep}", opset, [f"y = {operator} <keepdims = {keep}> (x, axes)"],
                        {"axes": numpy.array([-1, 2])}, x=(3, 4, 3, 5))  # fmt: skip
    yield build("reduce_all", 13, ["y = ReduceMean <keepdims = 0> (x)"], free=False, x=(2, 3, 4))
    yield build("arg_max", 13, ["y = ArgMax <axis = 1, keepdims = 0> (x)"], x=(3, 6))
    yield build("cumulative_sum", 14, ["y = CumSum(x, axis)"], {"axis": numpy.int64(1)}, x=(3, 4, 5))


def typed(name, kind, values):
    """A tensor whose values stand in the field of its type, not in raw bytes."""
    return helper.make_tensor(name, kind, values.shape, values.ravel().tolist())


def storage():
    """Constants in every form in which files hold them."""
    case = build("initializers_in_typed_fields", 13, ["m = Gemm(x, w, b)", "y = Reshape(m, s)"],
                 {"w": (6, 4), "b": (4,), "s": numpy.array([-1, 2, 2])}, x=(3, 6))  # fmt: skip
    tensors = [numpy_helper.to_array(t) for t in case.model.graph.initializer]
    names = [t.name for t in case.model.graph.initializer]
    del case.model.graph.initializer[:]
    for name, values in zip(names, tensors, strict=True):
        kind = onnx.TensorProto.INT64 if values.dtype == numpy.int64 else onnx.TensorProto.FLOAT
        case.model.graph.initializer.append(typed(name, kind, values))
    yield case
    case = build("initializers_also_inputs", 8, ["y = Conv(x, w, b)"], {"w": (4, 2, 3, 3), "b": (4,)}, x=(3, 2, 5, 5))
    case.model.ir_version = 3
    case.model.graph.input.extend(
        helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in case.model.graph.initializer)  # fmt: skip
    yield case
    generator = numpy.random.default_rng(9)
    half = generator.standard_normal((6, 4)).astype(numpy.float16)
    yield build("half_precision_weights", 13, ["f = Cast <to = 1> (w)", "y = MatMul(x, f)"], {"w": half}, x=(3, 6))
    case = build("double_constant", 13, ["f = Cast <to = 1> (w)", "y = Mul(x, f)"], {"w": (6,)}, x=(3, 6))
    case.model.graph.initializer[0].CopyFrom(numpy_helper.from_array(generator.standard_normal(6), "w"))
    yield case
    yield build("constant_attributes", 13,
                ["a = Constant <value_float = 0.5> ()", "b = Constant <value_floats = [1.0, 2.0, 3.0]> ()",
                 "s = Constant <value_ints = [-1, 3]> ()", "r = Reshape(x, s)", "m = Mul(r, b)", "y = Add(m, a)"],
                x=(3, 6))  # fmt: skip
    yield build("unused_values", 13, ["a = Relu(x)", "b = Sigmoid(x)", "y = Neg(a)"], {"unused": (5,)}, outputs=["y"],
                x=(3, 6))  # fmt: skip
    yield build("inner_value_is_output", 13, ["a = Relu(x)", "y = Neg(a)"], outputs=["a", "y"], x=(3, 6))
    yield build("fixed_batch", 13, ["c = Conv <pads = [1, 1, 1, 1]> (x, w)", "r = Relu(c)", "y = Reshape(r, s)"],
                {"w": (4, 2, 3, 3), "s": numpy.array([1, 100])}, free=False, x=(1, 2, 5, 5))  # fmt: skip


def cases():
    """All of this file."""
    for group in (elementwise, choosing, reductions, storage):
        yield from group()
