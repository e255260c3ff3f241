"""The networks of the training benchmark in PyTorch, FP32 or quantised, with the names of bitplan's."""

import torch
from quantizers import Quantized, QuantizedConv2d, QuantizedLinear, SwitchedNorm
from torch import nn
from torch.nn import functional


class ConvNorm(nn.Module):
    """A convolution without bias and its batch norm; `unsigned` says that its input is never negative."""

    def __init__(self, quantized, inputs, out, kernel, stride=1, groups=1, unsigned=True):
        super().__init__()
        size = {"stride": stride, "padding": kernel // 2, "groups": groups, "bias": False}
        if quantized:
            self.conv = QuantizedConv2d(inputs, out, kernel, **size, unsigned=unsigned)
            self.norm = SwitchedNorm(out)
        else:
            self.conv = nn.Conv2d(inputs, out, kernel, **size)
            self.norm = nn.BatchNorm2d(out)

    def forward(self, x):
        return self.norm(self.conv(x))


def dense(quantized, inputs, outputs):
    """The last layer."""
    return QuantizedLinear(inputs, outputs, unsigned=True) if quantized else nn.Linear(inputs, outputs)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions; where the shape changes, a 1x1 convolution or option A on the shortcut."""

    def __init__(self, quantized, inputs, out, stride, convolution):
        super().__init__()
        first, second = ConvNorm(quantized, inputs, out, 3, stride), ConvNorm(quantized, out, out, 3)
        self.conv1, self.norm1, self.conv2, self.norm2 = first.conv, first.norm, second.conv, second.norm
        self.added = (out - inputs) // 2
        changes = stride != 1 or inputs != out
        self.shortcut = ConvNorm(quantized, inputs, out, 1, stride) if convolution and changes else None

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.added:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added))
        return functional.relu(y.add_(x), inplace=True)


class ResNet(nn.Module):
    """ResNet-8 of MLPerf Tiny (one block a stage) and ResNet-20 (three, option A)."""

    def __init__(self, quantized, channels, blocks, convolution):
        super().__init__()
        self.stem = ConvNorm(quantized, channels, 16, 3, unsigned=False)
        inputs = 16
        for stage, out in enumerate((16, 32, 64), 1):
            named = nn.ModuleDict()
            for block in range(1, blocks + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                named[f"block{block}"] = ResidualBlock(quantized, inputs, out, stride, convolution)
                inputs = out
            setattr(self, f"stage{stage}", named)
        self.fc = dense(quantized, 64, 10)

    def forward(self, x):
        x = functional.relu(self.stem(x), inplace=True)
        for stage in (self.stage1, self.stage2, self.stage3):
            for block in stage.values():
                x = block(x)
        return self.fc(x.mean((2, 3)))


class InvertedResidual(nn.Module):
    """1x1 up, depthwise 3x3, 1x1 down; MobileNetV2's block."""

    def __init__(self, quantized, inputs, out, stride, unsigned):
        super().__init__()
        wide = 6 * inputs
        self.expand = ConvNorm(quantized, inputs, wide, 1, unsigned=unsigned)
        self.depthwise = ConvNorm(quantized, wide, wide, 3, stride, groups=wide)
        self.project = ConvNorm(quantized, wide, out, 1)
        self.residual = stride == 1 and inputs == out

    def forward(self, x):
        y = functional.relu6(self.expand(x), inplace=True)
        y = functional.relu6(self.depthwise(y), inplace=True)
        y = self.project(y)
        return y.add_(x) if self.residual else y


class InvertedResiduals(nn.Module):
    """Four blocks between a 3x3 and a 1x1 convolution."""

    def __init__(self, quantized):
        super().__init__()
        self.stem = ConvNorm(quantized, 3, 16, 3, unsigned=False)
        inputs = 16
        for block, (out, stride) in enumerate([(24, 2), (24, 1), (32, 2), (32, 1)], 1):
            # Only the first sees the output of a ReLU.
            setattr(self, f"block{block}", InvertedResidual(quantized, inputs, out, stride, unsigned=block == 1))
            inputs = out
        self.head = ConvNorm(quantized, inputs, 128, 1, unsigned=False)
        self.fc = dense(quantized, 128, 10)

    def forward(self, x):
        x = functional.relu6(self.stem(x), inplace=True)
        for block in (self.block1, self.block2, self.block3, self.block4):
            x = block(x)
        x = functional.relu6(self.head(x), inplace=True)
        return self.fc(x.mean((2, 3)))


def network(name, quantized):
    """A network by its name in bitplan's benchmark."""
    if name == "inverted_residuals":
        return InvertedResiduals(quantized)
    return ResNet(quantized, *{"resnet8": (1, 1, True), "resnet20": (3, 3, False)}[name])


def load(model, tensors):
    """Takes all parameters from the tensors that bitplan exports, by name; a missing one is an error."""
    kind = "supernet" if any(isinstance(m, Quantized) for m in model.modules()) else "float"
    own = {name.removeprefix(f"{kind}/"): t for name, t in tensors.items() if name.startswith(f"{kind}/")}
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.weight.copy_(own[f"{name}.weight"])
                if module.bias is not None:
                    module.bias.copy_(own[f"{name}.bias"])
            if isinstance(module, Quantized):
                module.read(own, name)
            if isinstance(module, nn.BatchNorm2d):
                for part in ("weight", "bias", "running_mean", "running_var"):
                    getattr(module, part).copy_(own[f"{name}.{part}"])
    return model
