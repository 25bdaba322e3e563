"""Qwen3-ASR in PyTorch, for training: audio encoder and Qwen3 decoder with the original names.

Parameter names and shapes are those of the mlx-community files except that convolution weights are
in PyTorch order; `ctc` exists only while training: it spells the letters, three steps to an audio
token, which makes the encoder find the alignment early. Reference: the Qwen3-ASR technical report
and the public mlx-audio and transformers implementations (behaviour, not code).

A batch holds no padding inside the encoder: clips are cut into chunks of 100 frames, all chunks go
through the convolutions together, and the tokens are kept flat ([tokens, width]); attention gathers
them into windows of at most 104 tokens.
"""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

CHUNK_FRAMES = 100
CHUNK_TOKENS = 13
LETTERS = " 'abcdefghijklmnopqrstuvwxyz"
LETTER_STEPS = 3
WATCHED_LAYERS = (1, 2)


@dataclasses.dataclass
class Config:
    mel_bins: int = 80
    audio_width: int = 256
    audio_layers: int = 6
    audio_heads: int = 4
    audio_inner: int = 1024
    channels: int = 32
    window_frames: int = 800
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    inner: int = 640
    vocabulary: int = 1024
    rope_theta: float = 1e6
    epsilon: float = 1e-6

    @property
    def window_tokens(self):
        return CHUNK_TOKENS * (self.window_frames // CHUNK_FRAMES)


def convolved(length):
    """Length after three convolutions of stride 2, padding 1."""
    for _ in range(3):
        length = (length + 1) // 2
    return length


def audio_tokens(frames):
    return CHUNK_TOKENS * (frames // CHUNK_FRAMES) + convolved(frames % CHUNK_FRAMES)


def sinusoids(length, width):
    scale = torch.exp(-torch.arange(width // 2) * math.log(10_000) / (width // 2 - 1))
    angles = torch.arange(length)[:, None] * scale
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class ToWindows(torch.autograd.Function):
    """Flat tokens to windows. Padding repeats some token; nothing may depend on it."""

    @staticmethod
    def forward(ctx, x, windows):
        ctx.windows = windows
        return x.index_select(0, windows.gather)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.index_select(0, ctx.windows.restore), None


class FromWindows(torch.autograd.Function):
    """Windows to flat tokens, padding dropped."""

    @staticmethod
    def forward(ctx, x, windows):
        ctx.windows = windows
        return x.index_select(0, windows.restore)

    @staticmethod
    def backward(ctx, gradient):
        padded = gradient.new_zeros(len(ctx.windows.gather), gradient.shape[1])
        return padded.index_copy_(0, ctx.windows.restore, gradient), None


class Windows:
    """Index tables of one batch: which chunk steps are tokens, and their attention windows."""

    def __init__(self, frames, window_tokens):
        keep, lone, groups = [], [], {True: [], False: []}
        first = 0
        for count in frames:
            chunks = max(1, -(-count // CHUNK_FRAMES))
            tail = count - (chunks - 1) * CHUNK_FRAMES
            keep += [CHUNK_TOKENS] * (chunks - 1) + [convolved(tail)]
            lone += [CHUNK_FRAMES] * (chunks - 1) + [tail if chunks == 1 else CHUNK_FRAMES]
            tokens = sum(keep[-chunks:])
            for start in range(0, tokens, window_tokens):
                size = min(window_tokens, tokens - start)
                groups[size == window_tokens].append((first + start, size))
            first += tokens
        self.tokens = first
        steps = torch.arange(CHUNK_TOKENS)
        self.keep = (steps < torch.tensor(keep)[:, None]).flatten().nonzero()[:, 0]
        self.lone = torch.tensor(lone) if min(lone) < CHUNK_FRAMES else None
        self.groups = [self._group(rows) for rows in groups.values() if rows]
        self.gather = torch.cat([index.flatten() for index, _, _ in self.groups])
        valid = torch.cat([valid.flatten() for _, valid, _ in self.groups]).nonzero()[:, 0]
        self.restore = torch.empty_like(valid)
        self.restore[self.gather[valid]] = valid

    def _group(self, rows):
        """(token index, whether it is a token, key mask or None), [windows, longest]."""
        starts = torch.tensor([start for start, _ in rows])[:, None]
        sizes = torch.tensor([size for _, size in rows])[:, None]
        steps = torch.arange(int(sizes.max()))
        index = torch.minimum(starts + steps, torch.tensor(self.tokens - 1))
        valid = steps < sizes
        return index, valid, None if bool(valid.all()) else valid[:, None, None, :]


def attention(q, k, v, mask, groups=1):
    """(output, weights). For sequences this short it is faster on a CPU than the fused kernel."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        mask = ~mask.expand(*mask.shape[:-2], q.shape[2] // groups, mask.shape[-1])
        mask = mask.repeat(*[1] * (mask.ndim - 2), groups, 1) if groups > 1 else mask
        scores = scores.masked_fill(mask, -1e4)
    weights = scores.softmax(-1)
    return weights @ v, weights


class AudioAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, windows):
        x = ToWindows.apply(x, windows)
        projected = [self.q_proj(x), self.k_proj(x), self.v_proj(x)]
        outputs, first = [], 0
        for index, _, mask in windows.groups:
            rows, size = index.shape
            q, k, v = (
                part[first : first + rows * size].view(rows, size, self.heads, -1).transpose(1, 2)
                for part in projected
            )
            out, _ = attention(q, k, v, mask)
            outputs.append(out.transpose(1, 2).reshape(rows * size, -1))
            first += rows * size
        return self.out_proj(FromWindows.apply(torch.cat(outputs), windows))


class AudioLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config.audio_width
        self.self_attn = AudioAttention(width, config.audio_heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, config.audio_inner)
        self.fc2 = nn.Linear(config.audio_inner, width)

    def forward(self, x, windows):
        x = x + self.self_attn(self.self_attn_layer_norm(x), windows)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class AudioTower(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width, channels = config.audio_width, config.channels
        self.conv2d1 = nn.Conv2d(1, channels, 3, 2, 1)
        self.conv2d2 = nn.Conv2d(channels, channels, 3, 2, 1)
        self.conv2d3 = nn.Conv2d(channels, channels, 3, 2, 1)
        self.conv_out = nn.Linear(channels * convolved(config.mel_bins), width, bias=False)
        self.layers = nn.ModuleList(AudioLayer(config) for _ in range(config.audio_layers))
        self.ln_post = nn.LayerNorm(width)
        self.proj1 = nn.Linear(width, width)
        self.proj2 = nn.Linear(width, config.width)
        self.register_buffer("positions", sinusoids(CHUNK_TOKENS, width), persistent=False)

    def forward(self, chunks, frames):
        """chunks [chunks, mel_bins, 100] of clips of `frames` frames -> (states, embeddings)."""
        windows = Windows(frames, self.config.window_tokens)
        x = chunks[:, None].contiguous(memory_format=torch.channels_last)
        lengths = windows.lone
        for convolution in (self.conv2d1, self.conv2d2, self.conv2d3):
            x = F.gelu(convolution(x))
            if lengths is not None:
                lengths = (lengths + 1) // 2
                x = x * (torch.arange(x.shape[-1]) < lengths[:, None])[:, None, None].to(x.dtype)
        x = x.permute(0, 3, 1, 2).flatten(2)
        x = self.conv_out(x) + self.positions.to(x.dtype)
        x = x.flatten(0, 1)[windows.keep]
        for layer in self.layers:
            x = layer(x, windows)
        x = self.ln_post(x)
        return x, self.proj2(F.gelu(self.proj1(x)))


class Normalise(torch.autograd.Function):
    """x / sqrt(mean(x^2) + epsilon) * weight, with few passes over memory."""

    @staticmethod
    def forward(ctx, x, weight, epsilon):
        power = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square()
        inverse = (power / x.shape[-1] + epsilon).rsqrt().to(x.dtype)
        scaled = x * inverse
        ctx.save_for_backward(scaled, weight, inverse)
        return scaled * weight

    @staticmethod
    def backward(ctx, gradient):
        scaled, weight, inverse = ctx.saved_tensors
        for_weight = gradient * scaled
        mean = (for_weight @ weight[:, None]) / scaled.shape[-1]
        for_x = torch.addcmul(gradient * weight, scaled, mean, value=-1) * inverse
        return for_x, for_weight.reshape(-1, len(weight)).sum(0), None


class RMSNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return Normalise.apply(x, self.weight, self.epsilon)


def rotate(x, cosine, sine):
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class TextAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        width, head = config.width, config.head_width
        self.q_proj = nn.Linear(width, config.heads * head, bias=False)
        self.k_proj = nn.Linear(width, config.kv_heads * head, bias=False)
        self.v_proj = nn.Linear(width, config.kv_heads * head, bias=False)
        self.o_proj = nn.Linear(config.heads * head, width, bias=False)
        self.q_norm = RMSNorm(head, config.epsilon)
        self.k_norm = RMSNorm(head, config.epsilon)

    def forward(self, x, rotation, cache, watched):
        rows, length, _ = x.shape
        head = self.config.head_width
        q = self.q_norm(self.q_proj(x).view(rows, length, -1, head)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(rows, length, -1, head)).transpose(1, 2)
        v = self.v_proj(x).view(rows, length, -1, head).transpose(1, 2)
        q, k = rotate(q, *rotation), rotate(k, *rotation)
        mask = torch.ones(length, length, dtype=torch.bool).tril()
        if cache is not None:
            k, v, mask = cache.extend(self, k, v, mask)
        # The queries that share a key head are laid out as one longer sequence.
        groups = self.config.heads // self.config.kv_heads
        out, weights = attention(q.reshape(rows, -1, groups * length, head), k, v, mask, groups)
        if watched is not None:
            watched.append(weights[:, 0].view(rows, groups, length, -1))
        out = out.view(rows, self.config.heads, length, head)
        return self.o_proj(out.transpose(1, 2).reshape(rows, length, -1))


class TextMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.inner, bias=False)
        self.up_proj = nn.Linear(config.width, config.inner, bias=False)
        self.down_proj = nn.Linear(config.inner, config.width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class TextLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.input_layernorm = RMSNorm(config.width, config.epsilon)
        self.post_attention_layernorm = RMSNorm(config.width, config.epsilon)
        self.self_attn = TextAttention(config)
        self.mlp = TextMLP(config)

    def forward(self, x, rotation, cache, watched):
        x = x + self.self_attn(self.input_layernorm(x), rotation, cache, watched)
        return x + self.mlp(self.post_attention_layernorm(x))


class TextModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(TextLayer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.epsilon)
        half = config.head_width // 2
        frequencies = config.rope_theta ** (-torch.arange(half) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x, positions, cache=None, watched=None):
        """x [rows, length, width] at positions [rows or 1, length] -> states of the same shape.

        `watched`, a list, takes the attention weights [rows, heads, length, length] of the first
        key head in the middle layers.
        """
        angles = (positions[:, None, :, None] * self.frequencies.float()).float()
        rotation = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for index, layer in enumerate(self.layers):
            x = layer(x, rotation, cache, watched if index in WATCHED_LAYERS else None)
        return self.norm(x)


class SpeechModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.audio_tower = AudioTower(config)
        self.model = TextModel(config)
        self.ctc = nn.Linear(config.audio_width, LETTER_STEPS * (len(LETTERS) + 1))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02 if module is self.ctc else 0.04)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)

    def letter_scores(self, states):
        """Log probabilities [steps * 3, clips, letters + blank] of padded states."""
        steps, clips, _ = states.shape
        scores = self.ctc(states).float().view(steps, clips, LETTER_STEPS, -1)
        return scores.transpose(1, 2).reshape(steps * LETTER_STEPS, clips, -1).log_softmax(-1)

    def embed(self, tokens, audio, pad):
        """Token embeddings [rows, length, width] with `audio` [n, width] at the `pad` places."""
        x = self.model.embed_tokens(tokens)
        return x.index_put((tokens == pad).nonzero(as_tuple=True), audio.to(x.dtype))

    def logits(self, states):
        return F.linear(states, self.model.embed_tokens.weight)
