"""Cases of single nodes: convolutions, products, pooling, norms and activations."""

import numpy

from case import build


def convolutions():
    """Kernels, paddings, groups and dilations of Conv and ConvTranspose."""
    w, b = {"w": (6, 4, 3, 3)}, {"b": (6,)}
    yield build("conv_one_dimension", 11, ["y = Conv <kernel_shape = [3], pads = [2, 2], dilations = [2]> (x, w, b)"],
                {"w": (6, 4, 3), **b}, x=(3, 4, 11))  # fmt: skip
    yield build("conv_rectangle", 13, ["y = Conv <pads = [0, 2, 0, 2], strides = [2, 1]> (x, w, b)"],
                {"w": (6, 4, 3, 5), **b}, x=(3, 4, 7, 9))  # fmt: skip
    yield build("conv_uneven_pads", 17, ["y = Conv <pads = [0, 1, 2, 3], strides = [2, 2]> (x, w)"], w, x=(3, 4, 7, 6))
    yield build("conv_dilation", 17, ["y = Conv <pads = [2, 1, 2, 1], dilations = [2, 1]> (x, w, b)"], {**w, **b},
                x=(3, 4, 6, 6))  # fmt: skip
    yield build("conv_groups", 11, ["y = Conv <group = 2, pads = [1, 1, 1, 1]> (x, w, b)"], {"w": (6, 2, 3, 3), **b},
                x=(3, 4, 6, 6))  # fmt: skip
    yield build("conv_depthwise_multiplier", 21, ["y = Conv <group = 4, pads = [1, 1, 1, 1]> (x, w)"],
                {"w": (8, 1, 3, 3)}, x=(3, 4, 6, 6))  # fmt: skip
    for padding in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        line = f'y = Conv <auto_pad = "{padding}", strides = [2, 2]> (x, w, b)'
        yield build(f"conv_{padding.lower()}", 13, [line], {"w": (6, 4, 4, 3), **b}, x=(3, 4, 8, 7))
    yield build("conv_constant_node", 22, ["y = Conv <pads = [1, 1, 1, 1]> (x, w, b)"], {**w, **b}, constant_nodes=True,
                x=(3, 4, 5, 5))  # fmt: skip
    yield build("conv_transpose", 11,
                ["y = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]> (x, w, b)"],
                {"w": (4, 6, 3, 3), **b}, x=(3, 4, 3, 4))  # fmt: skip
    yield build("conv_transpose_groups", 17, ["y = ConvTranspose <strides = [2, 2], group = 2> (x, w)"],
                {"w": (4, 3, 2, 2)}, x=(3, 4, 3, 4))  # fmt: skip
    yield build("conv_transpose_dilation", 22,
                ["y = ConvTranspose <strides = [1, 2], dilations = [2, 1], pads = [0, 1, 1, 0]> (x, w, b)"],
                {"w": (4, 6, 3, 3), **b}, x=(3, 4, 4, 3))  # fmt: skip
    yield build("conv_transpose_one_dimension", 13, ["y = ConvTranspose <strides = [2], pads = [1, 1]> (x, w)"],
                {"w": (4, 2, 4)}, x=(3, 4, 6))  # fmt: skip


def products():
    """Gemm and MatMul."""
    yield build("gemm", 11, ["y = Gemm <transB = 1> (x, w, b)"], {"w": (5, 7), "b": (5,)}, x=(3, 7))
    yield build("gemm_factors", 13, ["y = Gemm <alpha = 0.5, beta = 2.0> (x, w, b)"], {"w": (7, 5), "b": (1, 5)},
                x=(3, 7))  # fmt: skip
    yield build("gemm_no_bias", 17, ["y = Gemm <alpha = 1.5> (x, w)"], {"w": (7, 5)}, x=(3, 7))
    yield build("gemm_transposed_input", 17, ["y = Gemm <transA = 1, transB = 1> (x, w, b)"],
                {"w": (5, 4), "b": (1,)}, x=(4, 6), free=False)  # fmt: skip
    yield build("matmul_constant_right", 11, ["m = MatMul(x, w)", "y = Add(m, b)"], {"w": (6, 5), "b": (5,)},
                x=(3, 4, 6))  # fmt: skip
    yield build("matmul_constant_left", 13, ["y = MatMul(w, x)"], {"w": (5, 4)}, x=(3, 4, 6))
    yield build("matmul_bias_left", 13, ["m = MatMul(x, w)", "y = Add(b, m)"], {"w": (6, 5), "b": (5,)}, x=(3, 6))
    yield build("matmul_two_inputs", 17, ["y = MatMul(a, b)"], a=(3, 2, 4, 5), b=(3, 2, 5, 4))
    yield build("matmul_broadcast_constant", 21, ["y = MatMul(x, w)"], {"w": (2, 5, 3)}, x=(3, 2, 4, 5))
    yield build("einsum_attention", 13, ['y = Einsum <equation = "bhid,bhjd->bhij"> (a, b)'], a=(3, 2, 4, 5),
                b=(3, 2, 6, 5))  # fmt: skip


def pooling():
    """Windows, with and without the padding in the mean, and over whole maps."""
    cases = {
        "max_pool_ceil": (11, "MaxPool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>"),
        "max_pool_rectangle": (13, "MaxPool <kernel_shape = [2, 3], strides = [1, 2], pads = [0, 1, 1, 1]>"),
        "max_pool_dilation": (17, "MaxPool <kernel_shape = [2, 2], dilations = [2, 2]>"),
        "max_pool_same_upper": (17, 'MaxPool <kernel_shape = [3, 3], strides = [2, 2], auto_pad = "SAME_UPPER">'),
        "average_pool": (11, "AveragePool <kernel_shape = [2, 2], strides = [2, 2]>"),
        "average_pool_without_pads": (13, "AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]>"),
        "average_pool_with_pads": (17, "AveragePool <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 0, 1, 2], "
                                       "count_include_pad = 1>"),
        "average_pool_ceil": (21, "AveragePool <kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 0], "
                                  "ceil_mode = 1>"),
        "average_pool_ceil_with_pads": (22, "AveragePool <kernel_shape = [3, 3], strides = [2, 2], "
                                            "pads = [1, 1, 1, 1], ceil_mode = 1, count_include_pad = 1>"),
        "average_pool_same_lower": (17, 'AveragePool <kernel_shape = [3, 3], strides = [2, 2], '
                                        'auto_pad = "SAME_LOWER">'),
        "global_average_pool": (11, "GlobalAveragePool"),
        "global_max_pool": (22, "GlobalMaxPool"),
    }  # fmt: skip
    for name, (opset, operator) in cases.items():
        yield build(name, opset, [f"y = {operator} (x)"], x=(3, 2, 8, 7))
    yield build("max_pool_one_dimension", 13, ["y = MaxPool <kernel_shape = [3], strides = [2]> (x)"], x=(3, 4, 9))


def norms():
    """Norm nodes and norms in parts."""
    generator = numpy.random.default_rng(5)
    statistics = {"s": (4,), "b": (4,), "m": (4,), "v": generator.uniform(0.5, 2, 4)}
    for opset in (11, 17):
        yield build(f"batch_norm_{opset}", opset, ["y = BatchNormalization <epsilon = 0.001> (x, s, b, m, v)"],
                    statistics, x=(3, 4, 5, 5))  # fmt: skip
    yield build("batch_norm_rows", 13, ["y = BatchNormalization (x, s, b, m, v)"], statistics, x=(3, 4))
    yield build("conv_batch_norm_relu", 13,
                ["c = Conv <pads = [1, 1, 1, 1]> (x, w)", "n = BatchNormalization (c, s, b, m, v)", "y = Relu(n)"],
                {"w": (4, 2, 3, 3), **statistics}, x=(3, 2, 6, 6))  # fmt: skip
    yield build("instance_norm", 17, ["y = InstanceNormalization <epsilon = 0.01> (x, s, b)"],
                {"s": (4,), "b": (4,)}, x=(3, 4, 5, 6))  # fmt: skip
    yield build("layer_norm", 17, ["y = LayerNormalization <epsilon = 0.001> (x, s, b)"], {"s": (6,), "b": (6,)},
                x=(3, 4, 6))  # fmt: skip
    yield build("layer_norm_no_bias", 21, ["y = LayerNormalization <axis = -1> (x, s)"], {"s": (6,)}, x=(3, 4, 6))
    yield build("layer_norm_two_axes", 17, ["y = LayerNormalization <axis = 2> (x, s, b)"],
                {"s": (5, 6), "b": (5, 6)}, x=(3, 4, 5, 6))  # fmt: skip
    yield build("group_norm_node", 21, ["y = GroupNormalization <num_groups = 2, epsilon = 0.001> (x, s, b)"],
                {"s": (4,), "b": (4,)}, x=(3, 4, 5, 5))  # fmt: skip
    parts = ["q = Mul(x, x)", "m = ReduceMean <axes = [-1]> (q)", "e = Add(m, eps)", "r = Sqrt(e)"]
    yield build("rms_norm_sqrt_div", 13, [*parts, "n = Div(x, r)", "y = Mul(n, s)"],
                {"eps": numpy.float32(1e-5), "s": (6,)}, x=(3, 4, 6))  # fmt: skip
    yield build("rms_norm_pow_reciprocal", 18,
                ["q = Pow(x, two)", "m = ReduceMean(q, axes)", "e = Add(m, eps)", "r = Sqrt(e)", "i = Reciprocal(r)",
                 "n = Mul(x, i)", "y = Mul(s, n)"],
                {"two": numpy.float32(2), "axes": numpy.array([-1]), "eps": numpy.float32(1e-5), "s": (6,)},
                x=(3, 4, 6))  # fmt: skip
    yield build("l2_norm", 13, ["r = ReduceL2 <axes = [1], keepdims = 1> (x)", "c = Clip(r, least)", "y = Div(x, c)"],
                {"least": numpy.float32(1e-12)}, x=(3, 6))  # fmt: skip
    yield build("lp_normalization", 17, ["y = LpNormalization <axis = 1, p = 2> (x)"], x=(3, 6, 4))


def activations():
    """Every activation that is one node, and those that exporters write in parts."""
    cases = {
        "relu": (11, "Relu"), "leaky_relu": (13, "LeakyRelu <alpha = 0.2>"), "elu": (17, "Elu <alpha = 0.7>"),
        "selu": (17, "Selu"), "celu": (13, "Celu <alpha = 0.6>"), "sigmoid": (13, "Sigmoid"), "tanh": (11, "Tanh"),
        "hard_sigmoid": (13, "HardSigmoid <alpha = 0.25, beta = 0.4>"), "hard_swish": (17, "HardSwish"),
        "mish": (18, "Mish"), "softplus": (13, "Softplus"), "softsign": (22, "Softsign"),
        "gelu_erf": (20, "Gelu"),
        "gelu_tanh": (20, 'Gelu <approximate = "tanh">'), "softmax_channels": (13, "Softmax <axis = 1>"),
        "softmax_last": (17, "Softmax"), "softmax_flattened": (11, "Softmax <axis = 1>"),
        "log_softmax_flattened": (11, "LogSoftmax <axis = 2>"), "log_softmax": (21, "LogSoftmax <axis = 1>"),
    }  # fmt: skip
    for name, (opset, operator) in cases.items():
        yield build(name, opset, [f"y = {operator} (x)"], x=(3, 4, 2, 4))
    yield build("clip_attributes", 6, ["y = Clip <min = -0.5, max = 0.8> (x)"], x=(3, 4, 2, 4))
    low, high = {"low": numpy.float32(-0.5)}, {"high": numpy.float32(0.8)}
    yield build("clip_inputs", 11, ["y = Clip(x, low, high)"], {**low, **high}, x=(3, 4, 2, 4))
    yield build("clip_min_only", 13, ["y = Clip(x, low)"], low, x=(3, 4, 2, 4))
    yield build("clip_max_only", 13, ["y = Clip(x, , high)"], high, x=(3, 4, 2, 4))
    yield build("relu6", 13, ["y = Clip(x, zero, six)"], {"zero": numpy.float32(0), "six": numpy.float32(6)},
                constant_nodes=True, x=4 * numpy.linspace(-1, 2, 60).reshape(3, 4, 5))  # fmt: skip
    yield build("prelu_channels", 13, ["y = PRelu(x, s)"], {"s": (4, 1, 1)}, x=(3, 4, 2, 4))
    yield build("prelu_one", 17, ["y = PRelu(x, s)"], {"s": (1,)}, x=(3, 4, 2, 4))
    half, one = {"half": numpy.float32(0.5)}, {"one": numpy.float32(1)}
    yield build("silu", 13, ["s = Sigmoid(x)", "y = Mul(x, s)"], x=(3, 4, 2, 4))
    yield build("mish_in_parts", 13, ["p = Softplus(x)", "t = Tanh(p)", "y = Mul(x, t)"], x=(3, 4, 2, 4))
    yield build("gelu_erf_in_parts", 13,
                ["d = Div(x, root)", "e = Erf(d)", "a = Add(e, one)", "m = Mul(x, a)", "y = Mul(m, half)"],
                {"root": numpy.float32(2**0.5), **one, **half}, x=(3, 4, 6))  # fmt: skip
    yield build("gelu_tanh_in_parts", 13,
                ["p = Pow(x, three)", "q = Mul(p, cubic)", "s = Add(x, q)", "r = Mul(s, factor)", "t = Tanh(r)",
                 "a = Add(t, one)", "h = Mul(x, half)", "y = Mul(h, a)"],
                {"three": numpy.float32(3), "cubic": numpy.float32(0.044715),
                 "factor": numpy.float32((2 / numpy.pi) ** 0.5), **one, **half}, x=(3, 4, 6))  # fmt: skip
    yield build("quick_gelu", 13, ["f = Mul(x, factor)", "s = Sigmoid(f)", "y = Mul(x, s)"],
                {"factor": numpy.float32(1.702)}, x=(3, 4, 6))  # fmt: skip
    yield build("hard_swish_in_parts", 13,
                ["a = Add(x, three)", "c = Clip(a, zero, six)", "d = Div(c, six)", "y = Mul(x, d)"],
                {"three": numpy.float32(3), "zero": numpy.float32(0), "six": numpy.float32(6)},
                x=4 * numpy.linspace(-1, 1, 60).reshape(3, 4, 5))  # fmt: skip


def cases():
    """All of this file."""
    for group in (convolutions, products, pooling, norms, activations):
        yield from group()
