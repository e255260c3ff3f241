#!/usr/bin/env python3
"""Networks of the zoo in PyTorch with random parameters; called by ../check_zoo.py.

    reference.py make FOLDER NAME SIDE CLASSES SAMPLES       weights.safetensors, input.npz, expected.npz
    reference.py compare FOLDER                              output.npz against expected.npz, as JSON
"""

import json
import pathlib
import sys

import networks
import numpy
import torch
from safetensors.torch import save_file

SEED = 0


def randomise(model, x, generator):
    """Norms with factors, shifts and statistics that matter; learnt tables that are not zero.

    Statistics are those of `x`: with others the signal fades, and the outputs no longer depend on the first layers.
    """
    uniform = lambda like: torch.rand(like.shape, generator=generator) + 0.5
    normal = lambda like, deviation: deviation * torch.randn(like.shape, generator=generator)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.LayerNorm, torch.nn.RMSNorm)):
            module.weight.data = uniform(module.weight)
            if getattr(module, "bias", None) is not None:
                module.bias.data = normal(module.bias, 0.1)
        if isinstance(module, torch.nn.BatchNorm2d):
            # The statistics of one batch, not a mixture with the neutral ones.
            module.momentum = 1.0
    for name, parameter in model.named_parameters():
        if "bias_table" in name or "token" in name or "pos_embedding" in name:
            parameter.data = normal(parameter, 0.5)
        # torchvision begins with a head of zeros.
        if name.startswith("head"):
            parameter.data = normal(parameter, 0.1)
    model.train()
    with torch.no_grad():
        model(x)
    model.eval()


def make(folder, name, side, classes, samples):
    """Weights, input and outputs: in f64, in f32, and with one tensor off by 1 %."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model, rename = networks.network(name, side, classes)
    if name.startswith("llama"):
        x = torch.randint(classes, (samples, side), generator=generator)
    else:
        x = torch.randn(samples, 3, side, side, generator=generator)
    randomise(model, x, generator)
    parameters = {rename(key): value for key, value in model.state_dict().items() if "num_batches" not in key}
    parameters.update(model.tables() if hasattr(model, "tables") else {})
    save_file({key: value.clone().contiguous() for key, value in parameters.items()}, folder / "weights.safetensors")
    numpy.savez(folder / "input.npz", input=x.numpy().astype(numpy.float32))
    with torch.no_grad():
        rounded = model(x).numpy()
        exact = model.double()
        of = lambda: exact(x if x.dtype == torch.long else x.double()).numpy()
        expected = of()
        last = [module for module in exact.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))][1]
        last.weight.mul_(1.01)
        numpy.savez(folder / "expected.npz", output=expected, rounded=rounded, control=of())
    learnt = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"learnt_parameters": learnt}))


def compare(folder):
    """Largest differences to the output in f64, by the largest output: bitplan's, PyTorch's in f32, and the control's."""
    expected = numpy.load(folder / "expected.npz")
    found = numpy.load(folder / "output.npz")["output"]
    if found.shape != expected["output"].shape:
        sys.exit(f"found outputs of shape {found.shape}, expected {expected['output'].shape}")
    largest = numpy.abs(expected["output"]).max()
    of = lambda output: float(numpy.abs(output - expected["output"]).max() / largest)
    print(json.dumps({"bitplan": of(found), **{name: of(expected[name]) for name in ("rounded", "control")}}))


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    if command == "make":
        make(pathlib.Path(folder), rest[0], *map(int, rest[1:]))
    else:
        compare(pathlib.Path(folder))
