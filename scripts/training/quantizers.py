"""bitplan's quantisers in PyTorch, as straight-through functions of vectorised operations, and layers that use them.

Activations: LSQ (arXiv 1902.08153), a scale per tensor and precision. Weights: Double Rounding (arXiv 2502.01199), an
8-bit integer master with a scale per output channel from which every precision is derived by rounding again. Scales are
parameters in the log domain. Ties are rounded to even.
"""

import math

import torch
from torch import nn
from torch.nn import functional

PRECISIONS = (8, 6, 4, 2)
MASTER_BITS = 8


def signed_range(bits):
    """Smallest and largest code of two's complement."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


class ActivationQuantizer(torch.autograd.Function):
    """`round(clip(x / s)) s`; the gradient of `s` is scaled by `1 / sqrt(elements of a sample * largest code)`."""

    @staticmethod
    def forward(ctx, x, scale, low, high):
        ctx.save_for_backward(x, scale)
        ctx.range = low, high
        return (x / scale).clamp_(low, high).round_().mul_(scale)

    @staticmethod
    def backward(ctx, upstream):
        x, scale = ctx.saved_tensors
        low, high = ctx.range
        u = x / scale
        code = u.clamp(low, high)
        inside = u == code
        slope = code.round_().sub_(u.mul_(inside))
        factor = 1 / math.sqrt(x[0].numel() * high)
        return upstream * inside, slope.mul_(upstream).sum() * factor, None, None


class WeightQuantizer(torch.autograd.Function):
    """`q_b s 2^d`, `q_b = clip(round(q_h / 2^d))`, `q_h = clip(round(w / s))`, `d` bits below the master's."""

    @staticmethod
    def forward(ctx, weight, scale, bits):
        low, high = signed_range(bits)
        ratio = 2.0 ** (MASTER_BITS - bits)
        scale = scale.view(-1, *[1] * (weight.dim() - 1))
        code = (weight / scale).round_().clamp_(*signed_range(MASTER_BITS))
        code = code.div_(ratio).round_().clamp_(low, high)
        scale_at_bits = scale * ratio
        ctx.save_for_backward(weight, scale_at_bits, code)
        ctx.range = low, high
        return code * scale_at_bits

    @staticmethod
    def backward(ctx, upstream):
        weight, scale, code = ctx.saved_tensors
        low, high = ctx.range
        u = weight / scale
        inside = (u >= low) & (u <= high)
        slope = torch.where(inside, code - u, u.clamp(low, high)).mul_(upstream)
        factor = 1 / math.sqrt(weight[0].numel() * high)
        return upstream * inside, slope.flatten(1).sum(1) * factor, None


class Quantized:
    """What quantised layers share: scales, the precision in use, and weights kept for evaluation."""

    def set_up(self, unsigned):
        self.unsigned, self.bits, self.frozen = unsigned, PRECISIONS[0], None
        self.log_weight_scale = nn.Parameter(torch.zeros(self.weight.shape[0]))
        self.log_activation_scale = nn.ParameterDict({str(b): nn.Parameter(torch.zeros(())) for b in PRECISIONS})

    def quantized_weight(self):
        if self.frozen is not None:
            return self.frozen
        return WeightQuantizer.apply(self.weight, self.log_weight_scale.exp(), self.bits)

    def quantized_input(self, x):
        low, high = (0, 2**self.bits - 1) if self.unsigned else signed_range(self.bits)
        return ActivationQuantizer.apply(x, self.log_activation_scale[str(self.bits)].exp(), low, high)

    def read(self, tensors, name):
        """Takes scales from the tensors of bitplan."""
        self.log_weight_scale.data.copy_(tensors[f"{name}.weight_scale"].log())
        for bits, scale in self.log_activation_scale.items():
            scale.data.copy_(tensors[f"{name}.activation_scale.a{bits}"].log())

    def set_precision(self, bits):
        self.bits, self.frozen = bits, None

    def freeze(self):
        """Quantises the weights once: they do not change in evaluation."""
        with torch.no_grad():
            self.frozen = self.quantized_weight()


class QuantizedConv2d(Quantized, nn.Conv2d):
    """A convolution of quantised inputs and weights."""

    def __init__(self, *arguments, unsigned, **options):
        super().__init__(*arguments, **options)
        self.set_up(unsigned)

    def forward(self, x):
        return self._conv_forward(self.quantized_input(x), self.quantized_weight(), self.bias)


class QuantizedLinear(Quantized, nn.Linear):
    """A dense layer of quantised inputs and weights."""

    def __init__(self, *arguments, unsigned):
        super().__init__(*arguments)
        self.set_up(unsigned)

    def forward(self, x):
        return functional.linear(self.quantized_input(x), self.quantized_weight(), self.bias)


class SwitchedNorm(nn.ModuleDict):
    """Batch norm with parameters and statistics for each precision."""

    def __init__(self, channels):
        super().__init__({str(bits): nn.BatchNorm2d(channels) for bits in PRECISIONS})
        self.bits = PRECISIONS[0]

    def forward(self, x):
        return self[str(self.bits)](x)

    def set_precision(self, bits):
        self.bits = bits


def set_precision(model, bits):
    """Every layer and norm at `bits`."""
    for module in model.modules():
        if isinstance(module, (Quantized, SwitchedNorm)):
            module.set_precision(bits)


def deviations(tensors):
    """Distance from bitplan's quantisers: shares of quantised values and of their gradients that are not the same bits,
    and the relative deviation of the scales' gradients; the largest of all precisions."""
    worst = {"quantized": 0.0, "gradient": 0.0, "scale_gradient": 0.0}
    for bits in PRECISIONS:
        for kind in ("weight", "signed", "unsigned"):
            own = "weight" if kind == "weight" else "activation"
            value = tensors[f"{own}.value"].clone().requires_grad_()
            scale = tensors["weight.scale" if kind == "weight" else f"{kind}.{bits}.scale"].clone().requires_grad_()
            if kind == "weight":
                quantized = WeightQuantizer.apply(value, scale, bits)
            else:
                low, high = (0, 2**bits - 1) if kind == "unsigned" else signed_range(bits)
                quantized = ActivationQuantizer.apply(value, scale, low, high)
            quantized.backward(tensors[f"{own}.upstream"])
            found = {"quantized": quantized.detach(), "gradient": value.grad, "scale_gradient": scale.grad}
            for name, ours in found.items():
                theirs = tensors[f"{kind}.{bits}.{name}"]
                if name == "scale_gradient":
                    deviation = ((ours - theirs).norm() / theirs.norm()).item()
                else:
                    deviation = (ours != theirs).float().mean().item()
                worst[name] = max(worst[name], deviation)
    return worst
