"""Curvature of the mean cross-entropy over some images, by PyTorch's differentiation alone.

`v_lᵀ (Hv)_l` by double backward; and the exact Gauss–Newton trace, which for a network of convolutions, fixed norms and
ReLU is the exact trace of the Hessian's diagonal blocks, because the logits `z` are linear in each one tensor between
kinks:

    Tr(H_ll) = (1/N) Σ_n Σ_k ‖∂(s_k · z_n)/∂W_l‖²,   s_k = √p_k (e_k − p),   Σ_k s_k s_kᵀ = diag p − p pᵀ

The same with a layer's input or output for `W_l` gives mean traces over activations.
"""

import math

import torch
from networks import Convolution, layers
from torch.nn import functional


def rademacher(shapes, seed, probe, element):
    """±1 entries that depend on nothing but seed and number of the probe."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + probe)
    return [torch.randint(0, 2, s, generator=generator).to(element) * 2 - 1 for s in shapes]


def products(model, data, vectors):
    """`v_lᵀ (Hv)_l` of each layer for each vector, `[vectors, layers]`; the vectors share the gradient's graph."""
    weights = [layer.weight for layer in layers(model).values()]
    samples = sum(len(labels) for _, labels in data)
    values = torch.zeros(len(vectors), len(weights), dtype=torch.float64)
    for images, labels in data:
        loss = functional.cross_entropy(model(images), labels, reduction="sum") / samples
        gradient = torch.autograd.grad(loss, weights, create_graph=True)
        for i, v in enumerate(vectors):
            product = torch.autograd.grad(gradient, weights, v, retain_graph=i + 1 < len(vectors))
            values[i] += torch.tensor([(a.double() * b.double()).sum() for a, b in zip(v, product)])
    return values


class Tape:
    """Records of every layer the tensor that it reads (`tensor`), that tensor on its way into this layer alone (`edge`)
    and what it puts out (`output`), while a model runs."""

    def __init__(self, model):
        self.tensor, self.edge, self.output = [], [], []
        self.layers, self.handles = list(layers(model).values()), []

    def __enter__(self):
        for layer in self.layers:
            self.handles.append(layer.register_forward_pre_hook(self._enter))
            self.handles.append(layer.register_forward_hook(lambda _, __, y: self.output.append(y)))
        return self

    def _enter(self, _, inputs):
        self.tensor.append(inputs[0])
        # A tensor of its own, so that its gradient leaves out the other readers of `inputs[0]`.
        self.edge.append(inputs[0].view_as(inputs[0]))
        return (self.edge[-1],)

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()


def weight_norms(layer, x, g):
    """Sum over samples of the squared norm of each sample's gradient with respect to the layer's weight."""
    if not isinstance(layer, Convolution):
        return (x.square().sum(1) * g.square().sum(1)).sum()
    columns = functional.unfold(functional.pad(x, layer.pads), layer.weight.shape[2:], stride=layer.stride)
    return torch.bmm(g.flatten(2), columns.transpose(1, 2)).square().sum()


def gauss_newton(model, data):
    """Exact traces of each layer by kind (`weight`, `tensor`, `edge`, `output`), and the empirical Fisher's (`fisher`:
    `(1/N) Σ_n ‖∂L_n/∂W_l‖²`)."""
    modules = list(layers(model).values())
    kinds = ["weight", "tensor", "edge", "output", "fisher"]
    sums = {kind: torch.zeros(len(modules), dtype=torch.float64) for kind in kinds}
    samples = sum(len(labels) for _, labels in data)
    for images, labels in data:
        with Tape(model) as tape:
            logits = model(images.clone().requires_grad_())
        p = logits.softmax(1).detach()
        unit = torch.eye(p.shape[1], dtype=p.dtype)
        seeds = [p[:, k : k + 1].sqrt() * (unit[k] - p) for k in range(p.shape[1])] + [p - unit[labels]]
        for seed in seeds:
            flat = torch.autograd.grad(logits, tape.tensor + tape.edge + tape.output, seed, retain_graph=True)
            n = len(modules)
            gradients = {"tensor": flat[:n], "edge": flat[n : 2 * n], "output": flat[2 * n :]}
            empirical = seed is seeds[-1]
            for l, layer in enumerate(modules):
                norms = weight_norms(layer, tape.edge[l].detach(), gradients["output"][l])
                sums["fisher" if empirical else "weight"][l] += norms
                for kind in () if empirical else gradients:
                    sums[kind][l] += gradients[kind][l].square().sum()
    return {kind: sum / samples for kind, sum in sums.items()}


def activation_products(model, data, probes, seed):
    """Means and standard errors of the traces over activations by kind, by Hutchinson's estimator with this many probes
    of its own for every image. Errors come from the spread of each image's probes, not from that between images."""
    found = {kind: [[] for _ in layers(model)] for kind in ("tensor", "edge", "output")}
    for b, (images, labels) in enumerate(data):
        with Tape(model) as tape:
            logits = model(images.clone().requires_grad_())
        loss = functional.cross_entropy(logits, labels, reduction="sum")
        for kind, of_layer in found.items():
            variables = getattr(tape, kind)
            # Two layers may read one tensor: it is one variable.
            distinct = list({id(v): v for v in variables}.values())
            place = [next(i for i, v in enumerate(distinct) if v is variable) for variable in variables]
            gradient = torch.autograd.grad(loss, distinct, create_graph=True)
            values = []
            for r in range(probes):
                v = rademacher([x.shape for x in distinct], seed + 1 + b, r, images.dtype)
                product = torch.autograd.grad(gradient, distinct, v, retain_graph=True)
                values.append([(a.double() * h.double()).flatten(1).sum(1) for a, h in zip(v, product)])
            for l, i in enumerate(place):
                of_layer[l].append(torch.stack([value[i] for value in values]))
    estimates = {}
    for kind, of_layer in found.items():
        joined = [torch.cat(parts, 1) for parts in of_layer]
        errors = [math.sqrt(x.var(0).mean() / x.numel()) for x in joined]
        estimates[kind] = [(float(x.mean()), error) for x, error in zip(joined, errors)]
    return estimates


def block_trace(loss, variable):
    """Trace of the full Hessian block of one variable, one backward pass for each of its elements."""
    (gradient,) = torch.autograd.grad(loss, variable, create_graph=True)
    trace = 0.0
    for j, g in enumerate(gradient.flatten()):
        (row,) = torch.autograd.grad(g, variable, retain_graph=True)
        trace += float(row.flatten()[j])
    return trace
