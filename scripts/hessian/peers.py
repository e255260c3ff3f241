#!/usr/bin/env python3
"""Hessian products of ResNet-20 with one tool, timed; called by ../bench_hessian.py, prints one JSON document.

    peers.py TOOL JOB

TOOL: `torch`, double backward, a forward and a backward pass for every product; `torch_shared`, the same with those
passes shared by the products of a job; `pyhessian`, the trace of PyHessian, which adds up all layers; `exact`, no
product but the exact trace of every layer. JOB: JSON file with data, weights, images, micro_batch, threads, mean, std,
products and seed.
"""

import json
import math
import pathlib
import sys
import time
import warnings

import curvature
import networks
import torch


def run(tool, model, data, products, seed):
    """The tool's `products` values `v_lᵀ (Hv)_l` (PyHessian: of all layers together)."""
    shapes = [layer.weight.shape for layer in networks.layers(model).values()]
    vectors = [curvature.rademacher(shapes, seed, i, torch.float32) for i in range(products)]
    if tool == "torch":
        return torch.cat([curvature.products(model, data, [v]) for v in vectors]).tolist()
    if tool == "torch_shared":
        return curvature.products(model, data, vectors).tolist()
    if tool == "exact":
        return curvature.gauss_newton(model, data)["weight"].tolist()
    from pyhessian import hessian

    torch.manual_seed(seed)
    operator = hessian(model, torch.nn.CrossEntropyLoss(), dataloader=data, cuda=False)
    # No tolerance is that small: it makes `products` products and does not stop before.
    return operator.trace(maxIter=products, tol=-math.inf)


def main():
    """Warms up on one batch, runs, prints."""
    # PyTorch remarks on backward with create_graph, which is how PyHessian works; zero_grad breaks the cycle.
    warnings.filterwarnings("ignore")
    tool, job = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text())
    torch.set_num_threads(job["threads"])
    model = networks.resnet20(job["weights"])
    images = networks.cifar10(job["data"], job["images"], job["mean"], job["std"])
    data = networks.batches(images, job["micro_batch"], torch.float32)
    run(tool, model, data[:1], 1, 0)
    start, cpu = time.perf_counter(), time.process_time()
    values = run(tool, model, data, job["products"], job["seed"])
    seconds = (time.perf_counter() - start) / job["products"]
    cpu = (time.process_time() - cpu) / job["products"]
    document = {"seconds_per_product": seconds, "cpu_seconds_per_product": cpu, "values": values}
    print(json.dumps({**document, "layers": list(networks.layers(model))}))


if __name__ == "__main__":
    main()
