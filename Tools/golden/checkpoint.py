"""Small random weights, MLX quantization of them, and the files of an mlx-community directory."""

import json
from pathlib import Path

import mlx.core as mx
import numpy as np

from files import write_json

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
DTYPES = {"bf16": mx.bfloat16, "f16": mx.float16, "f32": mx.float32}
TORCH_DTYPES = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}


def f64(array: mx.array) -> np.ndarray:
    """Exact value of any MLX float array."""
    return np.array(array.astype(mx.float32)).astype(np.float64)


def bf16_rounded(x: np.ndarray) -> np.ndarray:
    """Nearest bf16 value (ties to even), as float64."""
    return f64(mx.array(x.astype(np.float32)).astype(mx.bfloat16))


class Weights:
    """Tensors by file name, in storage precision; `matrix` also knows how they are quantized."""

    def __init__(self, seed: int, dtype: str):
        self.random = np.random.default_rng(seed)
        self.dtype = dtype
        self.tensors: dict[str, mx.array] = {}
        self.quantized: dict[str, tuple[int, int]] = {}  # module path -> (bits, group)
        self.modes: dict[str, str] = {}  # module path -> MLX quantization mode, where not affine

    def store(self, name: str, values: np.ndarray):
        self.tensors[name] = mx.array(values.astype(np.float32)).astype(DTYPES[self.dtype])

    def linear(self, path: str, out: int, width: int, gain: float = 1.0, stack: tuple = ()):
        """Normal weights of variance gain^2/width; rows differ in size, so scales do too."""
        rows = self.random.lognormal(0, 0.3, (*stack, out, 1))
        values = self.random.standard_normal((*stack, out, width)) * rows
        self.store(path + ".weight", values * (gain / width**0.5))

    def vector(self, name: str, size: int, low: float, high: float):
        self.store(name, self.random.uniform(low, high, size))

    def quantize(self, path: str, bits: int, group: int, mode: str = "affine"):
        weight = self.tensors[path + ".weight"]
        parts = mx.quantize(weight, group_size=group, bits=bits, mode=mode)
        for kind, part in zip(("weight", "scales", "biases"), parts):
            self.tensors[f"{path}.{kind}"] = part
        self.quantized[path] = (bits, group)
        if mode != "affine":
            self.modes[path] = mode

    def exact(self, path: str) -> np.ndarray:
        """The matrix (or vector) the file holds, dequantized in float64."""
        if path not in self.quantized:
            return f64(self.tensors[path + ".weight"])
        bits, group = self.quantized[path]
        if path in self.modes:
            parts = (self.tensors[f"{path}.{k}"] for k in ("weight", "scales"))
            return f64(mx.dequantize(*parts, group_size=group, bits=bits, mode=self.modes[path]))
        words = np.array(self.tensors[path + ".weight"])
        codes = unpack(words.reshape(-1, words.shape[-1]), bits).reshape(*words.shape[:-1], -1)
        scales, biases = (f64(self.tensors[f"{path}.{k}"]) for k in ("scales", "biases"))
        return codes * scales.repeat(group, -1) + biases.repeat(group, -1)

    def parameters(self) -> int:
        """Count as mlx-lm does: unpacked weights, without scales and biases."""
        total = 0
        for name, tensor in self.tensors.items():
            path, _, kind = name.rpartition(".")
            if kind in ("scales", "biases") and path in self.quantized:
                continue
            packed = path in self.quantized
            total += tensor.size * 32 // self.quantized[path][0] if packed else tensor.size
        return total


def unpack(words: np.ndarray, bits: int) -> np.ndarray:
    """Codes of packed rows: every row is one little-endian bit stream."""
    stream = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    codes = stream.reshape(words.shape[0], -1, bits)
    return (codes * (1 << np.arange(bits))).sum(axis=2)


def write_checkpoint(directory: Path, config: dict, weights: Weights, shards: int = 1,
                     index: bool = True):
    """config.json, the weights in one or more files and the index, as mlx-lm saves them."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("model*.safetensors*"):
        old.unlink()
    write_json(directory / "config.json", dict(sorted(config.items())))
    names = sorted(weights.tensors)
    weight_map = {}
    for shard in range(shards):
        part = {n: weights.tensors[n] for n in names[shard::shards]}
        file = "model.safetensors" if shards == 1 else f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        mx.save_safetensors(str(directory / file), part, metadata={"format": "mlx"})
        weight_map |= {name: file for name in part}
    if index:
        size = sum(t.nbytes for t in weights.tensors.values())
        metadata = {"total_size": size, "total_parameters": weights.parameters()}
        weight_map = dict(sorted(weight_map.items()))
        write_json(directory / "model.safetensors.index.json",
                   {"metadata": metadata, "weight_map": weight_map})


def write_golden(directory: Path, tensors: dict[str, np.ndarray], facts: dict):
    """golden.safetensors (float32) and golden.json: one fact a line, one record of a list a line."""
    arrays = {name: mx.array(np.ascontiguousarray(t, np.float32)) for name, t in tensors.items()}
    mx.save_safetensors(str(directory / "golden.safetensors"), arrays, metadata={"format": "mlx"})

    def text(value) -> str:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n" + ",\n".join("  " + text(v) for v in value) + "\n ]"
        return json.dumps(value, ensure_ascii=False)

    lines = [f" {text(name)}: {text(value)}" for name, value in facts.items()]
    (directory / "golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
