"""The networks and images of the checks, in PyTorch: whatever is in an ONNX file of convolutions, and our ResNet-20.

Only the layers' weights (`Convolution`, `Dense`) are parameters; biases and norms are constants, and norms use
their running statistics.
"""

import numpy
import onnx
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

CIFAR10_IMAGE = (3, 32, 32)
RESNET20_EPSILON = 1e-5


class Convolution(nn.Module):
    """A convolution whose padding may differ from side to side, as exports of TensorFlow need it."""

    def __init__(self, weight, bias, stride, pads):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.register_buffer("bias", bias)
        self.stride, self.pads = stride, pads

    def forward(self, x):
        return functional.conv2d(functional.pad(x, self.pads), self.weight, self.bias, self.stride)


class Norm(nn.Module):
    """Batch norm with fixed statistics."""

    def __init__(self, weight, bias, mean, variance, epsilon):
        super().__init__()
        for name, value in {"weight": weight, "bias": bias, "mean": mean, "variance": variance}.items():
            self.register_buffer(name, value)
        self.epsilon = epsilon

    def forward(self, x):
        return functional.batch_norm(x, self.mean, self.variance, self.weight, self.bias, eps=self.epsilon)


class Dense(nn.Module):
    """A fully connected layer."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.register_buffer("bias", bias)

    def forward(self, x):
        return functional.linear(x, self.weight, self.bias)


def layers(model):
    """The layers with weights by name, in graph order."""
    found = {name: m for name, m in model.named_modules() if isinstance(m, (Convolution, Dense))}
    assert [id(p) for p in model.parameters()] == [id(layer.weight) for layer in found.values()]
    return found


class OnnxNetwork(nn.Module):
    """Runs the nodes of an ONNX graph one after the other, with tensors of a safetensors file."""

    def __init__(self, graph, tensors):
        super().__init__()
        self.nodes = list(graph.node)
        self.input, self.output = graph.input[0].name, graph.output[0].name
        for node in self.nodes:
            a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
            t = [tensors[name] for name in node.input[1:] if name in tensors]
            if node.op_type == "Conv":
                top, left, bottom, right = a["pads"]
                assert a.get("group", 1) == 1 and set(a.get("dilations", [1])) == {1}
                self.add_module(node.name, Convolution(*t, a["strides"], (left, right, top, bottom)))
            elif node.op_type == "BatchNormalization":
                self.add_module(node.name, Norm(*t, a["epsilon"]))
            elif node.op_type == "Gemm":
                assert a == {"transB": 1}
                self.add_module(node.name, Dense(*t))
            elif node.op_type == "AveragePool":
                assert not any(a["pads"])
                self.add_module(node.name, nn.AvgPool2d(a["kernel_shape"], a["strides"]))
            else:
                plain = {"Relu": nn.ReLU, "Flatten": nn.Flatten, "Add": nn.Identity}
                self.add_module(node.name, plain[node.op_type]())

    def forward(self, x):
        values = {self.input: x}
        for node in self.nodes:
            if node.op_type == "Add":
                value = values[node.input[0]] + values[node.input[1]]
            else:
                value = self.get_submodule(node.name)(values[node.input[0]])
            values[node.output[0]] = value
        return values[self.output]


def onnx_network(folder):
    """The network of `model.onnx`, with the weights of `model.safetensors` beside it."""
    graph = onnx.load(folder / "model.onnx").graph
    return OnnxNetwork(graph, safetensors.torch.load_file(folder / "model.safetensors")).eval()


class Resnet20(nn.Module):
    """ResNet-20 for CIFAR-10, option A: shortcuts take every second row and column and pad channels on both sides."""

    def __init__(self, tensors):
        super().__init__()
        self.stem = self._part(tensors, "stem", [("conv", "norm", 1)])
        self.blocks = []
        for stage in (1, 2, 3):
            blocks = nn.ModuleDict()
            for block in (1, 2, 3):
                stride = 2 if stage > 1 and block == 1 else 1
                convolutions = [("conv1", "norm1", stride), ("conv2", "norm2", 1)]
                blocks[f"block{block}"] = self._part(tensors, f"stage{stage}.block{block}", convolutions)
                self.blocks.append((f"stage{stage}.block{block}", stride))
            self.add_module(f"stage{stage}", blocks)
        self.fc = Dense(tensors["fc.weight"], tensors["fc.bias"])

    @staticmethod
    def _part(tensors, prefix, convolutions):
        part = nn.ModuleDict()
        for conv, norm, stride in convolutions:
            part[conv] = Convolution(tensors[f"{prefix}.{conv}.weight"], None, stride, (1, 1, 1, 1))
            names = ["weight", "bias", "running_mean", "running_var"]
            part[norm] = Norm(*(tensors[f"{prefix}.{norm}.{name}"] for name in names), RESNET20_EPSILON)
        return part

    def forward(self, x):
        x = functional.relu(self.stem["norm"](self.stem["conv"](x)))
        for name, stride in self.blocks:
            block = self.get_submodule(name)
            y = functional.relu(block["norm1"](block["conv1"](x)))
            y = block["norm2"](block["conv2"](y))
            if stride == 2:
                half = (y.shape[1] - x.shape[1]) // 2
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))
            x = functional.relu(y + x)
        return self.fc(x.mean((2, 3)))


def resnet20(file):
    """ResNet-20 with weights of a safetensors file that has the names of bitplan's zoo."""
    return Resnet20(safetensors.torch.load_file(file)).eval()


def cifar10(file, images, mean, deviation):
    """The first images of a binary batch file and their labels; `(pixel / 255 - mean) / deviation` for each channel."""
    size = 1 + numpy.prod(CIFAR10_IMAGE)
    records = numpy.fromfile(file, numpy.uint8, images * size).reshape(images, size)
    pixels = torch.from_numpy(records[:, 1:].reshape(images, *CIFAR10_IMAGE).copy()).double() / 255
    per_channel = [torch.tensor(x, dtype=torch.float64).view(3, 1, 1) for x in (mean, deviation)]
    return (pixels - per_channel[0]) / per_channel[1], torch.from_numpy(records[:, 0].astype(numpy.int64))


def batches(data, size, element):
    """Images and labels in batches of at most `size`, the images of type `element`."""
    images, labels = data
    return list(zip(images.to(element).split(size), labels.split(size)))
