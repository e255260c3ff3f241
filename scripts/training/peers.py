#!/usr/bin/env python3
"""PyTorch's side of the training benchmark; called by ../bench_training.py, prints one JSON document.

    peers.py COMMAND FILE

COMMAND: float, supernet, evaluate or operations, with the same FILE and the same answer as bitplan's program
(`benches/training/main.rs`), and in FILE `tensors`, what that program exports, and `layout`, contiguous or
channels_last; or quantize, which says how far its quantisers are from PyTorch's.
"""

import json
import pathlib
import sys
import time

import operations
import safetensors.torch
import torch
from networks import load, network
from quantizers import PRECISIONS, Quantized, deviations, set_precision
from torch import nn
from torch.nn import functional

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def memory(field):
    """A line of what Linux says of this process's memory, in MB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def subject(job, quantized):
    """Model, images and labels."""
    tensors = safetensors.torch.load_file(job["tensors"])
    layout = LAYOUTS[job["layout"]]
    model = load(network(job["network"], quantized), tensors).to(memory_format=layout)
    images = tensors["images"].contiguous(memory_format=layout)
    return model, images, tensors["labels"].long()


def optimizer(model, job, partial):
    """Weights decay, nothing else does. `partial`: some parameters have no gradient in the first step."""
    weights = [m.weight for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    known = {id(w) for w in weights}
    groups = [
        {"params": weights, "weight_decay": job["weight_decay"]},
        {"params": [p for p in model.parameters() if id(p) not in known]},
    ]
    if job["optimizer"] == "adam":
        return torch.optim.Adam(groups, lr=job["learning_rate"], fused=True)
    # The fused form of SGD fails on a parameter that gets its first gradient in a later step.
    return torch.optim.SGD(groups, lr=job["learning_rate"], momentum=0.9, fused=not partial)


def train(job, quantized):
    """Steps on the first batch, which is a ready tensor."""
    model, images, labels = subject(job, quantized)
    images, labels = images[: job["batch"]].clone(memory_format=LAYOUTS[job["layout"]]), labels[: job["batch"]]
    step = optimizer(model, job, partial=quantized)
    model.train()
    answer = {"start_mb": memory("VmRSS:"), "seconds": [], "losses": []}
    for _ in range(job["steps"]):
        start, losses = time.perf_counter(), []
        for bits in PRECISIONS if quantized else [32]:
            if quantized:
                set_precision(model, bits)
            step.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(images), labels)
            loss.backward()
            step.step()
            losses.append(loss.item())
        answer["seconds"].append(time.perf_counter() - start)
        answer["losses"].append(losses)
    return {**answer, "peak_mb": memory("VmHWM:")}


@torch.inference_mode()
def evaluate(job):
    """Evaluates all images once to warm up and then `steps` times; weights are quantised once."""
    model, images, labels = subject(job, job["bits"] != 32)
    model.eval()
    if job["bits"] != 32:
        set_precision(model, job["bits"])
        for module in model.modules():
            if isinstance(module, Quantized):
                module.freeze()
    batches = list(zip(images.split(job["batch"]), labels.split(job["batch"])))

    def run():
        total, correct = 0.0, 0
        for x, y in batches:
            logits = model(x)
            total += functional.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
        return total / len(images)

    loss, seconds = run(), []
    for _ in range(job["steps"]):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "losses": [[loss]]}


def main():
    """Runs one command."""
    command, job = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text())
    torch.set_num_threads(job["threads"])
    run = {
        "float": lambda: train(job, False),
        "supernet": lambda: train(job, True),
        "evaluate": lambda: evaluate(job),
        "quantize": lambda: deviations(safetensors.torch.load_file(job["tensors"])),
        "operations": lambda: operations.measure(job, LAYOUTS[job["layout"]]),
    }[command]
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
