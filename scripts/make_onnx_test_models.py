"""Makes the ONNX files of tests/data/onnx/ (onnx 1.23.2, numpy 2).

Every case carries its own oracle: what onnx's reference evaluator (or numpy) makes of it stands in the same file as an
initializer `expected/NAME`, which the tests compare with what bitplan makes of NAME.

    python scripts/make_onnx_test_models.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "onnx"
rng = np.random.default_rng(7)


def f(*shape):
    """Floats of a shape, in thirds: not exact in 32 bits."""
    return (rng.integers(-12, 13, shape) / 3).astype(np.float32)


def i(*values):
    return np.array(values, np.int64)


def scalar(value, kind=np.int64):
    return np.array(value, kind)


def info(name, array):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def save(name, graph, opset):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path = FOLDER / name
    onnx.save(model, path)
    return model


def fold_cases():
    """(opset, operator, inputs, attributes, outputs): every operator that is folded, in every form."""
    a, b = f(2, 3, 4), f(3, 1)
    m, n = rng.integers(-9, 10, (2, 3)), rng.integers(1, 5, (3,))
    t, u = np.array([[True, False], [True, True]]), np.array([False, True])
    empty = np.zeros((0, 3), np.float32)
    nan = np.array([np.nan, 1, -0.0, np.inf, -np.inf, 0.5, 2.5, -1.5], np.float32)
    cases = []

    def case(opset, op, *inputs, n_outputs=1, **attributes):
        cases.append((opset, op, inputs, attributes, n_outputs))

    for op in ["Add", "Sub", "Mul", "Div", "Pow"]:
        case(14, op, np.abs(a) + 1, b)
        case(14, op, m if op != "Pow" else n, n)
    case(14, "Div", f(3), np.zeros(3, np.float32))
    case(14, "Pow", np.abs(a), scalar(2))
    case(14, "Mod", m, n)
    case(14, "Mod", m, -n)
    case(14, "Mod", m, n, fmod=1)
    case(14, "Mod", a, b + 0.25, fmod=1)
    case(14, "Mod", a, b + 0.25)
    for op in ["Min", "Max"]:
        case(14, op, a, b, f(4))
        case(14, op, m, n)
        case(14, op, nan, nan[::-1].copy())
        case(14, op, a)
    for op in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]:
        case(16, op, m, n)
        case(16, op, a, a[:, :1])
        case(16, op, nan, nan)
    case(16, "Equal", t, u)
    for op in ["And", "Or", "Xor"]:
        case(16, op, t, u)
    case(16, "Not", t)
    case(16, "Where", t, f(2, 1), f(1, 2))
    case(16, "Where", u, i(1, 2), scalar(5))
    for op in ["Neg", "Abs", "Relu", "Sign"]:
        case(16, op, a)
        case(16, op, m)
    case(16, "Abs", nan)
    for op in ["Floor", "Ceil", "Round"]:
        case(16, op, a)
        case(16, op, nan)
    for op in ["Exp", "Sigmoid", "Tanh", "Erf", "Reciprocal", "Sin", "Cos"]:
        case(16, op, a + 0.125)
    for op in ["Sqrt", "Log"]:
        case(16, op, np.abs(a) + 0.5)
    case(13, "Clip", a, scalar(-1, np.float32), scalar(1.5, np.float32))
    case(13, "Clip", a, None, scalar(1.5, np.float32))
    case(13, "Clip", m, scalar(-1), scalar(4))
    case(7, "Clip", a, min=-1.0, max=0.5)
    case(16, "Identity", a)
    for to in [TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.DOUBLE]:
        case(16, "Cast", a, to=to)
    case(16, "Cast", m, to=TensorProto.FLOAT)
    case(16, "Cast", i(-1, 255, 256, 300, -129), to=TensorProto.UINT8)
    case(16, "Cast", i(-1, 255, 256, 300, -129), to=TensorProto.INT8)
    case(16, "Cast", t, to=TensorProto.INT64)

    case(16, "Shape", a)
    case(16, "Shape", a, start=1)
    case(16, "Shape", a, start=-2, end=-1)
    case(16, "Size", a)
    case(14, "Reshape", a, i(4, -1))
    case(14, "Reshape", a, i(0, 0, 2, -1))
    case(14, "Reshape", empty, i(3, 0), allowzero=1)
    case(14, "Reshape", f(1), np.array([], np.int64))
    for axis in [0, 1, 3, -1]:
        case(14, "Flatten", a, axis=axis)
    one = f(1, 3, 1, 2)
    case(11, "Squeeze", one, axes=[0, -2])
    case(13, "Squeeze", one, i(2))
    case(13, "Squeeze", one)
    case(11, "Unsqueeze", a, axes=[0, -1])
    case(13, "Unsqueeze", a, i(1, 4))
    case(13, "Unsqueeze", scalar(3), i(0))
    case(13, "Transpose", a)
    case(13, "Transpose", a, perm=[1, 2, 0])
    case(13, "Expand", b, i(2, 1, 4))
    case(13, "Expand", a, i(3, 1))
    case(13, "Tile", f(2, 3), i(2, 3))
    case(13, "Tile", m, i(1, 0))
    case(13, "Gather", a, i(0, -1))
    case(13, "Gather", a, rng.integers(-4, 4, (2, 2)), axis=-1)
    case(13, "Gather", i(5, 6, 7), scalar(1))
    case(13, "GatherElements", a, rng.integers(-3, 3, (2, 2, 4)), axis=1)
    case(9, "Slice", a, starts=[0, 1], ends=[1, 1000], axes=[0, 2])
    case(13, "Slice", a, i(1), i(3), i(1))
    case(13, "Slice", a, i(-1, 0), i(-1000, 3), i(2, 1), i(-2, 2))
    case(13, "Slice", a, i(3), i(-(2**63)), i(-1), i(-1))
    case(13, "Slice", a, i(0, 2), i(2**63 - 1, 1))
    case(13, "Slice", a, i(1), i(2), i(0), i(2**62))
    case(11, "Split", a, n_outputs=2, axis=2, split=[1, 3])
    case(13, "Split", a, i(2, 0, 2), n_outputs=3, axis=-1)
    case(11, "Split", a, n_outputs=2, axis=2)
    case(18, "Split", i(1, 2, 3, 4, 5), n_outputs=3, num_outputs=3)
    case(13, "Concat", a, f(2, 1, 4), f(2, 0, 4), axis=1)
    case(13, "Concat", i(1), i(2, 3), axis=-1)
    case(7, "Pad", m.astype(np.float32), pads=[1, 0, 0, 2], value=1.5)
    case(13, "Pad", a, i(0, 1, -1, 1, -2, 2), scalar(-1, np.float32))
    case(13, "Pad", m, i(1, 1, 0, 0))
    case(18, "Pad", a, i(2, 1), None, i(-1))
    for upper in [0, 1]:
        case(14, "Trilu", f(2, 3, 4), upper=upper)
        case(14, "Trilu", m, scalar(-1), upper=upper)
        case(14, "Trilu", f(3, 3), scalar(1), upper=upper)
    case(11, "Range", scalar(2), scalar(11), scalar(3))
    case(11, "Range", scalar(5), scalar(-5), scalar(-4))
    case(11, "Range", scalar(5), scalar(5), scalar(1))
    case(11, "Range", scalar(5), scalar(9), scalar(-1))
    case(11, "Range", *(scalar(v, np.float32) for v in (0, 1, 0.3)))
    case(9, "ConstantOfShape", i(2, 3))
    case(9, "ConstantOfShape", i(4), value=numpy_helper.from_array(i(7)))
    case(9, "ConstantOfShape", np.array([], np.int64), value=numpy_helper.from_array(np.array([True])))
    for op in ["ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax", "ReduceMean"]:
        case(12, op, a, axes=[0, -1])
        case(12, op, a, keepdims=0)
        case(18, op, a, i(1), keepdims=0)
        case(18, op, m, i(-1))
        case(18, op, a, noop_with_empty_axes=1)
    case(13, "ReduceSum", empty, i(0))
    case(20, "ReduceMax", empty, i(0))
    case(20, "ReduceMin", t, i(1))
    for exclusive in [0, 1]:
        for reverse in [0, 1]:
            case(14, "CumSum", a, scalar(1), exclusive=exclusive, reverse=reverse)
            case(14, "CumSum", m, scalar(-1), exclusive=exclusive, reverse=reverse)
    case(13, "Softmax", a)
    case(13, "Softmax", a, axis=0)
    case(11, "Softmax", a, axis=1)
    case(13, "MatMul", f(2, 3), f(3, 4))
    case(13, "MatMul", f(2, 1, 2, 3), f(3, 3, 4))
    case(13, "MatMul", f(3), f(2, 3, 4))
    case(13, "MatMul", f(2, 3), f(3))
    case(13, "MatMul", f(3), f(3))
    case(13, "MatMul", m, m.T.copy())
    codes = rng.integers(-128, 128, (2, 4, 3)).astype(np.int8)
    scales, zeros = np.abs(f(4)) + 0.1, rng.integers(-5, 6, 4).astype(np.int8)
    case(21, "DequantizeLinear", codes, scalar(0.3, np.float32), scalar(7, np.int8))
    case(21, "DequantizeLinear", codes, scales, zeros)
    case(21, "DequantizeLinear", codes, scales[:2], axis=-3)
    block_zeros = zeros[:1].repeat(12).reshape(2, 2, 3)
    case(21, "DequantizeLinear", codes, np.abs(f(2, 2, 3)) + 0.1, block_zeros, axis=1, block_size=2)
    return cases


def make_fold():
    """One file for each operator set: nodes on initializers, and what the reference evaluator makes of them."""
    by_opset = {}
    for opset, *case in fold_cases():
        by_opset.setdefault(opset, []).append(case)
    count = 0
    for opset, cases in sorted(by_opset.items()):
        nodes, initializers, outputs = [], [], []
        for k, (op, inputs, attributes, n_outputs) in enumerate(cases):
            names = ["" if x is None else f"{k}/in{j}" for j, x in enumerate(inputs)]
            results = [f"{k}/out{j}" for j in range(n_outputs)]
            node = helper.make_node(op, names, results, name=f"{op} {k}", **attributes)
            given = {name: x for name, x in zip(names, inputs) if x is not None}
            feeds = [info(name, x) for name, x in given.items()]
            anything = [helper.make_tensor_value_info(r, TensorProto.FLOAT, None) for r in results]
            alone = helper.make_graph([node], "case", feeds, anything)
            model = helper.make_model(alone, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
            expected = expected_of(op, opset, given, attributes, lambda: ReferenceEvaluator(model).run(None, given))
            nodes.append(node)
            initializers += [numpy_helper.from_array(x, name) for name, x in given.items()]
            for name, array in zip(results, expected):
                array = np.asarray(array)
                outputs += [info(name, array), info(f"expected/{name}", array)]
                initializers.append(numpy_helper.from_array(array, f"expected/{name}"))
            count += 1
        save(f"fold_{opset}.onnx", helper.make_graph(nodes, "fold", [], outputs, initializers), opset)
    print(count, "cases")


def expected_of(op, opset, given, attributes, reference):
    """The reference evaluator's result, but where it does not follow the operator's documentation."""
    inputs = list(given.values())
    if op == "Softmax" and opset < 13:  # it has only the newest form
        x = inputs[0].reshape(inputs[0].shape[0], -1)
        e = np.exp(x - x.max(1, keepdims=True))
        return [(e / e.sum(1, keepdims=True)).reshape(inputs[0].shape)]
    if op == "Div" and inputs[0].dtype == np.int64:  # it rounds down; the documentation truncates
        return [np.trunc(inputs[0] / inputs[1]).astype(np.int64)]
    if op == "Pad" and len(inputs) == 3 and (inputs[1] < 0).any():  # it does not cut
        before, after = inputs[1].reshape(2, -1)
        padded = np.pad(inputs[0], np.maximum([before, after], 0).T, constant_values=inputs[2])
        cut = [slice(max(-b, 0), size - max(-a, 0)) for b, a, size in zip(before, after, padded.shape)]
        return [padded[tuple(cut)]]
    return reference()


def make_types():
    """Initializers of every element type, in both layouts, and the same numbers as float or int64."""
    whole = {
        TensorProto.INT8: [-128, 127, 0, -1], TensorProto.UINT8: [0, 255, 1, 128],
        TensorProto.INT16: [-32768, 32767, 5],
        TensorProto.UINT16: [65535, 0, 256], TensorProto.INT32: [-(2**31), 2**31 - 1, 7],
        TensorProto.UINT32: [2**32 - 1, 9],
        TensorProto.INT64: [-(2**63), 2**63 - 1, 3], TensorProto.UINT64: [2**63 - 1, 0],
        TensorProto.INT4: [-8, 7, 3, -1, 5],
        TensorProto.UINT4: [15, 0, 9], TensorProto.INT2: [-2, 1, 0, -1, 1], TensorProto.UINT2: [3, 0, 2, 1, 2],
        TensorProto.BOOL: [1, 0, 1],
    }
    real = [1.5, -0.0, 3.140625, 65504.0, 1e-7, np.inf]
    initializers, outputs = [], []

    def add(name, tensor, expected):
        tensor.name = name
        initializers.extend([tensor, numpy_helper.from_array(expected, f"expected/{name}")])
        kind = expected.dtype
        declared = helper.np_dtype_to_tensor_dtype(kind)
        for n in [name, f"expected/{name}"]:
            outputs.append(helper.make_tensor_value_info(n, declared, expected.shape))

    for kind, values in whole.items():
        name = TensorProto.DataType.Name(kind)
        numbers = np.array(values).astype(helper.tensor_dtype_to_np_dtype(kind))
        expected = np.array(values, bool if kind == TensorProto.BOOL else np.int64)
        add(f"{name} raw", numpy_helper.from_array(numbers), expected)
        add(f"{name} typed", helper.make_tensor("", kind, [len(values)], numbers), expected)
    for kind in [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16]:
        name = TensorProto.DataType.Name(kind)
        numbers = np.array(real).astype(helper.tensor_dtype_to_np_dtype(kind))
        expected = numbers.astype(np.float32)
        add(f"{name} raw", numpy_helper.from_array(numbers), expected)
        add(f"{name} typed", helper.make_tensor("", kind, [len(real)], numbers), expected)
    save("element_types.onnx", helper.make_graph([], "types", [], outputs, initializers), 25)


def make_network():
    """A small network with what exporters leave behind: Identity, Dropout, Constant, a dead node, another order."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])
    weights = {"w": f(4, 3, 3, 3), "fc.w": f(5, 4), "fc.b": f(5)}
    weights |= {"g": f(4), "b": f(4), "mean": f(4), "var": np.abs(f(4)) + 1}
    nodes = [
        helper.make_node("Gemm", ["dropped", "fc.w", "fc.b"], ["logits"], name="fc", transB=1),
        helper.make_node("Conv", ["x", "w_copy"], ["c"], name="conv", kernel_shape=[3, 3],
                         pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Identity", ["w"], ["w_copy"]),
        helper.make_node("BatchNormalization", ["c", "g", "b", "mean", "var"], ["n"], epsilon=1e-3),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Sigmoid", ["n"], ["dead"], name="dead"),
        helper.make_node("GlobalAveragePool", ["r"], ["pooled"]),
        helper.make_node("Constant", [], ["shape"], value_ints=[0, -1]),
        helper.make_node("Reshape", ["pooled", "shape"], ["flat"], name="flatten"),
        helper.make_node("Dropout", ["flat"], ["dropped", "mask"]),
        helper.make_node("Identity", ["logits"], ["y"]),
    ]
    tensors = [numpy_helper.from_array(v, k) for k, v in weights.items()]
    w = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 3, 3])
    graph = helper.make_graph(nodes, "network", [x, w], [y], tensors)
    save("network.onnx", graph, 13)
    for tensor in graph.initializer:
        if tensor.name in ("w", "fc.w"):
            onnx.external_data_helper.set_external_data(tensor, "external.bin")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (FOLDER / "external.bin").unlink(missing_ok=True)
    onnx.save(model, FOLDER / "external.onnx")


FOLDER.mkdir(parents=True, exist_ok=True)
make_fold()
make_types()
make_network()
