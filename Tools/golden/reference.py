"""Qwen3 in numpy float64, written from the equations: the values that the goldens hold.

`Rounding` chooses what happens to the input of every linear layer: nothing (exact), or what the
fast kernels do (int8 per row and weight group for quantized layers, bf16 for bf16 layers).
"""

import math

import numpy as np

from checkpoint import Weights, bf16_rounded, f64

INT8_MAX = 127


def int8_rounded(x: np.ndarray, group: int) -> np.ndarray:
    """Each group of each row to 255 levels: scale = absmax / 127, nearest, ties to even."""
    groups = x.reshape(x.shape[0], -1, group)
    scale = np.abs(groups).max(axis=2, keepdims=True) / INT8_MAX
    scale = np.where(scale == 0, 1, scale)
    return (np.rint(groups / scale) * scale).reshape(x.shape)


class Linear:
    def __init__(self, weights: Weights, path: str, fast: bool):
        self.matrix = weights.exact(path)
        self.bias = None
        if path + ".bias" in weights.tensors:
            self.bias = f64(weights.tensors[path + ".bias"])
        self.group = weights.quantized[path][1] if path in weights.quantized else None
        self.fast = fast
        self.bf16 = weights.dtype == "bf16"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.fast and self.group:
            x = int8_rounded(x, self.group)
        elif self.fast and self.bf16:
            x = bf16_rounded(x)
        y = x @ self.matrix.T
        return y if self.bias is None else y + self.bias


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def rope_frequencies(config: dict) -> tuple[np.ndarray, float]:
    """Angular frequency of each pair, and the factor on the rotated q and k."""
    width, base = config["head_dim"], config["rope_theta"]
    plain = base ** (-2.0 * np.arange(width // 2) / width)
    scaling = config.get("rope_scaling")
    if not scaling:
        return plain, 1.0
    assert scaling["rope_type"] == "yarn"
    factor, old = scaling["factor"], scaling["original_max_position_embeddings"]

    def pair(rotations: float) -> float:
        return width * math.log(old / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), width - 1)
    ramp = np.clip((np.arange(width // 2) - low) / max(high - low, 1e-3), 0, 1)
    return plain * (1 - ramp) + plain / factor * ramp, 0.1 * math.log(factor) + 1


class Qwen3:
    """Dense decoder. `prefix` is the path of the module that holds embed_tokens and layers."""

    def __init__(self, config: dict, weights: Weights, fast: bool = False, prefix: str = "model."):
        self.config = config
        self.frequencies, self.rope_factor = rope_frequencies(config)
        self.embedding = weights.exact(prefix + "embed_tokens")
        head = prefix + "embed_tokens" if config["tie_word_embeddings"] else "lm_head"
        self.head = Linear(weights, head, fast)
        self.norm = weights.exact(prefix + "norm")
        self.layers = []
        for i in range(config["num_hidden_layers"]):
            path = f"{prefix}layers.{i}."
            names = [f"self_attn.{k}_proj" for k in "qkvo"]
            names += [f"mlp.{k}_proj" for k in ("gate", "up", "down")]
            layer = {n: Linear(weights, path + n, fast) for n in names}
            for n in ("input_layernorm", "post_attention_layernorm", "self_attn.q_norm",
                      "self_attn.k_norm"):
                layer[n] = weights.exact(path + n)
            self.layers.append(layer)

    def rotate(self, x: np.ndarray) -> np.ndarray:
        """x[heads, positions, head_dim]; pairs are (j, j + head_dim/2)."""
        angles = np.arange(x.shape[1])[:, None] * self.frequencies
        cos, sin = np.cos(angles) * self.rope_factor, np.sin(angles) * self.rope_factor
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    def attention(self, layer: dict, x: np.ndarray) -> np.ndarray:
        config, eps = self.config, self.config["rms_norm_eps"]
        heads, kv_heads, width = (
            config[k] for k in ("num_attention_heads", "num_key_value_heads", "head_dim"))
        count = x.shape[0]
        q = layer["self_attn.q_proj"](x).reshape(count, heads, width).swapaxes(0, 1)
        k = layer["self_attn.k_proj"](x).reshape(count, kv_heads, width).swapaxes(0, 1)
        v = layer["self_attn.v_proj"](x).reshape(count, kv_heads, width).swapaxes(0, 1)
        q = self.rotate(rms_norm(q, layer["self_attn.q_norm"], eps))
        k = self.rotate(rms_norm(k, layer["self_attn.k_norm"], eps))
        k, v = (t.repeat(heads // kv_heads, axis=0) for t in (k, v))
        scores = q @ k.swapaxes(1, 2) * width**-0.5
        scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        mixed = (softmax(scores) @ v).swapaxes(0, 1).reshape(count, heads * width)
        return layer["self_attn.o_proj"](mixed)

    def __call__(self, embedded: np.ndarray) -> dict[str, np.ndarray]:
        """Embedded tokens [positions, hidden] to the tensors the goldens compare."""
        eps = self.config["rms_norm_eps"]
        h, trace = embedded, {"embedding": embedded}
        for i, layer in enumerate(self.layers):
            h = h + self.attention(layer, rms_norm(h, layer["input_layernorm"], eps))
            m = rms_norm(h, layer["post_attention_layernorm"], eps)
            m = silu(layer["mlp.gate_proj"](m)) * layer["mlp.up_proj"](m)
            h = h + layer["mlp.down_proj"](m)
            trace[f"layer{i}"] = h
        trace["final_norm"] = rms_norm(h, self.norm, eps)
        trace["logits"] = self.head(trace["final_norm"])
        return trace

    def greedy(self, embedded: np.ndarray, count: int, stop=()) -> tuple[list[int], float]:
        """Greedy continuation and the smallest gap between best and second logit."""
        ids, margin = [], math.inf
        for _ in range(count):
            logits = self(embedded)["logits"][-1]
            best = int(logits.argmax())
            margin = min(margin, float(logits[best] - np.delete(logits, best).max()))
            ids.append(best)
            if best in stop:
                break
            embedded = np.concatenate([embedded, self.embedding[best][None]])
        return ids, margin


def qwen3_weights(weights: Weights, config: dict, prefix: str = "model.",
                  attention_gain: float = 1.5):
    """Random decoder whose attention is not uniform and whose logits have deviation about 2.5.

    A large `attention_gain` makes the next token depend on more than the last one.
    """
    hidden, inner, vocabulary, width = (
        config[k] for k in ("hidden_size", "intermediate_size", "vocab_size", "head_dim"))
    heads, kv_heads = config["num_attention_heads"] * width, config["num_key_value_heads"] * width
    weights.linear(prefix + "embed_tokens", vocabulary, hidden, gain=2.5)
    for i in range(config["num_hidden_layers"]):
        path = f"{prefix}layers.{i}."
        weights.vector(path + "input_layernorm.weight", hidden, 0.4, 1.6)
        weights.vector(path + "post_attention_layernorm.weight", hidden, 0.4, 1.6)
        weights.vector(path + "self_attn.q_norm.weight", width, 0.3, 2.2)
        weights.vector(path + "self_attn.k_norm.weight", width, 0.3, 2.2)
        weights.linear(path + "self_attn.q_proj", heads, hidden)
        weights.linear(path + "self_attn.k_proj", kv_heads, hidden)
        weights.linear(path + "self_attn.v_proj", kv_heads, hidden)
        weights.linear(path + "self_attn.o_proj", hidden, heads, gain=attention_gain)
        weights.linear(path + "mlp.gate_proj", inner, hidden, gain=1.5)
        weights.linear(path + "mlp.up_proj", inner, hidden)
        weights.linear(path + "mlp.down_proj", hidden, inner, gain=1.5)
    weights.vector(prefix + "norm.weight", hidden, 0.6, 1.4)
    if not config["tie_word_embeddings"]:
        weights.linear("lm_head", vocabulary, hidden, gain=2.5)
