"""Architectures of torchvision with random weights, exported to ONNX."""

import sys

import onnx
import torch
import torchvision
from torch import nn
from torchvision.models import VisionTransformer, detection, segmentation

import networks
from case import BATCH, seed
from exported import FIRST_DYNAMO, dynamo, quietly, randomise, scripted

CLASSES = 100
OPSETS = (17, 18)
# Images behind the statistics of batch norms: with few, maps of 2 × 2 have tiny variances, which enlarge rounding.
SETTLING = 16


class Outputs(nn.Module):
    """One of the outputs of a network that returns several by name."""

    def __init__(self, network, name):
        super().__init__()
        self.network, self.name = network, name

    def forward(self, x):
        return self.network(x)[self.name]


class Detector(nn.Module):
    """Backbone and heads of a single-shot detector: scores and boxes of every anchor."""

    def __init__(self):
        super().__init__()
        network = detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=6)
        self.backbone, self.head = network.backbone, network.head

    def forward(self, x):
        found = self.head(list(self.backbone(x).values()))
        return found["cls_logits"], found["bbox_regression"]


def transformer():
    """ViT with a quarter of the width of ViT-B and a third of its blocks."""
    return VisionTransformer(image_size=64, patch_size=16, num_layers=4, num_heads=4, hidden_dim=192, mlp_dim=384,
                             num_classes=CLASSES)  # fmt: skip


def classifier(name):
    """A maker of a classifier by its name in torchvision."""
    return lambda: getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)


def segmenter(name):
    """A maker of a segmentation network by its name in torchvision."""
    return lambda: Outputs(getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=6), "out")


NAMES = ("resnet18", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0",
         "efficientnet_v2_s", "shufflenet_v2_x1_0", "squeezenet1_1", "mnasnet1_0", "densenet121", "regnet_y_400mf",
         "convnext_tiny", "swin_t", "googlenet", "inception_v3")  # fmt: skip
# Maker and image size; 128 as maps of smaller images vanish in Inception, 320 as the detector's name says.
MAKERS = {
    **{name: (classifier(name), 64) for name in NAMES},
    "inception_v3": (classifier("inception_v3"), 128),
    "vit": (transformer, 64),
    "deeplabv3_mobilenet_v3_large": (segmenter("deeplabv3_mobilenet_v3_large"), 64),
    "lraspp_mobilenet_v3_large": (segmenter("lraspp_mobilenet_v3_large"), 64),
    "ssdlite320_heads": (Detector, 320),
    "unet": (lambda: networks.UNet(True), 64),
    "unet_resize": (lambda: networks.UNet(False), 64),
}


def settled(network, images):
    """The network without constant parameters (a last layer of zeros, a layer scale of 1e-6 hide what stands before),
    and with the statistics of these images in its batch norms, so that no layer explodes or vanishes."""
    for parameter in network.parameters():
        if parameter.min() == parameter.max():
            nn.init.normal_(parameter, std=0.1)
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        network(images)
    return network.eval()


def exported(work, names):
    """Title, file and inputs of every architecture from both exporters; the caller removes the file."""
    chosen = list(MAKERS) if names == "all" else names.split(",")
    if unknown := [name for name in chosen if name not in MAKERS]:
        sys.exit(f"--torchvision: found {unknown[0]}, expected some of {', '.join(MAKERS)}")
    for name in chosen:
        maker, extent = MAKERS[name]
        torch.manual_seed(seed(name))
        channels = 2 if name.startswith("unet") else 3
        images = torch.randn(SETTLING, channels, extent, extent)
        network, image = settled(randomise(quietly(maker)), images), images[:BATCH]
        for opset in OPSETS:
            title, path = f"{name}, opset {opset}", work / f"{name}_{opset}.onnx"
            try:
                if opset < FIRST_DYNAMO:
                    model = scripted(network, {"image": image}, opset, free=True, keep_norms=False)
                else:
                    model = dynamo(network, {"image": image}, opset, free=True)
            except Exception as error:  # PyTorch's exporters raise many kinds
                print(f"| {title} | | | PyTorch did not export it: {str(error).splitlines()[0][:100]} |")
                continue
            onnx.save(model, path)
            yield title, path, {"image": image.numpy()}
