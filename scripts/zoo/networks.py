"""Networks of the zoo in PyTorch: torchvision's where it has them, else written from their definitions.

Each function gives a module whose parameters have bitplan's names, up to `rename`.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer

# Below this side an image is small: the networks then keep their resolution longer, as bitplan's documentation says.
SMALL = 64


def resnet(name, side, classes):
    """ResNets of torchvision; on small images a 3x3 stem of stride 1 without pooling."""
    model = getattr(models, name)(num_classes=classes)
    if side < SMALL:
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
    return model


def mobilenet_v2(side, classes):
    """MobileNetV2 of torchvision; on small images stride 1 in the stem and in the stage of 24 channels."""
    model = models.mobilenet_v2(num_classes=classes)
    if side < SMALL:
        model.features[0][0].stride = (1, 1)
        model.features[2].conv[1][0].stride = (1, 1)
    return model


def vit_tiny(side, classes):
    """The size of DeiT-Ti in torchvision's code; patches of 4 on small images."""
    return VisionTransformer(image_size=side, patch_size=4 if side < SMALL else 16, num_layers=12, num_heads=3,
                             hidden_dim=192, mlp_dim=768, num_classes=classes)


VIT_NAMES = {
    "class_token": "cls_token.value", "encoder.pos_embedding": "pos_embed.value", "conv_proj": "patch_embed.proj",
    "encoder.layers.encoder_layer_": "blocks.", ".self_attention.in_proj_": ".attn.qkv.",
    ".self_attention.out_proj": ".attn.proj", ".ln_1": ".norm1", ".ln_2": ".norm2", ".mlp.0": ".mlp.fc1",
    ".mlp.3": ".mlp.fc2", "encoder.ln": "norm", "heads.head": "head",
}  # fmt: skip


def vit_name(name):
    """timm's name of a parameter of torchvision's transformer."""
    for theirs, ours in VIT_NAMES.items():
        name = name.replace(theirs, ours)
    return name


class PartialChannel(nn.Module):
    """PAT_ch."""

    def __init__(self, channels):
        super().__init__()
        quarter, rest = channels // 4, channels - channels // 4
        self.sizes = [quarter, rest]
        self.partial_conv3 = nn.Conv2d(quarter, quarter, 3, 1, 1, bias=False)
        self.gate = nn.ModuleDict({"conv": nn.Conv2d(rest, rest, (1, 2), bias=False), "norm": nn.BatchNorm2d(rest)})
        self.norm = nn.BatchNorm2d(rest)

    def forward(self, x):
        first, rest = x.split(self.sizes, 1)
        flat = rest.flatten(2)
        moments = torch.stack([flat.mean(2), flat.std(2)], 2)[:, :, None]
        gate = functional.hardsigmoid(self.gate["norm"](self.gate["conv"](moments)))
        return torch.cat([self.partial_conv3(first), self.norm(rest * gate)], 1)


class Attention(nn.Module):
    """Self-attention with a bias by distance."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)
        self.bias_table = nn.ParameterDict({"value": nn.Parameter(torch.zeros(4, 81))})

    def forward(self, x):
        batch, channels, height, width = x.shape
        rows = self.norm(x.flatten(2).transpose(1, 2))
        query, key, value = self.qkv(rows).reshape(batch, -1, 3, 4, channels // 4).permute(2, 0, 3, 1, 4)
        places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).double()
        distance = torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist").round()
        far = torch.clamp((20 + 20 * torch.log(distance.clamp(min=1) / 20) / math.log(8)).round(), max=40)
        entry = 40 + torch.where(distance <= 20, distance, far).long()
        bias = self.bias_table["value"][:, entry]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(mixed.transpose(1, 2).flatten(2)).transpose(1, 2).reshape(x.shape)


class PartialAttention(nn.Module):
    """PAT_sf."""

    def __init__(self, channels):
        super().__init__()
        quarter, rest = channels // 4, channels - channels // 4
        self.sizes = [quarter, rest]
        self.partial_conv3 = nn.Conv2d(quarter, quarter, 3, 1, 1, bias=False)
        self.attn = Attention(rest)

    def forward(self, x):
        first, rest = x.split(self.sizes, 1)
        return torch.cat([self.partial_conv3(first), self.attn(rest)], 1)


class PartialSpatial(nn.Module):
    """PAT_sp."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.gate = nn.Conv2d(half, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(half), nn.BatchNorm2d(half)
        self.conv = nn.Conv2d(half, half, 1, bias=False)

    def forward(self, x):
        first, rest = x.chunk(2, 1)
        first = self.norm1(first * functional.hardsigmoid(self.gate(first)))
        return torch.cat([first, self.conv(self.norm2(rest))], 1)


class PartialBlock(nn.Module):
    """A block of PartialNet, of the last stage or of another."""

    def __init__(self, channels, act, last, spatial):
        super().__init__()
        self.last = last
        self.spatial_mixing = PartialAttention(channels) if last else PartialChannel(channels)
        parts = [nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.BatchNorm2d(2 * channels), act(),
                 nn.Conv2d(2 * channels, channels, 1, bias=False)]
        self.mlp = nn.Sequential(*parts, *([PartialSpatial(channels)] if spatial else []))

    def forward(self, x):
        if self.last:
            x = x + self.spatial_mixing(x)
            return x + self.mlp(x)
        return x + self.mlp(self.spatial_mixing(x))


class ConvNorm(nn.Module):
    """Convolution without bias and batch norm, named as asked."""

    def __init__(self, name, conv):
        super().__init__()
        self.name = name
        self.add_module(name, conv)
        self.norm = nn.BatchNorm2d(conv.out_channels)

    def forward(self, x):
        return self.norm(getattr(self, self.name)(x))


class PartialNet(nn.Module):
    """PartialNet (arXiv 2502.01303)."""

    def __init__(self, width, depths, act, spatial, side, classes):
        super().__init__()
        self.small = side < SMALL
        self.patch_embed = ConvNorm("proj", nn.Conv2d(3, width, 4, 1 if self.small else 4, bias=False))
        stages = []
        for stage, depth in enumerate(depths):
            channels = width << stage
            if stage:
                merging = nn.Conv2d(channels // 2, channels, 2, 2, bias=False)
                stages.append(ConvNorm("reduction", merging))
            blocks = [PartialBlock(channels, act, stage == 3, spatial) for _ in range(depth)]
            stages.append(nn.ModuleDict({"blocks": nn.Sequential(*blocks)}))
        self.stages = nn.ModuleList(stages)
        pooled = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(8 * width, 1280, 1, bias=False), act()]
        self.avgpool_pre_head = nn.Sequential(*pooled)
        self.head = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.patch_embed(functional.pad(x, [1, 2, 1, 2]) if self.small else x)
        for stage in self.stages:
            x = stage["blocks"](x) if isinstance(stage, nn.ModuleDict) else stage(x)
        return self.head(self.avgpool_pre_head(x).flatten(1))


class Llama(nn.Module):
    """bitplan's `llama_small`, with its rotary tables as parameters."""

    LAYERS, WIDTH, INNER, HEADS = 4, 128, 344, 4

    def __init__(self, positions, vocabulary):
        super().__init__()
        dense = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        width, inner = self.WIDTH, self.INNER
        block = lambda: nn.ModuleDict({
            "input_layernorm": nn.RMSNorm(width, 1e-5), "post_attention_layernorm": nn.RMSNorm(width, 1e-5),
            "self_attn": nn.ModuleDict({f"{part}_proj": dense(width, width) for part in "qkvo"}),
            "mlp": nn.ModuleDict({"gate_proj": dense(width, inner), "up_proj": dense(width, inner),
                                  "down_proj": dense(inner, width)}),
        })  # fmt: skip
        self.model = nn.ModuleDict({
            "embed_tokens": nn.Embedding(vocabulary, width), "norm": nn.RMSNorm(width, 1e-5),
            "layers": nn.ModuleList([block() for _ in range(self.LAYERS)]),
        })  # fmt: skip
        self.lm_head = dense(width, vocabulary)
        size = width // self.HEADS
        angles = torch.outer(torch.arange(positions), 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size))
        # Pairs of features as complex numbers: another form of the rotation than bitplan's.
        self.turns = torch.polar(torch.ones_like(angles), angles)

    def rotate(self, x):
        """`x` [batch, heads, positions, features], feature i paired with i + half."""
        half = x.shape[-1] // 2
        turned = torch.complex(x[..., :half].double(), x[..., half:].double()) * self.turns
        return torch.cat([turned.real, turned.imag], -1).to(x.dtype)

    def forward(self, tokens):
        x = self.model["embed_tokens"](tokens)
        for layer in self.model["layers"]:
            y = layer["input_layernorm"](x)
            split = lambda part: layer["self_attn"][f"{part}_proj"](y).unflatten(2, (self.HEADS, -1)).transpose(1, 2)
            query, key = self.rotate(split("q")), self.rotate(split("k"))
            mixed = functional.scaled_dot_product_attention(query, key, split("v"), is_causal=True)
            x = x + layer["self_attn"]["o_proj"](mixed.transpose(1, 2).flatten(2))
            y, mlp = layer["post_attention_layernorm"](x), layer["mlp"]
            x = x + mlp["down_proj"](functional.silu(mlp["gate_proj"](y)) * mlp["up_proj"](y))
        return self.lm_head(self.model["norm"](x))

    def tables(self):
        """Constants that bitplan's graph has: cosines, and sines with a minus in the first half."""
        cos, sin = self.turns.real, self.turns.imag
        rows = {"cos": torch.cat([cos, cos], 1), "sin": torch.cat([-sin, sin], 1)}
        return {f"model.rotary_emb.{name}.value": table[:, None].float() for name, table in rows.items()}


PARTIAL = {
    "t0": (32, [1, 2, 8, 2], nn.GELU), "t1": (48, [1, 2, 8, 2], nn.GELU), "t2": (64, [2, 2, 6, 4], nn.ReLU),
    "s": (96, [2, 2, 9, 4], nn.ReLU), "m": (128, [2, 3, 16, 4], nn.ReLU), "l": (160, [2, 3, 20, 4], nn.ReLU),
}  # fmt: skip


def network(name, side, classes):
    """The module with random parameters of PyTorch's defaults, and its parameters' names in bitplan."""
    if name.startswith("resnet"):
        return resnet(name, side, classes), lambda key: key
    if name == "mobilenet_v2":
        return mobilenet_v2(side, classes), lambda key: key
    if name == "vit_tiny":
        return vit_tiny(side, classes), vit_name
    if name == "llama_small":
        return Llama(side, classes), lambda key: key
    size, *spatial = name.removeprefix("partialnet_").split("_")
    return PartialNet(*PARTIAL[size], bool(spatial), side, classes), lambda key: key
