"""Small random Whisper checkpoints with goldens of the audio encoder and the decoder.

usage: python Tools/golden/make_whisper.py      (writes Tests/Fixtures/whisper-*)
"""

import json
import math

import mlx.core as mx
import numpy as np
import torch
import transformers

from audio_reference import Mel, gelu, signal
from checkpoint import FIXTURES, Weights, bf16_rounded, f64, write_checkpoint, write_golden
from make_qwen3 import quantize_all
from reference import Linear

EDGE_ROWS = 8  # of long arrays only the first and the last rows are stored
REFERENCE_DIFFERENCE_MAX = 1e-3
FRAMES, POSITIONS, TEXT_POSITIONS = 3000, 1500, 448
VOCABULARY = 96
ATTENTIONS = {"attn": "self_attn", "cross_attn": "encoder_attn"}
PROJECTIONS = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}


def random_weights(seed: int, dtype: str, width: int, layers: int, mels: int) -> Weights:
    """Names and convolution order of mlx-whisper."""
    weights = Weights(seed, dtype)

    def biased(path: str, out: int, columns: int, gain: float, bias: bool = True):
        weights.linear(path, out, columns, gain)
        if bias:
            weights.store(path + ".bias", weights.random.standard_normal(out) * 0.1)

    def norm(path: str):
        weights.vector(path + ".weight", width, 0.6, 1.4)
        weights.vector(path + ".bias", width, -0.2, 0.2)

    for i, inputs in ((1, mels), (2, width)):
        path = f"encoder.conv{i}"
        biased(path, width, 3 * inputs, 1.5)
        flat = weights.tensors[path + ".weight"]
        weights.tensors[path + ".weight"] = flat.reshape(width, 3, inputs)
    for side in ("encoder", "decoder"):
        for layer in range(layers):
            path = f"{side}.blocks.{layer}."
            for name in ATTENTIONS if side == "decoder" else ["attn"]:
                norm(f"{path}{name}_ln")
                for kind, gain in (("query", 2), ("key", 2), ("value", 1), ("out", 1.5)):
                    biased(f"{path}{name}.{kind}", width, width, gain, bias=kind != "key")
            norm(path + "mlp_ln")
            biased(path + "mlp1", 4 * width, width, 1.5)
            biased(path + "mlp2", width, 4 * width, 1.5)
    norm("encoder.ln_post")
    norm("decoder.ln")
    weights.linear("decoder.token_embedding", VOCABULARY, width, gain=2.5)
    weights.linear("decoder.positional_embedding", TEXT_POSITIONS, width, gain=1.0)
    positions = weights.tensors.pop("decoder.positional_embedding.weight")
    weights.tensors["decoder.positional_embedding"] = positions
    return weights


class Whisper:
    """The model in numpy float64. `fast` rounds as the kernels do: the input of quantized layers to
    int8 per group; that of plain layers, f16 weights, and what attention multiplies, to bf16."""

    def __init__(self, weights: Weights, heads: int, layers: int, fast: bool):
        self.weights, self.heads, self.layers = weights, heads, layers
        self.attention_round = bf16_rounded if fast else lambda x: x
        narrow = fast and weights.dtype in ("bf16", "f16")
        self.round = bf16_rounded if narrow else lambda x: x
        self.linears = {}
        for name in weights.tensors:
            path, _, kind = name.rpartition(".")
            if kind != "weight" or weights.tensors[name].ndim != 2:
                continue
            self.linears[path] = linear = Linear(weights, path, fast)
            if path not in weights.quantized and narrow:
                linear.bf16, linear.matrix = True, bf16_rounded(linear.matrix)

    def norm(self, path: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return scaled * self.weights.exact(path) + f64(self.weights.tensors[path + ".bias"])

    def convolve(self, x: np.ndarray, path: str, stride: int) -> np.ndarray:
        weight = self.round(self.weights.exact(path))
        padded = np.pad(self.round(x), ((1, 1), (0, 0)))
        rows = len(x) // stride
        y = sum(padded[k:k + stride * rows:stride] @ weight[:, k].T for k in range(3))
        return gelu(y + f64(self.weights.tensors[path + ".bias"]))

    def attention(self, path: str, x: np.ndarray, over: np.ndarray, causal: bool) -> np.ndarray:
        q, k, v = (self.linears[f"{path}.{name}"](rows).reshape(len(rows), self.heads, -1).swapaxes(0, 1)
                   for name, rows in (("query", x), ("key", over), ("value", over)))
        q, k, v = (self.attention_round(t) for t in (q, k, v))
        scores = q @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
        if causal:
            scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = self.attention_round(shares) @ v / shares.sum(axis=-1, keepdims=True)
        mixed = mixed.swapaxes(0, 1).reshape(len(x), -1)
        return self.linears[path + ".out"](mixed)

    def feed_forward(self, path: str, x: np.ndarray) -> np.ndarray:
        inner = gelu(self.linears[path + "mlp1"](self.norm(path + "mlp_ln", x)))
        return x + self.linears[path + "mlp2"](inner)

    def encode(self, mel: np.ndarray) -> np.ndarray:
        """mel[frames, mels], frames at most 3000, zeros behind them."""
        x = np.pad(mel, ((0, FRAMES - len(mel)), (0, 0)))
        x = self.convolve(self.convolve(x, "encoder.conv1", 1), "encoder.conv2", 2)
        half = x.shape[1] // 2
        scales = np.exp(-np.arange(half) * math.log(10000) / (half - 1))
        angles = np.arange(POSITIONS)[:, None] * scales
        x = x + np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        for layer in range(self.layers):
            path = f"encoder.blocks.{layer}."
            h = self.norm(path + "attn_ln", x)
            x = self.feed_forward(path, x + self.attention(path + "attn", h, h, causal=False))
        return self.norm("encoder.ln_post", x)

    def decode(self, tokens: list[int], encoded: np.ndarray) -> np.ndarray:
        """Logits of every token."""
        embedding = self.weights.exact("decoder.token_embedding")
        x = embedding[tokens] + f64(self.weights.tensors["decoder.positional_embedding"])[:len(tokens)]
        for layer in range(self.layers):
            path = f"decoder.blocks.{layer}."
            h = self.norm(path + "attn_ln", x)
            x = x + self.attention(path + "attn", h, h, causal=True)
            h = self.norm(path + "cross_attn_ln", x)
            x = x + self.attention(path + "cross_attn", h, encoded, causal=False)
            x = self.feed_forward(path, x)
        return self.linears["decoder.token_embedding"](self.norm("decoder.ln", x))


def hugging_face_name(name: str) -> str:
    for ours, theirs in PROJECTIONS.items():
        for own, other in ATTENTIONS.items():
            name = name.replace(f".{own}.{ours}.", f".{other}.{theirs}.")
    for ours, theirs in (
            (".cross_attn_ln.", ".encoder_attn_layer_norm."), (".attn_ln.", ".self_attn_layer_norm."),
            (".mlp_ln.", ".final_layer_norm."), (".mlp1.", ".fc1."), (".mlp2.", ".fc2."),
            (".blocks.", ".layers."), ("encoder.ln_post.", "encoder.layer_norm."),
            ("decoder.ln.", "decoder.layer_norm."),
            ("decoder.token_embedding.", "decoder.embed_tokens."),
            ("decoder.positional_embedding", "decoder.embed_positions.weight")):
        name = name.replace(ours, theirs)
    return "model." + name


def sinusoids(width: int) -> np.ndarray:
    half = width // 2
    angles = np.arange(POSITIONS)[:, None] * np.exp(-np.arange(half) * math.log(10000) / (half - 1))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def hugging_face(weights: Weights, width: int) -> Weights:
    """The same tensors as transformers saves them."""
    out = Weights(0, weights.dtype)
    for name, tensor in weights.tensors.items():
        if tensor.ndim == 3:
            tensor = mx.contiguous(tensor.transpose(0, 2, 1))
        out.tensors[hugging_face_name(name)] = tensor
    out.store("model.encoder.embed_positions.weight", sinusoids(width))
    return out


def transformers_run(config: dict, weights: Weights, mel: np.ndarray, tokens: list[int]):
    """Encoder output and logits of transformers in float32 on the dequantized weights."""
    plain = {k: v for k, v in config.items() if not k.startswith("quantization")}
    model = transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(**plain, attn_implementation="eager")).float().eval()
    state = {"model.encoder.embed_positions.weight": sinusoids(config["d_model"])}
    for name, tensor in weights.tensors.items():
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        value = weights.exact(path) if kind == "weight" else f64(tensor)
        state[hugging_face_name(name)] = value.transpose(0, 2, 1) if value.ndim == 3 else value
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    model.load_state_dict({k: torch.tensor(np.ascontiguousarray(v, np.float32)) for k, v in state.items()})
    padded = np.pad(mel, ((0, FRAMES - len(mel)), (0, 0))).T
    with torch.no_grad():
        out = model(input_features=torch.tensor(padded.astype(np.float32))[None],
                    decoder_input_ids=torch.tensor([tokens]))
    return out.encoder_last_hidden_state[0].double().numpy(), out.logits[0].double().numpy()


def rms(x: np.ndarray) -> float:
    return round(float(np.sqrt((x**2).mean())), 6)


def make(name: str, seed: int, dtype: str, width: int, heads: int, layers: int, mels: int,
         layout: str, group: int | None = None):
    directory = FIXTURES / name
    directory.mkdir(parents=True, exist_ok=True)
    flat = dict(n_mels=mels, n_audio_ctx=POSITIONS, n_audio_state=width, n_audio_head=heads,
                n_audio_layer=layers, n_vocab=VOCABULARY, n_text_ctx=TEXT_POSITIONS, n_text_state=width,
                n_text_head=heads, n_text_layer=layers, model_type="whisper")
    published = dict(
        architectures=["WhisperForConditionalGeneration"], model_type="whisper", d_model=width,
        num_mel_bins=mels, vocab_size=VOCABULARY, max_source_positions=POSITIONS,
        max_target_positions=TEXT_POSITIONS, encoder_layers=layers, decoder_layers=layers,
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width, activation_function="gelu", scale_embedding=False,
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1)
    config = dict(flat if layout == "mlx" else published)
    weights = random_weights(seed, dtype, width, layers, mels)
    if group:
        quantize_all(weights, 4, group, {"decoder.positional_embedding": False})
        config |= {"quantization": {"group_size": group, "bits": 4}}
    exact, fast = (Whisper(weights, heads, layers, f) for f in (False, True))
    tokens = [int(t) for t in weights.random.integers(0, VOCABULARY, 7)]
    front, tensors, clips, errors, differences = Mel(mels), {}, [], [], {"encoder": 0.0, "logits": 0.0}
    for seconds in (1.0, 30.0):
        samples = signal(round(seconds * 16000))
        mel, label = front(samples), f"{seconds:.0f}s"
        encoded = exact.encode(mel)
        logits = exact.decode(tokens, encoded)
        rows = [*range(EDGE_ROWS), *range(POSITIONS - EDGE_ROWS, POSITIONS)]
        other = transformers_run(published, weights, mel, tokens)
        for key, a, b in (("encoder", encoded, other[0]), ("logits", logits, other[1])):
            differences[key] = max(differences[key], float(np.abs(a - b).max()))
        errors.append(fast.encode(mel) - encoded)
        tensors |= {f"{label}.encoder_output": encoded[rows], f"{label}.logits": logits}
        clips.append(dict(clip=label, samples=len(samples), mel_frames=len(mel), rows=rows,
                          greedy=[int(t) for t in logits.argmax(1)], logit_std=round(float(logits.std()), 4)))
    assert max(differences.values()) < REFERENCE_DIFFERENCE_MAX, differences
    facts = dict(tokens=tokens, clips=clips, encoder_std=round(float(encoded.std()), 4),
                 reference_difference_max={k: float(f"{v:.2g}") for k, v in differences.items()})
    if dtype != "f32":
        facts["fast_encoder_rms"] = rms(np.concatenate(errors))
    stored = weights if layout == "mlx" or group else hugging_face(weights, width)
    write_checkpoint(directory, config, stored, index=False)
    write_golden(directory, tensors, facts)
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{name} {size / 1e3:.0f} kB {json.dumps({k: v for k, v in facts.items() if k != 'clips'})}", flush=True)


def main():
    make("whisper-f16", 1, "f16", width=32, heads=1, layers=2, mels=80, layout="mlx")
    make("whisper-bf16", 2, "bf16", width=64, heads=1, layers=1, mels=128, layout="transformers")
    make("whisper-q4", 3, "bf16", width=64, heads=2, layers=1, mels=80, layout="transformers", group=64)


if __name__ == "__main__":
    main()
