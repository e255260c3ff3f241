"""Cases that move values: resizing, cutting, joining, reshaping, looking up."""

import numpy

from case import build

MAP, SMALL = (3, 4, 5, 6), (3, 2, 5, 6)


def integers(*values):
    """An int64 array."""
    return numpy.array(values, dtype=numpy.int64)


def resizing():
    """Resize by scales and by sizes, in every mode that exporters write."""
    modes = {
        "resize_nearest_floor": (11, 'mode = "nearest", coordinate_transformation_mode = "asymmetric", '
                                     'nearest_mode = "floor"'),
        "resize_nearest_default": (13, 'mode = "nearest"'),
        "resize_linear_half_pixel": (11, 'mode = "linear", coordinate_transformation_mode = "half_pixel"'),
        "resize_linear_align_corners": (13, 'mode = "linear", coordinate_transformation_mode = "align_corners"'),
        "resize_linear_pytorch": (17, 'mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel"'),
        "resize_linear_asymmetric": (13, 'mode = "linear", coordinate_transformation_mode = "asymmetric"'),
        "resize_cubic": (17, 'mode = "cubic", coordinate_transformation_mode = "half_pixel", cubic_coeff_a = -0.75'),
        "resize_cubic_align_corners": (21, 'mode = "cubic", coordinate_transformation_mode = "align_corners"'),
        "resize_ceil": (13, 'mode = "nearest", coordinate_transformation_mode = "half_pixel", nearest_mode = "ceil"'),
    }  # fmt: skip
    for name, (opset, attributes) in modes.items():
        yield build(f"{name}_scales", opset, [f"y = Resize <{attributes}> (x, roi, scales)"],
                    {"roi": numpy.zeros(0), "scales": numpy.array([1, 1, 2, 1.5])}, x=SMALL)  # fmt: skip
        yield build(f"{name}_sizes", opset, [f"y = Resize <{attributes}> (x, roi, none, sizes)"],
                    {"roi": numpy.zeros(0), "none": numpy.zeros(0), "sizes": integers(3, 2, 8, 4)}, free=False,
                    x=SMALL)  # fmt: skip
    yield build("resize_no_roi", 13, ['y = Resize <mode = "nearest"> (x, , scales)'],
                {"scales": numpy.array([1.0, 1, 2, 2])}, x=SMALL)  # fmt: skip
    yield build("resize_axes", 18, ['y = Resize <mode = "linear", axes = [2, 3]> (x, , , sizes)'],
                {"sizes": integers(7, 9)}, x=SMALL)  # fmt: skip
    yield build("resize_antialias", 18, ['y = Resize <mode = "linear", antialias = 1> (x, , scales)'],
                {"scales": numpy.array([1, 1, 0.6, 0.5])}, x=SMALL)  # fmt: skip


def cutting():
    """Concat, Split, Slice and Pad."""
    yield build("concat_channels", 11, ["y = Concat <axis = 1> (a, b, a)"], a=MAP, b=(3, 2, 5, 6))
    yield build("concat_last_with_constant", 13, ["y = Concat <axis = -1> (x, c)"], {"c": (1, 4, 5, 2)}, free=False,
                x=(1, 4, 5, 6))  # fmt: skip
    yield build("split_equal", 11, ["a, b = Split <axis = 1> (x)"], x=MAP)
    yield build("split_attribute", 11, ["a, b, c = Split <axis = 3, split = [1, 3, 2]> (x)"], x=MAP)
    yield build("split_input", 13, ["a, b = Split <axis = 1> (x, parts)"], {"parts": integers(1, 3)}, x=MAP)
    yield build("split_num_outputs", 18, ["a, b, c, d = Split <axis = 2, num_outputs = 4> (x)"], x=(3, 2, 7, 4))
    yield build("slice_reversed", 13, ["y = Slice(x, starts, ends, axes, steps)"],
                {"starts": integers(-1, 4), "ends": integers(-100, 0), "axes": integers(3, 2),
                 "steps": integers(-1, -2)}, x=MAP)  # fmt: skip
    yield build("slice_default_axes", 11, ["y = Slice(x, starts, ends)"],
                {"starts": integers(0, 1, -3), "ends": integers(2**63 - 1, 3, -1)}, x=MAP)  # fmt: skip
    yield build("slice_int32", 17, ["y = Slice(x, starts, ends, axes)"],
                {"starts": numpy.array([1], numpy.int32), "ends": numpy.array([2**31 - 1], numpy.int32),
                 "axes": numpy.array([-1], numpy.int32)}, x=MAP)  # fmt: skip
    for mode in ("constant", "reflect", "edge"):
        yield build(f"pad_{mode}", 11, [f'y = Pad <mode = "{mode}"> (x, pads)'],
                    {"pads": integers(0, 0, 1, 2, 0, 0, 2, 1)}, x=MAP)  # fmt: skip
    yield build("pad_value", 13, ["y = Pad(x, pads, value)"],
                {"pads": integers(0, 1, 0, 2, 0, 0, 0, 1), "value": numpy.float32(-1.5)}, x=MAP)  # fmt: skip
    yield build("pad_axes", 18, ["y = Pad(x, pads, , axes)"], {"pads": integers(1, 2, 0, 1), "axes": integers(3, -2)},
                x=MAP)  # fmt: skip
    yield build("pad_negative", 17, ["y = Pad(x, pads)"], {"pads": integers(0, 0, -1, 2, 0, 0, -2, -1)}, x=MAP)
    yield build("pad_wrap", 19, ['y = Pad <mode = "wrap"> (x, pads)'], {"pads": integers(0, 0, 1, 2, 0, 0, 2, 1)},
                x=MAP)  # fmt: skip
    focus = [f"s{i} = Slice(x, o{i}, end, axes, two)" for i in range(4)]
    yield build("focus_slice", 13, [*focus, "y = Concat <axis = 1> (s0, s1, s2, s3)"],
                {**{f"o{i}": integers(i % 2, i // 2) for i in range(4)}, "end": integers(2**31, 2**31),
                 "axes": integers(2, 3), "two": integers(2, 2)}, x=(3, 2, 4, 6))  # fmt: skip


def reshaping():
    """Shapes and orders of axes."""
    yield build("transpose", 13, ["y = Transpose <perm = [0, 2, 3, 1]> (x)"], x=MAP)
    yield build("transpose_default", 17, ["y = Transpose(x)"], x=(4, 5, 6), free=False)
    yield build("reshape_zero_and_rest", 13, ["y = Reshape(x, s)"], {"s": integers(0, -1, 6)}, x=MAP)
    yield build("reshape_batch_rest", 11, ["y = Reshape(x, s)"], {"s": integers(-1, 20, 6)}, x=MAP)
    yield build("flatten", 11, ["y = Flatten(x)"], x=MAP)
    yield build("flatten_axis", 13, ["y = Flatten <axis = -1> (x)"], x=MAP)
    yield build("squeeze_attribute", 11, ["y = Squeeze <axes = [1, -1]> (x)"], x=(3, 1, 4, 1))
    yield build("squeeze_input", 13, ["y = Squeeze(x, axes)"], {"axes": integers(2)}, x=(3, 1, 1, 4))
    yield build("unsqueeze_attribute", 11, ["y = Unsqueeze <axes = [1, 3]> (x)"], x=(3, 4))
    yield build("unsqueeze_input", 13, ["y = Unsqueeze(x, axes)"], {"axes": integers(-1)}, x=(3, 4))
    yield build("expand", 13, ["y = Expand(x, s)"], {"s": integers(1, 5, 1)}, x=(3, 1, 4))
    yield build("expand_class_token", 13,
                ["d = Shape(x)", "n = Gather <axis = 0> (d, zero)", "u = Unsqueeze(n, first)",
                 "s = Concat <axis = 0> (u, rest)", "t = Expand(token, s)", "y = Concat <axis = 1> (t, x)"],
                {"zero": numpy.int64(0), "first": integers(0), "rest": integers(1, 6), "token": (1, 1, 6)},
                x=(3, 4, 6))  # fmt: skip
    yield build("tile", 13, ["y = Tile(x, r)"], {"r": integers(1, 2, 1, 3)}, x=(3, 2, 3, 2))
    yield build("depth_to_space_dcr", 13, ["y = DepthToSpace <blocksize = 2> (x)"], x=(3, 8, 3, 4))
    yield build("depth_to_space_crd", 11, ['y = DepthToSpace <blocksize = 2, mode = "CRD"> (x)'], x=(3, 8, 3, 4))
    yield build("space_to_depth", 13, ["y = SpaceToDepth <blocksize = 2> (x)"], x=(3, 2, 6, 4))
    yield build("channel_shuffle", 11,
                ["a = Reshape(x, apart)", "t = Transpose <perm = [0, 2, 1, 3, 4]> (a)", "y = Reshape(t, back)"],
                {"apart": integers(-1, 2, 3, 4, 5), "back": integers(-1, 6, 4, 5)}, x=(3, 6, 4, 5))  # fmt: skip
    yield build("identity_and_dropout", 13, ["a = Identity(x)", "b = Dropout(a)", "y = Identity(b)"], x=(3, 4))


def looking_up():
    """Gather, embeddings, and indices that are data."""
    yield build("gather_constant", 13, ["y = Gather <axis = 1> (x, i)"], {"i": integers(2, 0, -1)}, x=MAP)
    yield build("gather_scalar", 11, ["y = Gather <axis = 2> (x, i)"], {"i": numpy.int64(1)}, x=MAP)
    yield build("gather_square", 17, ["y = Gather <axis = -1> (x, i)"], {"i": numpy.array([[0, 5], [3, -2]])}, x=MAP)
    yield build("embedding", 13, ["y = Gather(table, ids)"], {"table": (9, 5)},
                ids=numpy.array([[1, 8, 0, 3], [2, 2, 7, 5], [4, 6, 1, 0]]))  # fmt: skip
    yield build("gather_elements", 13, ["y = GatherElements <axis = 1> (x, i)"],
                {"i": numpy.array([[0, 2], [3, 1], [1, -1]])}, free=False, x=(3, 4))  # fmt: skip
    yield build("shape_arithmetic", 13,
                ["d = Shape(x)", "n = Gather <axis = 0> (d, zero)", "c = Gather <axis = 0> (d, one)",
                 "h = Gather <axis = 0> (d, two)", "p = Mul(c, h)", "q = Div(p, five)", "a = Unsqueeze(n, first)",
                 "b = Unsqueeze(q, first)", "s = Concat <axis = 0> (a, b, rest)", "y = Reshape(x, s)"],
                {"zero": numpy.int64(0), "one": numpy.int64(1), "two": numpy.int64(2), "five": numpy.int64(5),
                 "first": integers(0), "rest": integers(-1)}, x=MAP)  # fmt: skip
    yield build("shape_slice", 15, ["d = Shape <start = 0, end = 2> (x)", "s = Concat <axis = 0> (d, rest)",
                                    "y = Reshape(x, s)"], {"rest": integers(-1)}, x=MAP)  # fmt: skip
    yield build("constant_of_shape", 13, ["c = ConstantOfShape <value = float[1] {1.5}> (s)", "y = Add(x, c)"],
                {"s": integers(4, 1, 6)}, x=MAP)  # fmt: skip
    yield build("range_positions", 13,
                ["d = Shape(x)", "n = Gather <axis = 0> (d, one)", "r = Range(zero, n, one)", "p = Gather(table, r)",
                 "y = Add(x, p)"],
                {"zero": numpy.int64(0), "one": numpy.int64(1), "table": (8, 6)}, x=(3, 5, 6))  # fmt: skip
    yield build("trilu", 17, ["y = Trilu <upper = 0> (x)"], x=(3, 4, 4))


def cases():
    """All of this file."""
    for group in (resizing, cutting, reshaping, looking_up):
        yield from group()
