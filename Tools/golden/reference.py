"""The decoders in numpy float64, written from the equations: the values that the goldens hold.

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
    """`part`: the index into a stack of matrices."""

    def __init__(self, weights: Weights, path: str, fast: bool, part: int | None = None):
        self.matrix = weights.exact(path) if part is None else weights.exact(path)[part]
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
    factor = scaling["factor"]
    if scaling["rope_type"] == "linear":
        return plain / factor, 1.0
    old = scaling["original_max_position_embeddings"]
    if scaling["rope_type"] == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        turns = old * plain / (2 * math.pi)
        smooth = np.clip((turns - low) / (high - low), 0, 1)
        return (1 - smooth) * plain / factor + smooth * plain, 1.0
    assert scaling["rope_type"] == "yarn"

    def pair(rotations: float) -> float:
        return width * math.log(old / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), width - 1)
    ramp = np.clip((np.arange(width // 2) - low) / max(high - low, 1e-3), 0, 1)
    return plain * (1 - ramp) + plain / factor * ramp, 0.1 * math.log(factor) + 1


class Experts:
    """Router and experts of one layer; the router is never rounded."""

    def __init__(self, config: dict, weights: Weights, path: str, fast: bool):
        self.chosen, self.normalizes = config["num_experts_per_tok"], config["norm_topk_prob"]
        self.router = Linear(weights, path + "gate", fast=False)
        self.experts = [
            {k: Linear(weights, f"{path}switch_mlp.{k}_proj", fast, part=e)
             for k in ("gate", "up", "down")} for e in range(config["num_experts"])]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        shares = softmax(self.router(x))
        out = np.zeros_like(x)
        for row, share in enumerate(shares):
            best = np.argsort(-share, kind="stable")[:self.chosen]
            total = share[best].sum() if self.normalizes else 1.0
            for e in best:
                one, m = self.experts[e], x[row:row + 1]
                out[row] += share[e] / total * one["down"](silu(one["gate"](m)) * one["up"](m))[0]
        return out


class Dense:
    def __init__(self, weights: Weights, path: str, fast: bool, gate=silu):
        self.gate_function = gate
        self.gate, self.up, self.down = (
            Linear(weights, f"{path}{k}_proj", fast) for k in ("gate", "up", "down"))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.down(self.gate_function(self.gate(x)) * self.up(x))


class Decoder:
    """Qwen2, Qwen3, Qwen3-MoE or Llama. `prefix` is the path of the module that holds
    embed_tokens and layers; head norms and experts are used where the weights have them."""

    def __init__(self, config: dict, weights: Weights, fast: bool = False, prefix: str = "model."):
        self.config, self.prefix = config, prefix
        self.frequencies, self.rope_factor = rope_frequencies(config)
        self.embedding = weights.exact(prefix + "embed_tokens")
        self.head = Linear(weights, self.head_name(weights), fast)
        self.norm = weights.exact(prefix + "norm")
        self.layers = [self.layer(weights, f"{prefix}layers.{i}.", fast)
                       for i in range(config["num_hidden_layers"])]

    def head_name(self, weights: Weights) -> str:
        tied = self.config["tie_word_embeddings"]
        return self.prefix + "embed_tokens" if tied else "lm_head"

    def layer(self, weights: Weights, path: str, fast: bool) -> dict:
        layer = {k: Linear(weights, f"{path}self_attn.{k}_proj", fast) for k in "qkvo"}
        if path + "mlp.gate.weight" in weights.tensors:
            layer["mlp"] = Experts(self.config, weights, path + "mlp.", fast)
        else:
            layer["mlp"] = Dense(weights, path + "mlp.", fast)
        names = ["input_layernorm", "post_attention_layernorm", "self_attn.q_norm",
                 "self_attn.k_norm"]
        return layer | {n: weights.exact(path + n) for n in names
                        if path + n + ".weight" in weights.tensors}

    def rotate(self, x: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
        """x[heads, positions, head_dim]; pairs are (j, j + head_dim/2)."""
        angles = np.arange(x.shape[1])[:, None] * frequencies
        cos, sin = np.cos(angles) * self.rope_factor, np.sin(angles) * self.rope_factor
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    def head_norm(self, x: np.ndarray, layer: dict, name: str) -> np.ndarray:
        weight = layer.get(f"self_attn.{name}_norm")
        return x if weight is None else rms_norm(x, weight, self.config["rms_norm_eps"])

    def attention(self, layer: dict, x: np.ndarray, frequencies=None, window=None,
                  scale=None) -> np.ndarray:
        heads, kv_heads, width = (self.config[k] for k in (
            "num_attention_heads", "num_key_value_heads", "head_dim"))
        count = x.shape[0]
        frequencies = self.frequencies if frequencies is None else frequencies
        q = layer["q"](x).reshape(count, heads, width).swapaxes(0, 1)
        k = layer["k"](x).reshape(count, kv_heads, width).swapaxes(0, 1)
        v = layer["v"](x).reshape(count, kv_heads, width).swapaxes(0, 1)
        q = self.rotate(self.head_norm(q, layer, "q"), frequencies)
        k = self.rotate(self.head_norm(k, layer, "k"), frequencies)
        k, v = (t.repeat(heads // kv_heads, axis=0) for t in (k, v))
        scores = q @ k.swapaxes(1, 2) * (scale or width**-0.5)
        seen = np.tri(count, dtype=bool)
        if window:
            seen &= ~np.tri(count, k=-window, dtype=bool)
        scores = np.where(seen, scores, -np.inf)
        mixed = (softmax(scores) @ v).swapaxes(0, 1).reshape(count, heads * width)
        return layer["o"](mixed)

    def __call__(self, embedded: np.ndarray) -> dict[str, np.ndarray]:
        """Embedded tokens [positions, hidden] to the tensors the goldens compare."""
        eps = self.config["rms_norm_eps"]
        h, trace = embedded, {"embedding": embedded}
        for i, layer in enumerate(self.layers):
            h = h + self.attention(layer, rms_norm(h, layer["input_layernorm"], eps))
            h = h + layer["mlp"](rms_norm(h, layer["post_attention_layernorm"], eps))
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


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class Gemma3(Decoder):
    """Norm weights are stored minus 1; a layer has four norms; every `pattern`-th is global."""

    NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
             "post_feedforward_layernorm", "self_attn.q_norm", "self_attn.k_norm")

    def __init__(self, config: dict, weights: Weights, fast: bool = False, prefix: str = "model."):
        super().__init__(config, weights, fast, prefix)
        self.norm = self.norm + 1
        scale = bf16_rounded(np.array([config["hidden_size"] ** 0.5]))[0]
        self.embedding = self.embedding * scale
        local = {"head_dim": config["head_dim"], "rope_theta": config["rope_local_base_freq"]}
        self.local_frequencies, _ = rope_frequencies(local)

    def head_name(self, weights: Weights) -> str:
        head = self.prefix.removesuffix("model.") + "lm_head"
        return head if head + ".weight" in weights.tensors else self.prefix + "embed_tokens"

    def layer(self, weights: Weights, path: str, fast: bool) -> dict:
        layer = {k: Linear(weights, f"{path}self_attn.{k}_proj", fast) for k in "qkvo"}
        layer["mlp"] = Dense(weights, path + "mlp.", fast, gelu_tanh)
        return layer | {n: weights.exact(path + n) + 1 for n in self.NORMS}

    def __call__(self, embedded: np.ndarray) -> dict[str, np.ndarray]:
        config, eps = self.config, self.config["rms_norm_eps"]
        h, trace = embedded, {"embedding": embedded}
        for i, layer in enumerate(self.layers):
            is_global = (i + 1) % config["sliding_window_pattern"] == 0
            a = self.attention(
                layer, rms_norm(h, layer["input_layernorm"], eps),
                self.frequencies if is_global else self.local_frequencies,
                None if is_global else config["sliding_window"],
                config["query_pre_attn_scalar"] ** -0.5)
            h = h + rms_norm(a, layer["post_attention_layernorm"], eps)
            m = layer["mlp"](rms_norm(h, layer["pre_feedforward_layernorm"], eps))
            h = h + rms_norm(m, layer["post_feedforward_layernorm"], eps)
            trace[f"layer{i}"] = h
        trace["final_norm"] = rms_norm(h, self.norm, eps)
        trace["logits"] = self.head(trace["final_norm"])
        return trace


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
