"""Small convolutional networks and the blocks that the well-known ones consist of."""

import torch
from torch import nn
from torch.nn import functional

from exported import export


class Function(nn.Module):
    """A module without parameters."""

    def __init__(self, call):
        super().__init__()
        self.forward = call


class Residual(nn.Module):
    """`activation(body(x) + shortcut(x))`, He et al. 2016."""

    def __init__(self, body, shortcut=None, activation=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x):
        return self.activation(self.body(x) + self.shortcut(x))


def unit(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, batch norm, activation."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def head(channels, classes=5):
    """Mean over the map, linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def residual_network():
    """A stem, a block with a projection, a head."""
    body = nn.Sequential(unit(4, 6, stride=2), unit(6, 6, activation=None))
    block = Residual(body, unit(4, 6, 1, 2, activation=None), nn.ReLU())
    return nn.Sequential(unit(2, 4), nn.MaxPool2d(3, 2, 1), block, head(6))


def inverted_residual():
    """MobileNetV2's block, Sandler et al. 2018."""
    layers = (
        unit(4, 8, 1, activation=nn.ReLU6),
        unit(8, 8, groups=8, activation=nn.ReLU6),
        unit(8, 4, 1, activation=None),
    )
    return nn.Sequential(Residual(nn.Sequential(*layers)), head(4))


class Excite(nn.Module):
    """Squeeze and excitation, Hu et al. 2018."""

    def __init__(self, channels, gate):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, 2, 1)
        self.excite, self.gate = nn.Conv2d(2, channels, 1), gate

    def forward(self, x):
        scale = functional.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.excite(functional.silu(self.squeeze(scale))))


def mb_conv(activation=nn.SiLU, gate=nn.Sigmoid):
    """EfficientNet's block, Tan and Le 2019; MobileNetV3's with hard functions."""
    layers = (unit(4, 8, 1, activation=activation), unit(8, 8, 5, groups=8, activation=activation), Excite(8, gate()),
              unit(8, 4, 1, activation=None))  # fmt: skip
    return nn.Sequential(Residual(nn.Sequential(*layers)), head(4))


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of maps."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """ConvNeXt's block with layer scale, Liu et al. 2022."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(4, 4, 7, padding=3, groups=4)
        self.norm, self.scale = nn.LayerNorm(4, eps=1e-6), nn.Parameter(torch.rand(4))
        self.mlp = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.mlp(y)).permute(0, 3, 1, 2)


class Dense(nn.Module):
    """Two layers of a dense block and a transition, Huang et al. 2017."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(n), nn.ReLU(), nn.Conv2d(n, 3, 3, padding=1, bias=False)) for n in (4, 7)
        )
        self.transition = nn.Sequential(nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 4, 1), nn.AvgPool2d(2))

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return self.transition(x)


class Inception(nn.Module):
    """Four branches, Szegedy et al. 2015."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList([
            unit(4, 2, 1), nn.Sequential(unit(4, 3, 1), unit(3, 4)), nn.Sequential(unit(4, 2, 1), unit(2, 2, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(4, 2, 1)),
        ])  # fmt: skip

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class UNet(nn.Module):
    """Two levels, Ronneberger et al. 2015; grows by transposed convolutions or by interpolation."""

    def __init__(self, transposed):
        super().__init__()
        self.down, self.pool = nn.ModuleList([unit(2, 3), unit(3, 4)]), nn.MaxPool2d(2)
        self.bottom, self.up = unit(4, 6), nn.ModuleList([unit(10, 4), unit(7, 3)])
        grow = [nn.ConvTranspose2d(6, 6, 2, 2), nn.ConvTranspose2d(4, 4, 2, 2)]
        plain = [
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        ]
        self.grow, self.mask = nn.ModuleList(grow if transposed else plain), nn.Conv2d(3, 2, 1)

    def forward(self, x):
        kept = []
        for down in self.down:
            kept.append(down(x))
            x = self.pool(kept[-1])
        x = self.bottom(x)
        for grow, up in zip(self.grow, self.up, strict=True):
            x = up(torch.cat([grow(x), kept.pop()], 1))
        return self.mask(x)


class SsdHead(nn.Module):
    """Classes and boxes from two maps, Liu et al. 2016."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([unit(2, 4, stride=2), unit(4, 4, stride=2)])
        self.scores, self.boxes = (nn.ModuleList(nn.Conv2d(4, 2 * n, 3, padding=1) for _ in "12") for n in (3, 4))

    def forward(self, x):
        scores, boxes = [], []
        for stage, score, box in zip(self.stages, self.scores, self.boxes, strict=True):
            x = stage(x)
            scores.append(score(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, 3))
            boxes.append(box(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, 4))
        return torch.cat(scores, 1).softmax(-1), torch.cat(boxes, 1)


class YoloHead(nn.Module):
    """Boxes decoded from a grid and anchors, as in YOLOv5."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 2 * 7, 1)
        rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(5.0), indexing="ij")
        self.register_buffer("grid", torch.stack([columns, rows], -1)[None, None] - 0.5)
        self.register_buffer("anchors", torch.tensor([[10.0, 13], [33, 23]]).view(1, 2, 1, 1, 2))

    def forward(self, x):
        y = self.conv(x).view(x.shape[0], 2, 7, 4, 5).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        place, size, rest = y.split((2, 2, 3), 4)
        y = torch.cat([(place * 2 + self.grid) * 8, (size * 2) ** 2 * self.anchors, rest], 4)
        return y.view(x.shape[0], -1, 7)


class Pyramid(nn.Module):
    """A feature pyramid, Lin et al. 2017; sizes come from the maps."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([unit(2, 3, stride=2), unit(3, 4, stride=2)])
        self.lateral, self.smooth = (
            nn.ModuleList([nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)]),
            nn.Conv2d(4, 4, 3, padding=1),
        )

    def forward(self, x):
        first = self.stages[0](x)
        top = self.lateral[1](self.stages[1](first))
        return self.smooth(self.lateral[0](first) + functional.interpolate(top, size=first.shape[2:])), top


class Shuffle(nn.Module):
    """ShuffleNetV2's unit, Ma et al. 2018."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(unit(4, 4, 1), unit(4, 4, groups=4, activation=None), unit(4, 4, 1))

    def forward(self, x):
        kept, changed = x.chunk(2, 1)
        n, c, h, w = x.shape
        y = torch.cat([kept, self.branch(changed)], 1)
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def flipped(x):
    """Reversed along one axis, rolled along two."""
    return torch.roll(x.flip(2), (1, -2), (1, 2))


def focused(x):
    """Every second pixel of four kinds, as in YOLOv5."""
    return torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)


def standardised(x):
    """Less its mean, over its deviation."""
    return (x - x.mean(2, keepdim=True)) / (x.std(2, keepdim=True) + 0.1)


def padded():
    """Three kinds of padding."""
    return nn.Sequential(nn.ReflectionPad2d((1, 2, 0, 1)), nn.ReplicationPad2d(1), nn.ZeroPad2d((0, 1, 1, 0)))


def one_dimension():
    """A network of sequences."""
    layers = [nn.Conv1d(3, 4, 5, 2, 2), nn.BatchNorm1d(4), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool1d(1)]
    return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(4, 3))


def pieces():
    """Single modules, as the exporters write them, with the shapes of their inputs and the opsets."""
    maps, wide, rows = (3, 4, 4, 3), (3, 2, 4, 6), (3, 4, 5)
    yield "group_norm", lambda: nn.GroupNorm(2, 4), maps, (11, 18)
    yield "instance_norm", lambda: nn.InstanceNorm2d(4, affine=True), maps, (13, 18)
    yield "layer_norm", lambda: nn.LayerNorm(5), rows, (11, 17, 20)
    yield "layer_norm_maps", lambda: LayerNorm2d(4), maps, (13,)
    yield "batch_norm_1d", lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), (3, 6), (13, 18)
    yield "pixel_shuffle", lambda: nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.PixelShuffle(2)), maps, (11, 18)
    yield "pixel_unshuffle", lambda: nn.PixelUnshuffle(2), wide, (13, 18)
    yield "hard_swish", nn.Hardswish, rows, (13, 18)
    yield "gelu", lambda: nn.Sequential(nn.GELU(), nn.GELU(approximate="tanh")), rows, (13, 20)
    yield "rms_norm", lambda: nn.RMSNorm(5, eps=1e-5), rows, (18,)
    yield "upsample", lambda: nn.Upsample(scale_factor=2, mode="bilinear"), wide, (11, 18)
    yield "upsample_cubic", lambda: nn.Upsample(size=(7, 9), mode="bicubic"), wide, (13,)
    yield "adaptive_mean", lambda: nn.AdaptiveAvgPool2d((2, 3)), wide, (13, 18)
    yield "adaptive_max", lambda: nn.AdaptiveMaxPool2d(1), wide, (13, 18)
    yield "focus", lambda: Function(focused), wide, (11, 18)
    yield "normalize", lambda: Function(lambda x: functional.normalize(x, dim=1)), (3, 6), (13, 18)
    yield "flip_roll", lambda: Function(flipped), rows, (13, 18)
    yield "pads", padded, wide, (11, 18)
    yield "one_dimension", one_dimension, (3, 3, 12), (13, 18)
    yield "standardised", lambda: Function(standardised), rows, (13, 18)


def nets():
    """Networks in the small, with the shapes of their inputs and the opsets."""
    image = (3, 2, 8, 8)
    block = (3, 4, 6, 6)
    yield "residual", residual_network, (3, 2, 9, 9), (11, 18)
    yield "inverted_residual", inverted_residual, block, (11, 17, 20)
    yield "squeeze_excite", mb_conv, block, (13, 18)
    yield "squeeze_excite_hard", lambda: mb_conv(nn.Hardswish, nn.Hardsigmoid), block, (13, 18)
    yield "conv_next", ConvNeXt, block, (13, 17, 20)
    yield "dense_block", Dense, block, (13, 18)
    yield "inception", Inception, block, (11, 18)
    yield "unet_transposed", lambda: UNet(True), image, (13, 18)
    yield "unet_resize", lambda: UNet(False), image, (11, 18)
    yield "ssd_head", SsdHead, image, (13, 18)
    yield "yolo_head", YoloHead, (3, 4, 4, 5), (13, 18)
    yield "pyramid", Pyramid, image, (13, 18)
    yield "shuffle_unit", Shuffle, (3, 8, 4, 5), (11, 18)


def cases():
    """All of this file."""
    for group in (pieces, nets):
        for name, module, shape, opsets in group():
            for opset in opsets:
                yield export(f"torch_{name}_{opset}", module, opset, image=shape)
    for opset in (13, 17):
        yield export(f"torch_residual_norms_kept_{opset}", residual_network, opset, keep_norms=True, image=(3, 2, 9, 9))
    yield export("torch_fixed_batch_13", residual_network, 13, free=False, image=(1, 2, 9, 9))
    yield export("torch_metadata_18", mb_conv, 18, metadata=True, image=(3, 4, 6, 6))
