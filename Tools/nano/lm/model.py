"""Qwen3 (dense) in plain torch, small enough to train on a CPU.

The maths is that of the published architecture: pre-norm blocks, grouped-query attention with an
RMS norm on every query and key head, rotary positions (pairs j, j + head_dim / 2), SwiGLU, tied
head. Parameter names are the checkpoint's names, so export is a plain copy.

Training never pays for the constant system message: `prefix_cache` runs it once with batch 1 and
its keys and values are expanded over the batch, at the same positions that inference uses.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

import fused


def uses_loops():
    """Whether to compute with fused.py: in training, which is in bfloat16."""
    return fused.READY and torch.is_autocast_enabled("cpu")


@dataclass
class Shape:
    """Dimensions of the network, in the checkpoint's field names."""

    vocab_size: int = 4096
    hidden_size: int = 256
    num_hidden_layers: int = 4
    intermediate_size: int = 1024
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    max_position_embeddings: int = 4096

    def as_dict(self):
        return asdict(self)


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        if uses_loops():
            return fused.Norm.apply(x, self.weight, self.eps)
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * scale * self.weight).to(x.dtype)


def rotate(x, cos, sin):
    """Rotary positions on [B, heads, T, head_dim] with tables [T, head_dim]."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


def attend(q, k, v, mask):
    """Causal attention of q [B, H, T, hd] over k, v [B, KV, P + T, hd]; mask [T, P + T] is added.

    Plain matrix products: on a CPU their backward pass is several times faster than that of the
    library's fused attention.
    """
    batch, heads, length, size = q.shape
    kv_heads, known = k.shape[1], k.shape[2]
    group = heads // kv_heads
    rows = (q * size ** -0.5).reshape(batch * kv_heads, group * length, size)
    k, v = k.reshape(batch * kv_heads, known, size), v.reshape(batch * kv_heads, known, size)
    scores = torch.baddbmm(mask.repeat(group, 1), rows, k.transpose(1, 2))
    return (scores.softmax(-1) @ v).view(batch, heads, length, size)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = (
            s.num_attention_heads, s.num_key_value_heads, s.head_dim)
        self.q_proj = nn.Linear(s.hidden_size, self.heads * s.head_dim, bias=False)
        self.k_proj = nn.Linear(s.hidden_size, self.kv_heads * s.head_dim, bias=False)
        self.v_proj = nn.Linear(s.hidden_size, self.kv_heads * s.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * s.head_dim, s.hidden_size, bias=False)
        self.q_norm = RMSNorm(s.head_dim, s.rms_norm_eps)
        self.k_norm = RMSNorm(s.head_dim, s.rms_norm_eps)

    def forward(self, x, cos, sin, mask, past):
        """past: (keys, values) [1 or B, kv_heads, P, head_dim] or None; returns output and the
        grown cache."""
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.head_dim)
        k = self.k_proj(x).view(batch, length, self.kv_heads, self.head_dim)
        v = self.v_proj(x).view(batch, length, self.kv_heads, self.head_dim)
        if uses_loops():
            q = fused.Head.apply(q, self.q_norm.weight, cos, sin, self.q_norm.eps).transpose(1, 2)
            k = fused.Head.apply(k, self.k_norm.weight, cos, sin, self.k_norm.eps).transpose(1, 2)
        else:
            q = rotate(self.q_norm(q).transpose(1, 2), cos, sin).to(v.dtype)
            k = rotate(self.k_norm(k).transpose(1, 2), cos, sin).to(v.dtype)
        v = v.transpose(1, 2)
        if past is not None:
            k = torch.cat((past[0].expand(batch, -1, -1, -1), k), dim=2)
            v = torch.cat((past[1].expand(batch, -1, -1, -1), v), dim=2)
        out = attend(q, k, v, mask).transpose(1, 2).reshape(batch, length, self.heads * self.head_dim)
        return self.o_proj(out), (k, v)


class MLP(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.up_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.down_proj = nn.Linear(s.intermediate_size, s.hidden_size, bias=False)

    def forward(self, x):
        if uses_loops():
            return self.down_proj(fused.Gate.apply(self.gate_proj(x), self.up_proj(x)))
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.input_layernorm = RMSNorm(s.hidden_size, s.rms_norm_eps)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = RMSNorm(s.hidden_size, s.rms_norm_eps)
        self.mlp = MLP(s)

    def forward(self, x, cos, sin, mask, past):
        attended, cache = self.self_attn(self.input_layernorm(x), cos, sin, mask, past)
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x)), cache


class Qwen3(nn.Module):
    """Token ids [B, T] to hidden states [B, T, hidden]; `head` turns those into logits."""

    def __init__(self, shape, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        half = torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim
        angles = torch.outer(
            torch.arange(shape.max_position_embeddings, dtype=torch.float64),
            shape.rope_theta ** -half)
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        # Output projections start at zero, so the stream starts as the embedding alone.
        for name, p in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(p)
            elif p.dim() == 2:
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
    def forward(self, ids, past=None):
        """past: list of (keys, values) by layer; positions continue after it."""
        start = 0 if past is None else past[0][0].shape[2]
        length = ids.shape[1]
        cos, sin = self.cos[start:start + length], self.sin[start:start + length]
        mask = torch.full((length, start + length), -1e4, device=ids.device).triu(start + 1)
        x = self.embed_tokens(ids)
        mask = mask.to(torch.bfloat16 if torch.is_autocast_enabled(ids.device.type) else x.dtype)
        caches = []
        for i, layer in enumerate(self.layers):
            x, cache = layer(x, cos, sin, mask, None if past is None else past[i])
            caches.append(cache)
        return self.norm(x), caches

    def head(self, hidden):
        return F.linear(hidden, self.embed_tokens.weight)
