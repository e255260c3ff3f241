"""Single operations in PyTorch, timed as bitplan's program does."""

import time

import torch
from quantizers import ActivationQuantizer
from torch.nn import functional


def timed(steps, run):
    """Seconds of each run after one to warm up."""
    run()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def convolution(operation, steps, layout):
    """One of the three products of a convolution."""
    batch, inputs, out, kernel = (operation[k] for k in ("batch", "channels", "out", "kernel"))
    stride, groups, padding = operation["stride"], operation["groups"], kernel // 2
    x = torch.randn(batch, inputs, operation["extent"], operation["extent"]).contiguous(memory_format=layout)
    w = torch.randn(out, inputs // groups, kernel, kernel).contiguous(memory_format=layout)
    if operation["kind"] == "forward":
        with torch.inference_mode():
            return timed(steps, lambda: functional.conv2d(x, w, None, stride, padding, 1, groups))
    g = torch.randn_like(functional.conv2d(x, w, None, stride, padding, 1, groups))
    wanted = [operation["kind"] == "input_gradient", operation["kind"] == "weight_gradient", False]
    arguments = [None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups, wanted]
    return timed(steps, lambda: torch.ops.aten.convolution_backward(g, x, w, *arguments))


def norm_relu(operation, steps, layout):
    """Batch norm of a batch and ReLU, forward and backward."""
    channels = operation["channels"]
    x = torch.randn(operation["batch"], channels, operation["extent"], operation["extent"])
    x = x.contiguous(memory_format=layout).requires_grad_()
    weight, bias = torch.ones(channels, requires_grad=True), torch.zeros(channels, requires_grad=True)
    g = torch.randn_like(x)

    def run():
        y = functional.relu(functional.batch_norm(x, None, None, weight, bias, training=True), inplace=True)
        torch.autograd.grad(y, (x, weight, bias), g)

    return timed(steps, run)


def fake_quant(operation, steps, layout):
    """4 bits, unsigned, forward and backward."""
    x = torch.randn(operation["batch"], operation["channels"], operation["extent"], operation["extent"])
    x, scale = x.contiguous(memory_format=layout).requires_grad_(), torch.tensor(0.1, requires_grad=True)
    g = torch.randn_like(x)
    return timed(steps, lambda: torch.autograd.grad(ActivationQuantizer.apply(x, scale, 0, 15), (x, scale), g))


def measure(job, layout):
    """For each operation, the seconds of each of its runs."""
    kinds = {"norm_relu": norm_relu, "fake_quant": fake_quant}
    seconds = [kinds.get(o["kind"], convolution)(o, job["steps"], layout) for o in job["operations"]]
    return {"seconds": seconds}
