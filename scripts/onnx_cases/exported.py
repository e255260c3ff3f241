"""Cases by the two ONNX exporters of PyTorch, with PyTorch's own outputs beside them."""

import contextlib
import io
import logging
import warnings

import onnx
import torch

from case import BATCH, FREE, Case, seed

# Below this opset the TorchScript exporter writes the model, from it on torch.export's.
FIRST_DYNAMO = 18


def randomise(module):
    """Gives norms values that matter: fresh ones multiply by one and add zero."""
    for part in module.modules():
        named = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        for name, tensor in named if "Norm" in type(part).__name__ else []:
            if name in ("weight", "running_var"):
                torch.nn.init.uniform_(tensor, 0.5, 1.5)
            elif tensor.is_floating_point():
                torch.nn.init.normal_(tensor, std=0.2)
    return module.eval()


def quietly(make):
    """The result of a call that prints and warns."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        return make()


def without_origins(model, metadata):
    """Drops what tells where the exporter ran, stack traces and source lines; without `metadata`, scopes as well."""
    graphs = [model.graph, *model.functions]
    nodes = [node for graph in graphs for node in graph.node]
    for holder in [*nodes, *(value for graph in graphs for value in graph.value_info), *model.graph.initializer]:
        holder.ClearField("doc_string")
        kept = [e for e in holder.metadata_props if metadata and e.key.endswith(("namespace", "scopes"))]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
    return model


def scripted(module, inputs, opset, free, keep_norms):
    """The model by the TorchScript exporter; it folds batch norms into convolutions unless they are to be kept."""
    axes = {name: {0: FREE} for name, tensor in inputs.items() if free and tensor.shape[0] == BATCH}
    mode = torch.onnx.TrainingMode.PRESERVE if keep_norms else torch.onnx.TrainingMode.EVAL
    target = io.BytesIO()
    quietly(lambda: torch.onnx.export(module, tuple(inputs.values()), target, opset_version=opset, dynamo=False,
                                      input_names=list(inputs), dynamic_axes=axes, training=mode))  # fmt: skip
    return onnx.load_from_string(target.getvalue())


def dynamo(module, inputs, opset, free):
    """The model by torch.export."""
    batch = torch.export.Dim(FREE)
    shapes = tuple({0: batch} if free and tensor.shape[0] == BATCH else {} for tensor in inputs.values())
    program = quietly(lambda: torch.onnx.export(
        module, tuple(inputs.values()), opset_version=opset, dynamo=True, input_names=list(inputs),
        dynamic_shapes=shapes, verbose=False))  # fmt: skip
    return program.model_proto


def as_tensor(value):
    """A tuple is the shape of normal draws; anything else is the tensor itself."""
    return torch.randn(*value) if isinstance(value, tuple) else value


def export(name, module, opset, free=True, keep_norms=False, metadata=False, **inputs):
    """A case from a module that is made after the seed is set: `module` is a function or class without arguments."""
    torch.manual_seed(seed(name))
    network = randomise(module())
    inputs = {key: as_tensor(value) for key, value in inputs.items()}
    with torch.no_grad():
        outputs = network(*inputs.values())
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    if opset < FIRST_DYNAMO:
        model = scripted(network, inputs, opset, free, keep_norms)
    else:
        model = dynamo(network, inputs, opset, free)
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    return Case(name, without_origins(model, metadata), arrays, [tensor.detach().numpy() for tensor in outputs])
