"""Small transformers: encoders of images and of tokens, causal and rotary attention, shifted windows."""

import math

import torch
from torch import nn
from torch.nn import functional

from exported import export

WIDTH, HEADS = 8, 2


def heads(x):
    """[batch, length, width] to [batch, heads, length, width / heads]."""
    return x.reshape(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)


def merged(x):
    """The inverse of `heads`."""
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


class Attention(nn.Module):
    """Attention from its definition, or by PyTorch's function; the mask is added to the scores."""

    def __init__(self, explicit=True, causal=False, length=8):
        super().__init__()
        self.explicit, self.causal = explicit, causal
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("tril", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x, mask=None):
        q, k, v = (heads(part) for part in self.qkv(x).split(WIDTH, 2))
        if not self.explicit:
            return self.out(merged(functional.scaled_dot_product_attention(q, k, v, mask, is_causal=self.causal)))
        scores = q @ k.transpose(-2, -1) / math.sqrt(WIDTH // HEADS)
        if self.causal:
            n = x.shape[1]
            scores = scores.masked_fill(self.tril[:, :, :n, :n] == 0, float("-inf"))
        if mask is not None:
            scores = scores + mask
        return self.out(merged(scores.softmax(-1) @ v))


class SelfAttention(nn.MultiheadAttention):
    """PyTorch's module, of one input."""

    def __init__(self):
        super().__init__(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class Block(nn.Module):
    """Norm first: x + attention(norm(x)), x + mlp(norm(x))."""

    def __init__(self, attention, activation=nn.GELU):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.attention = attention
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 12), activation(), nn.Linear(12, WIDTH))

    def forward(self, x):
        x = x + self.attention(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


class VisionTransformer(nn.Module):
    """Patches, class token, positions, one block, a head: Dosovitskiy et al. 2021."""

    def __init__(self, attention):
        super().__init__()
        self.patches, self.token = nn.Conv2d(2, WIDTH, 4, 4), nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions, self.block = nn.Parameter(torch.randn(1, 5, WIDTH)), Block(attention())
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 5)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.block(x))[:, 0])


class Bert(nn.Module):
    """Token, position and segment embeddings, a block with norms last, a pooled output: Devlin et al. 2019."""

    def __init__(self, explicit):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(13, WIDTH), nn.Embedding(8, WIDTH)
        self.segments, self.attention = nn.Embedding(2, WIDTH), Attention(explicit)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH, eps=1e-12) for _ in "123")
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 12), nn.GELU(), nn.Linear(12, WIDTH))
        self.pool, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, input_ids, attention_mask):
        place = torch.arange(input_ids.shape[1])[None]
        x = self.tokens(input_ids) + self.segments(torch.zeros_like(input_ids)) + self.positions(place)
        x = self.norms[0](x)
        mask = (1.0 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        x = self.norms[1](x + self.attention(x, mask))
        x = self.norms[2](x + self.mlp(x))
        return x, self.head(torch.tanh(self.pool(x[:, 0])))


class Causal(nn.Module):
    """A language model of one causal block with tied embeddings, as GPT-2."""

    def __init__(self, explicit):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(13, WIDTH), nn.Embedding(8, WIDTH)
        self.block = Block(Attention(explicit, causal=True), lambda: nn.GELU(approximate="tanh"))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, input_ids):
        x = self.tokens(input_ids) + self.positions(torch.arange(input_ids.shape[1]))
        return self.norm(self.block(x)) @ self.tokens.weight.T


class RmsNorm(nn.Module):
    """x / sqrt(mean(x²) + ε), as the Llama models write it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


def rotated(x, cosine, sine):
    """Rotary positions with the halves of each head as pairs, as in Hugging Face's Llama."""
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat((-second, first), -1) * sine


class Llama(nn.Module):
    """A decoder block with RMS norms, rotary positions, shared keys, and a gated MLP: Touvron et al. 2023."""

    def __init__(self):
        super().__init__()
        size = WIDTH // HEADS
        self.tokens, self.first, self.second, self.last = nn.Embedding(13, WIDTH), RmsNorm(), RmsNorm(), RmsNorm()
        self.q, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in "12")
        self.k, self.v = (nn.Linear(WIDTH, size, bias=False) for _ in "12")
        self.gate, self.up = (nn.Linear(WIDTH, 12, bias=False) for _ in "12")
        self.down, self.head = nn.Linear(12, WIDTH, bias=False), nn.Linear(WIDTH, 13, bias=False)
        self.register_buffer("frequencies", 1.0 / 10000 ** (torch.arange(0, size, 2).float() / size))

    def attention(self, x):
        n = x.shape[1]
        angles = torch.outer(torch.arange(n).float(), self.frequencies)
        angles = torch.cat((angles, angles), -1)
        cosine, sine = angles.cos()[None, None], angles.sin()[None, None]
        q, k = rotated(heads(self.q(x)), cosine, sine), rotated(self.k(x)[:, None], cosine, sine)
        k, v = (part.expand(-1, HEADS, -1, -1) for part in (k, self.v(x)[:, None]))
        mask = torch.full((n, n), float("-inf")).triu(1)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + mask
        return self.o(merged(scores.softmax(-1) @ v))

    def forward(self, input_ids):
        x = self.tokens(input_ids)
        x = x + self.attention(self.first(x))
        y = self.second(x)
        x = x + self.down(functional.silu(self.gate(y)) * self.up(y))
        return self.head(self.last(x))


class Windows(nn.Module):
    """Attention in shifted windows with a bias for each pair of places: Liu et al. 2021."""

    def __init__(self):
        super().__init__()
        self.norm, self.attention, self.bias = nn.LayerNorm(WIDTH), Attention(), nn.Parameter(torch.randn(9, HEADS))
        rows, columns = (part.flatten() for part in torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij"))
        offset = lambda axis: axis[:, None] - axis[None] + 1  # noqa: E731
        self.register_buffer("index", offset(rows) * 3 + offset(columns))

    def forward(self, x):
        n, h, w, c = x.shape
        y = torch.roll(self.norm(x), (-1, -1), (1, 2))
        y = y.view(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)
        y = self.attention(y, self.bias[self.index.view(-1)].view(4, 4, HEADS).permute(2, 0, 1)[None])
        y = y.view(n, h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        return x + torch.roll(y, (1, 1), (1, 2))


class Merging(nn.Module):
    """Patch merging of the Swin transformer."""

    def __init__(self):
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * WIDTH), nn.Linear(4 * WIDTH, 8, bias=False)

    def forward(self, x):
        parts = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduce(self.norm(torch.cat(parts, -1)))


def cases():
    """All of this file."""
    ids = torch.tensor([[1, 5, 12, 3, 0, 0], [7, 2, 2, 9, 11, 4], [3, 8, 0, 0, 0, 0]])
    mask = (ids != 0).long()
    attentions = {"explicit": Attention, "function": lambda: Attention(False), "module": SelfAttention}
    opsets = {"explicit": (11, 17, 20), "function": (18,), "module": (14, 18)}
    for name, attention in attentions.items():
        for opset in opsets[name]:
            yield export(f"torch_vit_{name}_{opset}", lambda a=attention: VisionTransformer(a), opset,
                         image=(3, 2, 8, 8))  # fmt: skip
    for name, explicit, opset in (("explicit", True, 11), ("explicit", True, 17), ("explicit", True, 18),
                                  ("function", False, 14), ("function", False, 18)):  # fmt: skip
        yield export(f"torch_bert_{name}_{opset}", lambda e=explicit: Bert(e), opset, input_ids=ids,
                     attention_mask=mask)  # fmt: skip
        if opset not in (14, 17):
            yield export(f"torch_causal_{name}_{opset}", lambda e=explicit: Causal(e), opset, input_ids=ids)
    for opset in (14, 18):
        yield export(f"torch_llama_{opset}", Llama, opset, input_ids=ids)
    yield export("torch_attention_opset_23", lambda: Block(Attention(False)), 23, x=(3, 5, WIDTH))
    for opset in (13, 18):
        yield export(f"torch_windows_{opset}", lambda: nn.Sequential(Windows(), Merging()), opset, x=(3, 4, 4, WIDTH))
    layer = lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 12, activation="gelu", batch_first=True)  # noqa: E731
    yield export("torch_encoder_layer_18", layer, 18, x=(3, 5, WIDTH))
