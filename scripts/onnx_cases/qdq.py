"""Cases with QuantizeLinear and DequantizeLinear: by ONNX Runtime's static quantisation, and weights by hand."""

import logging
import pathlib
import tempfile

import ml_dtypes
import numpy
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from case import Case, build, seed

IMAGE = (3, 2, 8, 8)


class Samples(CalibrationDataReader):
    """Eight normal images for the ranges of activations."""

    def __init__(self, name, shape):
        generator = numpy.random.default_rng(seed(name))
        self.rest = iter([{"x": generator.standard_normal(shape).astype(numpy.float32)} for _ in range(8)])

    def get_next(self):
        return next(self.rest, None)


def network(name):
    """Stem, residual block, depthwise convolution, head."""
    lines = ["c0 = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, w0, b0)", "r0 = Relu(c0)",
             "c1 = Conv <pads = [1, 1, 1, 1]> (r0, w1, b0)", "a = Add(c1, r0)", "r1 = Relu(a)",
             "d = Conv <group = 4, pads = [1, 1, 1, 1]> (r1, w2, b0)", "r2 = Clip(d, zero, six)",
             "p = GlobalAveragePool(r2)", "f = Flatten(p)", "y = Gemm <transB = 1> (f, w3, b3)"]  # fmt: skip
    constants = {"w0": (4, 2, 3, 3), "b0": (4,), "w1": (4, 4, 3, 3), "w2": (4, 1, 3, 3), "w3": (5, 4), "b3": (5,),
                 "zero": numpy.float32(0), "six": numpy.float32(6)}  # fmt: skip
    return build(name, 17, lines, constants, x=IMAGE)


def perceptron(name):
    """Two products with a constant, for quantisers that treat MatMul."""
    return build(name, 17, ["m = MatMul(x, w0)", "a = Add(m, b)", "r = Relu(a)", "y = MatMul(r, w1)"],
                 {"w0": (6, 8), "b": (8,), "w1": (8, 5)}, x=(3, 6))  # fmt: skip


def quantized(case, activations, weights, per_channel):
    """The case after static quantisation; its outputs are those of the quantised model."""
    logging.getLogger().setLevel(logging.ERROR)  # it advises to simplify the network first
    with tempfile.TemporaryDirectory() as folder:
        source, target = (str(pathlib.Path(folder, name)) for name in ("float.onnx", "qdq.onnx"))
        onnx.save(case.model, source)
        shape = case.inputs["x"].shape
        quantize_static(source, target, Samples(case.name, shape), quant_format=QuantFormat.QDQ,
                        per_channel=per_channel, activation_type=activations, weight_type=weights)  # fmt: skip
        model = onnx.load(target)
    return Case(case.name, model, case.inputs)


def weights_only():
    """Weights that are stored as integers, activations in floating point."""
    generator = numpy.random.default_rng(6)
    codes = generator.integers(-127, 128, (4, 2, 3, 3)).astype(numpy.int8)
    scales = generator.uniform(0.01, 0.02, 4).astype(numpy.float32)
    yield build("weights_int8_per_channel", 13,
                ["w = DequantizeLinear <axis = 0> (q, s, z)", "y = Conv <pads = [1, 1, 1, 1]> (x, w)"],
                {"q": codes, "s": scales, "z": numpy.zeros(4, numpy.int8)}, x=IMAGE)  # fmt: skip
    offsets = generator.integers(100, 150, 4).astype(numpy.uint8)
    yield build("weights_uint8_zero_points", 13,
                ["w = DequantizeLinear <axis = 0> (q, s, z)", "y = Conv <pads = [1, 1, 1, 1]> (x, w)"],
                {"q": (codes.astype(int) + 128).astype(numpy.uint8), "s": scales, "z": offsets}, x=IMAGE)  # fmt: skip
    blocks = generator.uniform(0.05, 0.2, (2, 5)).astype(numpy.float32)
    codes = generator.integers(-8, 8, (8, 5)).astype(numpy.int8)
    case = build("weights_int4_blocks", 21,
                 ["w = DequantizeLinear <axis = 0, block_size = 4> (q, s)", "y = MatMul(x, w)"],
                 {"q": codes, "s": blocks}, x=(3, 8))  # fmt: skip
    case.model.graph.initializer[0].CopyFrom(numpy_helper.from_array(codes.astype(ml_dtypes.int4), "q"))
    yield case


def cases():
    """All of this file."""
    signed, unsigned = QuantType.QInt8, QuantType.QUInt8
    yield quantized(network("cnn_uint8_int8_per_channel"), unsigned, signed, True)
    yield quantized(network("cnn_int8_per_channel"), signed, signed, True)
    yield quantized(network("cnn_int8_per_tensor"), signed, signed, False)
    yield quantized(network("cnn_uint8_per_tensor"), unsigned, unsigned, False)
    yield quantized(perceptron("mlp_uint8_int8_per_channel"), unsigned, signed, True)
    yield from weights_only()
