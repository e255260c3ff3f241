"""Packs the ONNX project's own tests of single operators into one file, for the operators of feed-forward networks."""

import io
import warnings
import zipfile

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

from case import run

OPERATORS = """
    Conv ConvTranspose BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization
    LpNormalization Gemm MatMul Einsum Attention MaxPool AveragePool GlobalAveragePool GlobalMaxPool
    Relu LeakyRelu PRelu Elu Selu Celu Clip HardSigmoid HardSwish Sigmoid Swish Mish Softplus Softsign Gelu Tanh Softmax
    LogSoftmax Resize Split Slice Pad Reshape Squeeze Unsqueeze Expand Tile Gather GatherElements Concat Transpose
    Flatten DepthToSpace SpaceToDepth Identity Dropout Shape Trilu CumSum ArgMax
    ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceSumSquare ReduceLogSumExp
    Add Sub Mul Div Pow Sqrt Exp Log Abs Neg Sign Reciprocal Erf Min Max Sum Mean Floor Ceil Round Sin Cos
    Where Equal Greater GreaterOrEqual Less LessOrEqual Not And Or Cast
""".split()
# From this input on, what these operators read is constant in every network: weights, shapes, axes, bounds.
DATA_INPUTS = {
    "Concat": 99, "Einsum": 99, "Attention": 99, "MatMul": 2, "Where": 3, "Min": 99, "Max": 99, "Sum": 99, "Mean": 99,
    **dict.fromkeys("Add Sub Mul Div Pow Equal Greater GreaterOrEqual Less LessOrEqual And Or".split(), 2),
}  # fmt: skip
TYPES = (numpy.float32, numpy.int64, numpy.bool_)
# Training, key-value caches and windows of attention, parts of a sequence.
OUTSIDE = ("training", "past", "window", "nonpad", "padded_kv")
LARGEST = 64 * 1024
# The newest that the pinned ONNX Runtime loads.
NEWEST_OPSET, NEWEST_IR = 26, 11
# The oldest date that a zip file can state: equal content gives equal bytes.
DATE = (1980, 1, 1, 0, 0, 0)


def suitable(test):
    """Whether the test is one inference node of float32, int64 and bool arrays, of moderate size."""
    nodes, arrays = test.model.graph.node, [array for side in test.data_sets[0] for array in side]
    return (
        len(nodes) == 1
        and nodes[0].op_type in OPERATORS
        and nodes[0].domain == ""
        and not any(word in test.name for word in OUTSIDE)
        and all(isinstance(array, (numpy.ndarray, numpy.generic)) for array in arrays)
        and all(array.dtype.type in TYPES for array in arrays)
        and sum(array.nbytes for array in arrays) + test.model.ByteSize() < LARGEST
    )


def with_constants(test):
    """The model with its parameters as initializers, the inputs that are left, and the outputs."""
    model = onnx.ModelProto()
    model.CopyFrom(test.model)
    node, given = model.graph.node[0], dict(zip((v.name for v in model.graph.input), test.data_sets[0][0], strict=True))
    for name in node.input[DATA_INPUTS.get(node.op_type, 1) :]:
        if name in given:
            model.graph.initializer.append(numpy_helper.from_array(numpy.asarray(given.pop(name)), name))
    kept = [v for v in model.graph.input if v.name in given]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    outputs = dict(zip((v.name for v in model.graph.output), test.data_sets[0][1], strict=True))
    return model, given, outputs


def refutation(test, model, inputs, outputs):
    """None where ONNX Runtime computes the outputs that the test states, else what it does instead."""
    older = onnx.ModelProto()
    older.CopyFrom(model)
    older.ir_version = min(model.ir_version, NEWEST_IR)
    older.opset_import[0].version = min(model.opset_import[0].version, NEWEST_OPSET)
    try:
        found = run(older, inputs)
    except Exception as error:  # every kind of refusal
        return str(error).splitlines()[0]
    for name, stated in outputs.items():
        if not numpy.allclose(found[name], stated, rtol=max(test.rtol, 1e-3), atol=1e-5, equal_nan=True):
            return f"deviation {numpy.abs(found[name].astype(float) - stated).max():.2g}"
    return None


def add(archive, name, content):
    """Adds a file without a time."""
    archive.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED, 9)


def pack(path):
    """Writes the archive; returns the number of tests, and what was left out as ONNX Runtime does not confirm it."""
    count, refuted = 0, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = sorted(filter(suitable, collect_testcases()), key=lambda test: test.name)
    with zipfile.ZipFile(path, "w") as archive:
        for test in tests:
            model, inputs, outputs = with_constants(test)
            name = test.name.removeprefix("test_")
            if not inputs:
                continue
            if reason := refutation(test, model, inputs, outputs):
                refuted[name] = reason
                continue
            arrays = {f"input.{k}": a for k, a in inputs.items()} | {f"output.{k}": a for k, a in outputs.items()}
            buffer = io.BytesIO()
            numpy.savez(buffer, **{name: numpy.ascontiguousarray(array) for name, array in arrays.items()})
            add(archive, f"{name}/model.onnx", model.SerializeToString(deterministic=True))
            add(archive, f"{name}/data.npz", buffer.getvalue())
            count += 1
    return count, refuted
