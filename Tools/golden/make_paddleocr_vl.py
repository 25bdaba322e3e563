"""Small random PaddleOCR-VL checkpoints with goldens from patches of pixels to tokens.

usage: python Tools/golden/make_paddleocr_vl.py      (writes Tests/Fixtures/paddleocrvl-*)
"""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import torch
import transformers
from mlx_vlm.models.paddleocr_vl import Model, ModelConfig
from mlx_vlm.models.paddleocr_vl.config import TextConfig, VisionConfig

from audio_reference import gelu
from checkpoint import FIXTURES, TORCH_DTYPES, Weights, bf16_rounded, f64, write_checkpoint, write_golden
from files import write_json
from reference import Decoder, Linear, gelu_tanh, qwen3_weights, softmax

GREEDY_TOKENS = 16
EDGE_ROWS = 8  # of long arrays only the first and the last rows are stored
MARGIN_MIN = 0.01
ATTENTION_GAIN = 8.0
DISTINCT_MIN = 3  # greedy tokens of a case: a loop of one token would prove little
REFERENCE_DIFFERENCE_MAX = 1e-3
VOCABULARY = 160
IMAGE_TOKEN, START_TOKEN, END_TOKEN = 151, 152, 153
CHANNELS = 3


def patches(count: int, columns: int) -> np.ndarray:
    """[count, columns], value i of all = (7919 i mod 2003) / 1000 - 1 in float32; a row is a patch in
    the order (y, x, channel)."""
    index = np.arange(count * columns, dtype=np.int64)
    return ((index * 7919 % 2003).astype(np.float32) / np.float32(1000) - 1).reshape(count, columns)


def config_of(vision: dict, text: dict, dtype: str) -> dict:
    half = text["head_dim"] // 2
    part = 3 * half // 8
    vision_config = dict(
        hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6, model_type="paddleocr_vl",
        num_channels=CHANNELS, spatial_merge_size=2, temporal_patch_size=2, tokens_per_second=2) | vision
    return dict(
        architectures=["PaddleOCRVLForConditionalGeneration"], model_type="paddleocr_vl",
        dtype=TORCH_DTYPES[dtype], hidden_act="silu", image_token_id=IMAGE_TOKEN,
        video_token_id=IMAGE_TOKEN + 9, vision_start_token_id=START_TOKEN, vision_end_token_id=END_TOKEN,
        max_position_embeddings=131072, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
        rope_scaling=dict(mrope_section=[half - 2 * part, part, part], rope_type="default", type="default"),
        rope_theta=500000, tie_word_embeddings=False, use_bias=False, use_cache=False,
        vocab_size=VOCABULARY, vision_config=vision_config) | text


def random_weights(seed: int, dtype: str, config: dict) -> Weights:
    """Names and order of the convolution as mlx-vlm writes them."""
    weights, vision = Weights(seed, dtype), config["vision_config"]
    width, inner, patch = (vision[k] for k in ("hidden_size", "intermediate_size", "patch_size"))

    def biased(path: str, out: int, columns: int, gain: float):
        weights.linear(path, out, columns, gain)
        weights.store(path + ".bias", weights.random.standard_normal(out) * 0.1)

    def norm(path: str):
        weights.vector(path + ".weight", width, 0.6, 1.4)
        weights.vector(path + ".bias", width, -0.2, 0.2)

    path = "visual.embeddings.patch_embedding"
    biased(path, width, patch * patch * CHANNELS, 1.5)
    flat = weights.tensors[path + ".weight"]
    weights.tensors[path + ".weight"] = flat.reshape(width, patch, patch, CHANNELS)
    side = vision["image_size"] // patch
    weights.linear("visual.embeddings.position_embedding", side * side, width, gain=0.5 * width**0.5)
    for i in range(vision["num_hidden_layers"]):
        path = f"visual.layers.{i}."
        norm(path + "layer_norm1")
        norm(path + "layer_norm2")
        biased(path + "self_attn.qkv", 3 * width, width, 1.4)
        biased(path + "self_attn.out_proj", width, width, 1.5)
        biased(path + "mlp.fc1", inner, width, 1.5)
        biased(path + "mlp.fc2", width, inner, 1.5)
    norm("visual.post_layernorm")
    norm("visual.projector.pre_norm")
    joined = width * vision["spatial_merge_size"] ** 2
    biased("visual.projector.linear_1", joined, joined, 1.5)
    biased("visual.projector.linear_2", config["hidden_size"], joined, 1)
    qwen3_weights(weights, config, prefix="language_model.model.", attention_gain=ATTENTION_GAIN)
    for name in [n for n in weights.tensors if n.endswith(("q_norm.weight", "k_norm.weight"))]:
        del weights.tensors[name]
    weights.tensors["language_model.lm_head.weight"] = weights.tensors.pop("lm_head.weight")
    return weights


class Tower:
    """Encoder and projector in numpy float64. `fast` rounds as the kernels do: the input of quantized
    layers to int8 per group, that of plain layers, and what attention multiplies, to bf16."""

    def __init__(self, config: dict, weights: Weights, fast: bool):
        self.config, self.weights = config["vision_config"], weights
        self.round = bf16_rounded if fast else lambda x: x
        paths = [n.removesuffix(".weight") for n in weights.tensors if n.startswith("visual.")
                 and n.endswith(".weight") and weights.tensors[n].ndim == 2]
        self.linears = {p.removeprefix("visual."): Linear(weights, p, fast) for p in paths}

    def norm(self, path: str, x: np.ndarray, eps: float = 1e-6) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
        path = "visual." + path
        return scaled * self.weights.exact(path) + f64(self.weights.tensors[path + ".bias"])

    def positions(self, rows: int, columns: int) -> np.ndarray:
        """The square table sampled bilinearly at half-pixel centres, [rows * columns, width]."""
        table = self.weights.exact("visual.embeddings.position_embedding")
        side = math.isqrt(len(table))
        table = table.reshape(side, side, -1)

        def taps(count: int) -> np.ndarray:
            at = (np.arange(count) + 0.5) * side / count - 0.5
            low = np.floor(at).astype(int)
            matrix = np.zeros((count, side))
            for i, (first, share) in enumerate(zip(low, at - low)):
                matrix[i, np.clip(first, 0, side - 1)] += 1 - share
                matrix[i, np.clip(first + 1, 0, side - 1)] += share
            return matrix

        return np.einsum("ry,yxd,cx->rcd", taps(rows), table, taps(columns)).reshape(rows * columns, -1)

    def rotate(self, x: np.ndarray, columns: int) -> np.ndarray:
        """x[heads, patches, head]: half of the pairs turn with the row, the others with the column."""
        quarter = x.shape[-1] // 4
        frequencies = 10000.0 ** (-np.arange(quarter) / quarter)
        index = np.arange(x.shape[1])[:, None]
        angles = np.concatenate([index // columns * frequencies, index % columns * frequencies], axis=1)
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * np.cos(angles) - b * np.sin(angles),
                               b * np.cos(angles) + a * np.sin(angles)], axis=-1)

    def attention(self, path: str, x: np.ndarray, columns: int) -> np.ndarray:
        heads = self.config["num_attention_heads"]
        q, k, v = self.linears[path + "qkv"](x).reshape(len(x), 3, heads, -1).transpose(1, 2, 0, 3)
        q, k, v = (self.round(t) for t in (self.rotate(q, columns), self.rotate(k, columns), v))
        mixed = self.round(softmax(q @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5)) @ v
        return self.linears[path + "out_proj"](mixed.swapaxes(0, 1).reshape(len(x), -1))

    def __call__(self, pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """pixels[rows * columns, patch * patch * 3] to rows for the decoder."""
        path = "visual.embeddings.patch_embedding"
        matrix = self.weights.exact(path).reshape(self.config["hidden_size"], -1)
        x = self.round(pixels.astype(np.float64)) @ matrix.T + f64(self.weights.tensors[path + ".bias"])
        x = x + self.positions(rows, columns)
        for i in range(self.config["num_hidden_layers"]):
            path = f"layers.{i}."
            x = x + self.attention(path + "self_attn.", self.norm(path + "layer_norm1", x), columns)
            inner = gelu_tanh(self.linears[path + "mlp.fc1"](self.norm(path + "layer_norm2", x)))
            x = x + self.linears[path + "mlp.fc2"](inner)
        x = self.norm("projector.pre_norm", self.norm("post_layernorm", x), eps=1e-5)
        merge = self.config["spatial_merge_size"]
        x = x.reshape(rows // merge, merge, columns // merge, merge, -1).transpose(0, 2, 1, 3, 4)
        x = x.reshape(rows * columns // merge**2, -1)
        return self.linears["projector.linear_2"](gelu(self.linears["projector.linear_1"](x)))


class SpatialDecoder(Decoder):
    """The decoder with rotary positions on three axes: `image` is (start, rows, columns)."""

    image = None

    def __init__(self, config: dict, weights: Weights, fast: bool):
        # The sections are not a way of stretching frequencies.
        super().__init__(config | {"rope_scaling": None}, weights, fast, prefix="language_model.model.")
        self.axes = np.repeat(np.arange(3), config["rope_scaling"]["mrope_section"])

    def head_name(self, weights: Weights) -> str:
        return "language_model.lm_head"

    def positions(self, count: int) -> np.ndarray:
        start, rows, columns = self.image
        end = start + rows * columns
        out = np.tile(np.arange(count)[:, None], (1, 3))
        cells = np.arange(rows * columns)
        out[start:end] = start + np.stack([0 * cells, cells // columns, cells % columns], axis=1)
        out[end:] += start + max(rows, columns) - end
        return out

    def rotate(self, x: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
        angles = self.positions(x.shape[1])[:, self.axes] * frequencies
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * np.cos(angles) - b * np.sin(angles),
                               b * np.cos(angles) + a * np.sin(angles)], axis=-1)


class MLXVLM:
    """The directory as mlx-vlm opens it, computed in float32."""

    def __init__(self, directory, config: dict, weights: Weights):
        settings = ModelConfig.from_dict(dict(config))
        settings.vision_config = VisionConfig.from_dict(config["vision_config"])
        settings.text_config = TextConfig.from_dict(
            {k: v for k, v in config.items() if k not in ("vision_config", "text_config")})
        self.model = Model(settings)
        joined = config["vision_config"]["hidden_size"] * 4
        # It takes the decoder to be 1024 wide.
        self.model.visual.projector.linear_2 = nn.Linear(joined, config["hidden_size"])
        if weights.quantized:
            bits, group = next(iter(weights.quantized.values()))
            nn.quantize(self.model, group, bits, class_predicate=lambda p, m: p in weights.quantized)
        self.model.load_weights(str(directory / "model.safetensors"), strict=True)
        self.model.set_dtype(mx.float32)
        self.patch = config["vision_config"]["patch_size"]

    def run(self, pixels: np.ndarray, rows: int, columns: int, prompt: list[int]):
        shaped = pixels.reshape(1, -1, self.patch, self.patch, CHANNELS).transpose(0, 1, 4, 2, 3)
        grid, values = mx.array([[1, rows, columns]]), mx.array(shaped)
        encoded = self.model.visual(values, grid)
        logits = self.model(mx.array([prompt]), values, image_grid_thw=grid).logits
        return dict(encoder=f64(encoded), logits=f64(logits)[0, -1])


def transformers_model(config: dict, weights: Weights):
    plain = {k: v for k, v in config.items() if not k.startswith("quantization")
             and k not in ("rope_scaling", "rope_theta", "architectures")}
    plain["rope_parameters"] = config["rope_scaling"] | {"rope_theta": config["rope_theta"]}
    plain["vision_config"] = dict(config["vision_config"])  # it is changed below
    model = transformers.PaddleOCRVLForConditionalGeneration(transformers.PaddleOCRVLConfig(
        **plain, attn_implementation="eager")).float().eval()
    # It ties the head whenever the default of its text_config does.
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    state = {}
    for name, tensor in weights.tensors.items():
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        value = weights.exact(path) if kind == "weight" else f64(tensor)
        value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
        names = [name]
        if ".qkv." in name:
            names = [name.replace("qkv", f"{letter}_proj") for letter in "qkv"]
        for part, one in zip(np.split(value, len(names)), names):
            for old, new in (("visual.projector.", "model.projector."),
                             ("visual.layers.", "model.visual.vision_model.encoder.layers."),
                             ("visual.", "model.visual.vision_model."),
                             ("language_model.lm_head.", "lm_head."),
                             ("language_model.model.", "model.language_model.")):
                if one.startswith(old):
                    one = new + one.removeprefix(old)
                    break
            state[one] = torch.tensor(np.ascontiguousarray(part, np.float32))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("packing_position_embedding" in n for n in missing), (missing, unexpected)
    return model


def transformers_run(model, pixels: np.ndarray, rows: int, columns: int, prompt: list[int]):
    patch = model.config.vision_config.patch_size
    values = torch.tensor(pixels.reshape(-1, patch, patch, CHANNELS).transpose(0, 3, 1, 2).copy())
    inputs = dict(pixel_values=values, image_grid_thw=torch.tensor([[1, rows, columns]]))
    ids = torch.tensor([prompt])
    with torch.no_grad():
        encoded = model.model.get_image_features(**inputs).pooler_output
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids),
                       mm_token_type_ids=(ids == IMAGE_TOKEN).int(), **inputs).logits
    encoded = torch.cat(list(encoded)) if isinstance(encoded, (list, tuple)) else encoded
    return dict(encoder=encoded.double().numpy(), logits=logits[0, -1].double().numpy())


def edge_rows(count: int) -> list[int]:
    if count <= 2 * EDGE_ROWS:
        return list(range(count))
    return [*range(EDGE_ROWS), *range(count - EDGE_ROWS, count)]


def goldens(config: dict, weights: Weights, grids: list[tuple[int, int]]):
    """None if a greedy text is too close to call or loops at once; else (tensors, facts)."""
    towers, decoders = ([part(config, weights, fast) for fast in (False, True)]
                        for part in (Tower, SpatialDecoder))
    columns = config["vision_config"]["patch_size"] ** 2 * CHANNELS
    tensors, records, errors = {}, [], {"encoder": [], "logits": []}
    for number, (high, wide) in enumerate(grids):
        pixels = patches(high * wide, columns)
        encodings = [tower(pixels, high, wide) for tower in towers]
        encoded = encodings[0]
        text = [int(t) for t in weights.random.integers(3, IMAGE_TOKEN, 9)]
        start = 3 + number
        prompt = text[:start - 1] + [START_TOKEN] + [IMAGE_TOKEN] * len(encoded) + [END_TOKEN] + text[start:]
        runs = []
        for encoding, decoder in zip(encodings, decoders):
            decoder.image = (start, high // 2, wide // 2)
            embedded = decoder.embedding[prompt]
            embedded[start:start + len(encoded)] = encoding
            runs.append((embedded, decoder(embedded)["logits"]))
        logits = runs[0][1]
        greedy, margin = decoders[0].greedy(runs[0][0], GREEDY_TOKENS)
        if margin < MARGIN_MIN or len(set(greedy)) < DISTINCT_MIN:
            return None
        errors["encoder"].append(encodings[1] - encoded)
        errors["logits"].append(runs[1][1] - logits)
        rows = edge_rows(len(encoded))
        tensors |= {f"case{number}.encoder_output": encoded[rows], f"case{number}.logits": logits[-1]}
        records.append(dict(
            grid=[high, wide], rows=rows, prompt=prompt, image_start=start, greedy=greedy,
            greedy_margin_min=round(margin, 4), logit_std=round(float(logits.std()), 4),
            encoder_std=round(float(encoded.std()), 4)))
    facts = dict(cases=records)
    for name, parts in errors.items():
        flat = np.concatenate([e.ravel() for e in parts])
        facts[f"fast_{name}_rms"] = round(float(np.sqrt((flat**2).mean())), 6)
    return tensors, facts


def cross_check(directory, config: dict, weights: Weights, tensors: dict, facts: dict):
    """Largest difference of every golden to mlx-vlm and transformers."""
    differences: dict[str, float] = {}
    torch_model, mlx_model = transformers_model(config, weights), MLXVLM(directory, config, weights)
    columns = config["vision_config"]["patch_size"] ** 2 * CHANNELS
    for number, case in enumerate(facts["cases"]):
        pixels = patches(math.prod(case["grid"]), columns)
        for name, run in (("transformers", transformers_run(torch_model, pixels, *case["grid"], case["prompt"])),
                          ("mlx_vlm", mlx_model.run(pixels, *case["grid"], case["prompt"]))):
            for key, found, golden in (
                    ("encoder", run["encoder"][case["rows"]], tensors[f"case{number}.encoder_output"]),
                    ("logits", run["logits"], tensors[f"case{number}.logits"])):
                assert found.shape == golden.shape, (name, key, found.shape, golden.shape)
                worst = float(np.abs(found - golden).max())
                differences[f"{name}_{key}"] = max(differences.get(f"{name}_{key}", 0.0), worst)
    facts["reference_difference_max"] = {k: float(f"{v:.2g}") for k, v in differences.items()}
    assert max(differences.values()) < REFERENCE_DIFFERENCE_MAX, differences


def quantize(weights: Weights, bits: int, group: int):
    """What mlx-vlm would: every matrix and table whose rows are whole groups."""
    for name in sorted(weights.tensors):
        tensor = weights.tensors[name]
        if name.endswith(".weight") and tensor.ndim == 2 and tensor.shape[1] % group == 0:
            weights.quantize(name.removesuffix(".weight"), bits, group)


def make(name: str, seed: int, dtype: str, vision: dict, text: dict, grids: list[tuple[int, int]],
         bits: int | None = None, group: int = 64):
    directory = FIXTURES / name
    directory.mkdir(parents=True, exist_ok=True)
    config = config_of(vision, text, dtype)
    if bits:
        section = {"group_size": group, "bits": bits, "mode": "affine"}
        config |= {"quantization": section, "quantization_config": section}
    for attempt in range(500):
        weights = random_weights(1000 * seed + attempt, dtype, config)
        if bits:
            quantize(weights, bits, group)
        if result := goldens(config, weights, grids):
            break
    else:
        raise SystemExit(f"{name}: no stable weights")
    write_checkpoint(directory, config, weights, index=False)
    step = vision["patch_size"] * 2
    write_json(directory / "preprocessor_config.json", dict(
        do_convert_rgb=True, do_normalize=True, do_rescale=True, do_resize=True, image_mean=[0.5] * 3,
        image_processor_type="PaddleOCRVLImageProcessor", image_std=[0.5] * 3, max_pixels=64 * step * step,
        merge_size=2, min_pixels=step * step, patch_size=vision["patch_size"], resample=3,
        rescale_factor=1 / 255, temporal_patch_size=1))
    tensors, facts = result
    cross_check(directory, config, weights, tensors, facts)
    write_golden(directory, tensors, facts)
    size = sum(f.stat().st_size for f in directory.iterdir())
    shown = {k: v for k, v in facts.items() if not isinstance(v, list)}
    print(f"{name} (attempt {attempt}) {size / 1e3:.0f} kB {json.dumps(shown)}", flush=True)


def main():
    # A head of 72 as published.
    make("paddleocrvl-bf16", 1, "bf16",
         dict(hidden_size=72, num_attention_heads=1, num_hidden_layers=2, intermediate_size=76,
              image_size=42, patch_size=6),
         dict(hidden_size=48, num_hidden_layers=1, intermediate_size=64, head_dim=32),
         [(4, 4), (6, 14), (20, 8)])
    # The tower's fc2 keeps bf16, since its 80 columns are no whole groups.
    make("paddleocrvl-q6", 2, "bf16",
         dict(hidden_size=64, num_attention_heads=4, num_hidden_layers=2, intermediate_size=80,
              image_size=70, patch_size=14),
         dict(hidden_size=64, num_hidden_layers=2, intermediate_size=64, head_dim=32),
         [(2, 10), (12, 6)], bits=6)


if __name__ == "__main__":
    main()
