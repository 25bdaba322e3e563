"""Qwen3-TTS in numpy float64: talker, code predictor and the decoder of the 12 Hz codec.

Written from the equations (qwen-tts 0.1.1 core/models, core/tokenizer_12hz). `fast` rounds as the
kernels do: the input of quantized layers to int8 per group, that of bf16 layers to bf16; in the codec
what meets a weight, and the weight, to bf16.
"""

import numpy as np

from audio_reference import gelu
from checkpoint import Weights, bf16_rounded, f64
from reference import Decoder, Linear, rms_norm, rope_frequencies, silu, softmax

CHUNK_FRAMES, CONTEXT_FRAMES = 300, 25


class Stack(Decoder):
    """The layers and the last norm of a Qwen3 decoder, between embeddings and hidden states."""

    def __init__(self, config: dict, weights: Weights, fast: bool, prefix: str):
        self.config = config
        self.frequencies, self.rope_factor = rope_frequencies(config | {"rope_scaling": None})
        self.norm = weights.exact(prefix + "norm")
        self.layers = [self.layer(weights, f"{prefix}layers.{i}.", fast)
                       for i in range(config["num_hidden_layers"])]

    def __call__(self, h: np.ndarray) -> np.ndarray:
        eps = self.config["rms_norm_eps"]
        for layer in self.layers:
            h = h + self.attention(layer, rms_norm(h, layer["input_layernorm"], eps))
            h = h + layer["mlp"](rms_norm(h, layer["post_attention_layernorm"], eps))
        return rms_norm(h, self.norm, eps)


class Talker:
    """Text and frames to frames: `config` is that of the whole model."""

    def __init__(self, config: dict, weights: Weights, fast: bool):
        self.config, self.weights = config, weights
        talker = config["talker_config"]
        self.groups = talker["num_code_groups"]
        self.text = weights.exact("talker.model.text_embedding")
        self.fc1, self.fc2 = (Linear(weights, f"talker.text_projection.linear_fc{i}", fast) for i in (1, 2))
        self.stack = Stack(talker, weights, fast, "talker.model.")
        self.head = Linear(weights, "talker.codec_head", fast)
        predictor = "talker.code_predictor."
        self.embeddings = [weights.exact("talker.model.codec_embedding")] + [
            weights.exact(f"{predictor}model.codec_embedding.{g}") for g in range(self.groups - 1)]
        self.predictor = Stack(talker["code_predictor_config"], weights, fast, predictor + "model.")
        self.heads = [Linear(weights, f"{predictor}lm_head.{g}", fast) for g in range(self.groups - 1)]
        path = predictor + "small_to_mtp_projection"
        self.project = Linear(weights, path, fast) if path + ".weight" in weights.tensors else lambda x: x

    def texts(self, ids: list[int]) -> np.ndarray:
        return self.fc2(silu(self.fc1(self.text[ids])))

    def prompt(self, role: list[int], body: list[int], prefix: list[int], instruct: list[int]) -> np.ndarray:
        """Rows of the non-streaming layout. `prefix`: codec ids up to the speaker's."""
        c, talker = self.config, self.config["talker_config"]
        bos, eos, pad = self.texts([c[f"tts_{k}_token_id"] for k in ("bos", "eos", "pad")])
        codec = self.embeddings[0]
        codec_pad, codec_bos = (codec[talker[f"codec_{k}_id"]] for k in ("pad", "bos"))
        rows = [self.texts(instruct + role), pad + codec[prefix], (bos + codec_pad)[None],
                self.texts(body) + codec_pad, (eos + codec_pad)[None], (pad + codec_bos)[None]]
        return np.concatenate(rows)

    def frame(self, codes: list[int]) -> np.ndarray:
        """The next input behind a frame; no text is left."""
        pad = self.texts([self.config["tts_pad_token_id"]])[0]
        return pad + sum(e[c] for e, c in zip(self.embeddings, codes))

    def predict(self, hidden: np.ndarray, codes: list[int]) -> np.ndarray:
        """Logits [groups - 1, codes] of the codebooks behind the first, where `codes` are known."""
        rows = np.stack([hidden] + [e[c] for e, c in zip(self.embeddings, codes)])
        states = self.predictor(self.project(rows))
        return np.stack([head(states[g + 1][None])[0] for g, head in enumerate(self.heads[:len(codes)])])


def sliding(count: int, window: int | None) -> np.ndarray:
    seen = np.tri(count, dtype=bool)
    return seen if window is None else seen & ~np.tri(count, k=-window, dtype=bool)


class Codec:
    """Codes to sound: `config` is `decoder_config`, weights in PyTorch order."""

    def __init__(self, config: dict, weights: Weights, fast: bool = False, window: bool = True):
        self.config, self.weights = config, weights
        self.round = bf16_rounded if fast else lambda x: x
        self.window = config["sliding_window"] if window else None
        self.samples = int(np.prod(config["upsampling_ratios"] + config["upsample_rates"]))

    def value(self, name: str) -> np.ndarray:
        return f64(self.weights.tensors["decoder." + name])

    def bias(self, path: str):
        name = f"decoder.{path}.bias"
        return f64(self.weights.tensors[name]) if name in self.weights.tensors else 0.0

    def linear(self, path: str, x: np.ndarray) -> np.ndarray:
        return self.round(x) @ self.round(self.value(path + ".weight")).T + self.bias(path)

    def conv(self, path: str, x: np.ndarray, dilation: int = 1) -> np.ndarray:
        weight = self.round(self.value(path + ".weight"))
        taps = weight.shape[2]
        padded = np.pad(self.round(x), (((taps - 1) * dilation, 0), (0, 0)))
        return self.bias(path) + sum(
            padded[k * dilation:k * dilation + len(x)] @ weight[:, :, k].T for k in range(taps))

    def transposed(self, path: str, x: np.ndarray, stride: int) -> np.ndarray:
        weight = self.round(self.value(path + ".weight"))  # [in, out, taps]
        taps = weight.shape[2]
        y = np.zeros((len(x) * stride + taps, weight.shape[1]))
        for k in range(taps):
            y[k:k + len(x) * stride:stride] += self.round(x) @ weight[:, :, k]
        return y[:len(x) * stride] + self.bias(path)

    def depthwise(self, path: str, x: np.ndarray) -> np.ndarray:
        weight = self.value(path + ".weight")[:, 0]  # [channels, taps]
        taps = weight.shape[1]
        padded = np.pad(x, ((taps - 1, 0), (0, 0)))
        return self.bias(path) + sum(padded[k:k + len(x)] * weight[:, k] for k in range(taps))

    def snake(self, path: str, x: np.ndarray) -> np.ndarray:
        alpha, beta = (np.exp(self.value(f"{path}.{k}")) for k in ("alpha", "beta"))
        return x + np.sin(x * alpha) ** 2 / (beta + 1e-9)

    def quantized(self, codes: np.ndarray) -> np.ndarray:
        """codes [frames, codebooks] -> [frames, codebook_dim]"""
        sums = {"first": 0.0, "rest": 0.0}
        for g in range(codes.shape[1]):
            side, layer = ("first", 0) if g == 0 else ("rest", g - 1)
            path = f"quantizer.rvq_{side}.vq.layers.{layer}._codebook."
            usage = np.maximum(self.value(path + "cluster_usage"), 1e-5)
            sums[side] = sums[side] + (self.value(path + "embedding_sum") / usage[:, None])[codes[:, g]]
        return sum(self.conv(f"quantizer.rvq_{side}.output_proj", x) for side, x in sums.items())

    def attention(self, path: str, x: np.ndarray) -> np.ndarray:
        heads, width = self.config["num_attention_heads"], self.config["head_dim"]
        q, k, v = (self.linear(f"{path}{n}_proj", x).reshape(len(x), heads, width).swapaxes(0, 1) for n in "qkv")
        theta = self.config["rope_theta"]
        angles = np.arange(len(x))[:, None] * theta ** (-2.0 * np.arange(width // 2) / width)

        def rotated(t):
            a, b = np.split(t, 2, axis=-1)
            return np.concatenate([a * np.cos(angles) - b * np.sin(angles),
                                   b * np.cos(angles) + a * np.sin(angles)], axis=-1)

        scores = rotated(q) @ rotated(k).swapaxes(1, 2) * width**-0.5
        shares = softmax(np.where(sliding(len(x), self.window), scores, -np.inf))
        return self.linear(path + "o_proj", (shares @ v).swapaxes(0, 1).reshape(len(x), -1))

    def transformer(self, x: np.ndarray) -> np.ndarray:
        eps = self.config["rms_norm_eps"]
        x = self.linear("pre_transformer.input_proj", x)
        for i in range(self.config["num_hidden_layers"]):
            path = f"pre_transformer.layers.{i}."
            h = rms_norm(x, self.value(path + "input_layernorm.weight"), eps)
            x = x + self.value(path + "self_attn_layer_scale.scale") * self.attention(path + "self_attn.", h)
            h = rms_norm(x, self.value(path + "post_attention_layernorm.weight"), eps)
            h = silu(self.linear(path + "mlp.gate_proj", h)) * self.linear(path + "mlp.up_proj", h)
            x = x + self.value(path + "mlp_layer_scale.scale") * self.linear(path + "mlp.down_proj", h)
        return self.linear("pre_transformer.output_proj", rms_norm(x, self.value("pre_transformer.norm.weight"), eps))

    def upsample(self, x: np.ndarray, i: int, stride: int) -> np.ndarray:
        x = self.transposed(f"upsample.{i}.0.conv", x, stride)
        path = f"upsample.{i}.1."
        h = self.depthwise(path + "dwconv.conv", x)
        centred = h - h.mean(axis=-1, keepdims=True)
        h = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
        h = h * self.value(path + "norm.weight") + self.value(path + "norm.bias")
        h = self.linear(path + "pwconv2", gelu(self.linear(path + "pwconv1", h)))
        return x + self.value(path + "gamma") * h

    def block(self, x: np.ndarray, i: int, stride: int) -> np.ndarray:
        path = f"decoder.{i}.block."
        x = self.transposed(path + "1.conv", self.snake(path + "0", x), stride)
        for unit, dilation in ((2, 1), (3, 3), (4, 9)):
            h = self.conv(f"{path}{unit}.conv1.conv", self.snake(f"{path}{unit}.act1", x), dilation)
            x = x + self.conv(f"{path}{unit}.conv2.conv", self.snake(f"{path}{unit}.act2", h))
        return x

    def latents(self, codes: np.ndarray) -> np.ndarray:
        """codes [frames, codebooks] -> [frames, latent_dim]: what the convolutions upsample."""
        return self.transformer(self.conv("pre_conv.conv", self.quantized(codes)))

    def whole(self, codes: np.ndarray) -> np.ndarray:
        """All frames at once, before the clamp."""
        x = self.latents(codes)
        for i, stride in enumerate(self.config["upsampling_ratios"]):
            x = self.upsample(x, i, stride)
        x = self.conv("decoder.0.conv", x)
        rates = self.config["upsample_rates"]
        for i, stride in enumerate(rates):
            x = self.block(x, i + 1, stride)
        x = self.snake(f"decoder.{len(rates) + 1}", x)
        return self.conv(f"decoder.{len(rates) + 2}.conv", x)[:, 0]

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """In chunks, each behind a little of the one before."""
        out = []
        for start in range(0, len(codes), CHUNK_FRAMES):
            context = min(CONTEXT_FRAMES, start)
            wave = self.whole(codes[start - context:start + CHUNK_FRAMES])
            out.append(wave[context * self.samples:])
        return np.clip(np.concatenate(out), -1, 1)
