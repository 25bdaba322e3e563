"""Test signal, log-mel spectrogram and Qwen3-ASR audio tower in numpy float64."""

import math

import numpy as np
from scipy.special import erf

from checkpoint import Weights, bf16_rounded, f64
from reference import Linear, softmax

RATE = 16000
WINDOW, HOP = 400, 160


def signal(count: int) -> np.ndarray:
    """`count` samples at 16 kHz, the same in every language: for sample n (from 0), in doubles,

    state = (state * 1664525 + 1013904223) mod 2^32, starting from 12345, stepped before use
    noise = (state >> 8) / 2^23 - 1
    t = n / 16000,  u = (n mod 16000) / 16000
    x = 0.25 * (0.5 + 0.5 sin(2 pi 0.7 t)) * sin(2 pi (150 u + 600 u u))
      + 0.12 * sin(2 pi (1200 t - 20 t t))
      + 0.05 * (1 + sin(2 pi 3 t)) * noise
    x *= 0.01 where (n div 16000) mod 5 == 3          (a pause)
    rounded to float32.
    """
    state, noise = 12345, np.empty(count)
    for n in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        noise[n] = (state >> 8) / 2**23 - 1
    n = np.arange(count)
    t, u, turn = n / RATE, (n % RATE) / RATE, 2 * math.pi
    x = 0.25 * (0.5 + 0.5 * np.sin(turn * 0.7 * t)) * np.sin(turn * (150 * u + 600 * u * u))
    x += 0.12 * np.sin(turn * (1200 * t - 20 * t * t))
    x += 0.05 * (1 + np.sin(turn * 3 * t)) * noise
    return np.where(n // RATE % 5 == 3, 0.01 * x, x).astype(np.float32)


def mel_filters(count: int) -> np.ndarray:
    """[count, 201]: triangles of equal area on the Slaney scale, 0 to 8000 Hz."""
    step = math.log(6.4) / 27
    mels = np.linspace(0, 15 + math.log(8) / step, count + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    hertz = 40.0 * np.arange(WINDOW // 2 + 1)
    low, mid, high = (edges[i:count + i, None] for i in range(3))
    rise, fall = (hertz - low) / (mid - low), (high - hertz) / (high - mid)
    return np.maximum(0, np.minimum(rise, fall)) * 2 / (high - low)


class Mel:
    def __init__(self, bins: int):
        self.filters = mel_filters(bins)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """[frames, bins], frames = samples div 160."""
        padded = np.pad(samples.astype(np.float64), WINDOW // 2, mode="reflect")
        window = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(WINDOW) / WINDOW)
        starts = HOP * np.arange(len(samples) // HOP)
        frames = padded[starts[:, None] + np.arange(WINDOW)] * window
        power = np.abs(np.fft.rfft(frames)) ** 2
        level = np.log10(np.maximum(power @ self.filters.T, 1e-10))
        return (np.maximum(level, level.max() - 8) + 4) / 4


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


class AudioTower:
    def __init__(self, config: dict, weights: Weights, fast: bool):
        self.config, self.round = config, bf16_rounded if fast and weights.dtype == "bf16" else lambda x: x
        self.convolutions = [
            (weights.exact(f"audio_tower.conv2d{i}"), f64(weights.tensors[f"audio_tower.conv2d{i}.bias"]))
            for i in (1, 2, 3)]
        self.linears, self.norms = {}, {}
        for name, tensor in weights.tensors.items():
            path, _, kind = name.removeprefix("audio_tower.").rpartition(".")
            if not name.startswith("audio_tower.") or kind != "weight" or path.startswith("conv2d"):
                continue
            if tensor.ndim == 1:
                self.norms[path] = (f64(tensor), f64(weights.tensors[f"audio_tower.{path}.bias"]))
            else:
                self.linears[path] = Linear(weights, "audio_tower." + path, fast)

    def norm(self, path: str, x: np.ndarray) -> np.ndarray:
        weight, bias = self.norms[path]
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * weight + bias

    def convolve(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """x[bins, frames, in] and weight[out, 3, 3, in], stride 2, padding 1."""
        padded = np.pad(self.round(x), ((1, 1), (1, 1), (0, 0)))
        rows, columns = ((n + 1) // 2 for n in x.shape[:2])
        y = np.zeros((rows, columns, weight.shape[0])) + bias
        for i in range(3):
            for j in range(3):
                part = padded[i:i + 2 * rows:2, j:j + 2 * columns:2]
                y += part @ weight[:, i, j].T
        return gelu(y)

    def embedded(self, mel: np.ndarray) -> np.ndarray:
        """Convolutions, projection and positions of every chunk of 100 frames, concatenated."""
        size = 2 * self.config["n_window"]
        half = self.config["d_model"] // 2
        scales = np.exp(-np.arange(half) * math.log(10000) / (half - 1))
        parts = []
        for start in range(0, len(mel), size):
            chunk = mel[start:start + size]
            valid = len(chunk)
            if len(mel) > size:
                chunk = np.pad(chunk, ((0, size - valid), (0, 0)))
            x = chunk.T[:, :, None]
            for weight, bias in self.convolutions:
                x = self.convolve(x, weight, bias)
                valid = (valid + 1) // 2
            x = x.transpose(1, 2, 0).reshape(x.shape[1], -1)  # channel slowest, mel fastest
            angles = np.arange(len(x))[:, None] * scales
            positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
            parts.append((self.linears["conv_out"](x) + positions)[:valid])
        return np.concatenate(parts)

    def attention(self, path: str, x: np.ndarray, window: int) -> np.ndarray:
        heads, count = self.config["encoder_attention_heads"], x.shape[0]
        q, k, v = (self.linears[f"{path}{n}_proj"](x).reshape(count, heads, -1).swapaxes(0, 1) for n in "qkv")
        scores = q @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
        block = np.arange(count) // window
        scores = np.where(block[:, None] == block, scores, -np.inf)
        return self.linears[path + "out_proj"]((softmax(scores) @ v).swapaxes(0, 1).reshape(count, -1))

    def __call__(self, mel: np.ndarray) -> dict[str, np.ndarray]:
        config = self.config
        x = self.embedded(mel)
        trace = {"audio_embedding": x}
        window = 13 * (config["n_window_infer"] // (2 * config["n_window"]))
        for i in range(config["encoder_layers"]):
            path = f"layers.{i}."
            x = x + self.attention(path + "self_attn.", self.norm(path + "self_attn_layer_norm", x), window)
            inner = gelu(self.linears[path + "fc1"](self.norm(path + "final_layer_norm", x)))
            x = x + self.linears[path + "fc2"](inner)
        x = self.linears["proj2"](gelu(self.linears["proj1"](self.norm("ln_post", x))))
        return trace | {"encoder_output": x}
