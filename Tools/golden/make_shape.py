"""Random checkpoints of real size for speed work, in the exact mlx-community layout; not committed.

usage: python Tools/golden/make_shape.py --shape qwen3-0.6b --bits 4 --group 64 --out DIRECTORY

Codes are uniform, scales give every matrix a deviation of 1/sqrt(columns), norms are near one: speed and
memory are those of the published model, the text is noise.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
from tokenizers import models

from files import write_json
from tokenizer_files import AUDIO_TOKENS, CHATML, TEXT_TOKENS, add_tokens, byte_alphabet, merges_of, \
    train, untrained, write_tokenizer

TEXT_VOCABULARY = 151936
BASE_TOKENS = 151643  # ids of the byte-level BPE; the added tokens follow

# hidden, layers, heads, kv heads, inner, tied
DECODERS = {
    "0.6b": (1024, 28, 16, 8, 3072, True),
    "1.7b": (2048, 28, 16, 8, 6144, True),
    "4b": (2560, 36, 32, 8, 9728, True),
    "8b": (4096, 36, 32, 8, 12288, False),
}
# d_model, layers, heads, inner
TOWERS = {"0.6b": (896, 18, 14, 3584), "1.7b": (1024, 24, 16, 4096)}
HEAD_DIM, CHANNELS, MELS = 128, 480, 128
START_CHARACTERS_MAX, END_CHARACTERS_MAX = 8, 4  # of the two parts of a synthetic merge
AUDIO_IDS = dict(zip((t for t, _ in AUDIO_TOKENS), (151669, 151670, 151676, 151704, 151705)))
SHAPES = [f"qwen3-{s}" for s in DECODERS] + [f"qwen3-asr-{s}" for s in TOWERS]
LANGUAGES = (
    "Chinese English Cantonese Arabic German French Spanish Portuguese Indonesian Italian Korean Russian "
    "Thai Vietnamese Japanese Turkish Hindi Malay Dutch Swedish Danish Finnish Polish Czech Filipino "
    "Persian Greek Romanian Hungarian Macedonian").split()


def bf16(values: np.ndarray) -> np.ndarray:
    """Bits of the nearest bf16, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def widened(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


class Layout:
    """Names, types and shapes first, then one pass that makes and writes the values."""

    def __init__(self, bits: int, group: int, seed: int = 0):
        self.bits, self.group = bits, group
        self.random = np.random.default_rng(seed)
        self.parts: list[tuple[str, str, tuple, object]] = []
        self.parameters = 0

    def add(self, name: str, dtype: str, shape: tuple, values):
        self.parts.append((name, dtype, shape, values))

    def normal(self, name: str, shape: tuple, deviation: float, mean: float = 0):
        self.parameters += int(np.prod(shape))
        self.add(name, "BF16", shape, lambda: bf16(
            self.random.standard_normal(shape, np.float32) * np.float32(deviation) + np.float32(mean)))

    def plain(self, path: str, out: int, width: int, bias: bool = True):
        self.normal(path + ".weight", (out, width), width**-0.5)
        if bias:
            self.normal(path + ".bias", (out,), 0.02)

    def quantized(self, path: str, out: int, width: int):
        if self.bits == 16:
            return self.plain(path, out, width, bias=False)
        assert width % self.group == 0, f"{path}: {width} columns in groups of {self.group}"
        self.parameters += out * width
        levels = 2**self.bits - 1
        unit = (12 / ((levels + 1) ** 2 - 1)) ** 0.5 * width**-0.5
        scales = bf16(unit * self.random.uniform(0.5, 1.4, (out, width // self.group)))
        words = (out, width * self.bits // 32)
        self.add(path + ".weight", "U32", words,
                 lambda: self.random.integers(0, 2**32, words, np.uint32))
        self.add(path + ".scales", "BF16", scales.shape, lambda: scales)
        self.add(path + ".biases", "BF16", scales.shape, lambda: bf16(widened(scales) * (-levels / 2)))

    def write(self, directory: Path):
        """model.safetensors (unpadded header, as mlx writes it) and the index."""
        sizes = {"BF16": 2, "U32": 4}
        header, end = {"__metadata__": {"format": "mlx"}}, 0
        for name, dtype, shape, _ in self.parts:
            begin, end = end, end + int(np.prod(shape)) * sizes[dtype]
            header[name] = dict(dtype=dtype, shape=list(shape), data_offsets=[begin, end])
        text = json.dumps(header, separators=(",", ":")).encode()
        with open(directory / "model.safetensors", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for _, _, shape, values in self.parts:
                array = values()
                assert array.shape == shape
                array.tofile(file)
        names = sorted(n for n, *_ in self.parts)
        write_json(directory / "model.safetensors.index.json", dict(
            metadata=dict(total_size=end, total_parameters=self.parameters),
            weight_map={n: "model.safetensors" for n in names}))


def add_decoder(layout: Layout, size: str):
    hidden, layers, heads, kv_heads, inner, tied = DECODERS[size]
    layout.quantized("model.embed_tokens", TEXT_VOCABULARY, hidden)
    for i in range(layers):
        path = f"model.layers.{i}."
        layout.normal(path + "input_layernorm.weight", (hidden,), 0.1, 1)
        layout.normal(path + "post_attention_layernorm.weight", (hidden,), 0.1, 1)
        layout.normal(path + "self_attn.q_norm.weight", (HEAD_DIM,), 0.1, 1)
        layout.normal(path + "self_attn.k_norm.weight", (HEAD_DIM,), 0.1, 1)
        layout.quantized(path + "self_attn.q_proj", heads * HEAD_DIM, hidden)
        layout.quantized(path + "self_attn.k_proj", kv_heads * HEAD_DIM, hidden)
        layout.quantized(path + "self_attn.v_proj", kv_heads * HEAD_DIM, hidden)
        layout.quantized(path + "self_attn.o_proj", hidden, heads * HEAD_DIM)
        layout.quantized(path + "mlp.gate_proj", inner, hidden)
        layout.quantized(path + "mlp.up_proj", inner, hidden)
        layout.quantized(path + "mlp.down_proj", hidden, inner)
    layout.normal("model.norm.weight", (hidden,), 0.1, 1)
    if not tied:
        layout.quantized("lm_head", TEXT_VOCABULARY, hidden)


def add_tower(layout: Layout, size: str):
    d, layers, _, inner = TOWERS[size]
    width, bins = 1, MELS
    for i in (1, 2, 3):
        layout.normal(f"audio_tower.conv2d{i}.weight", (CHANNELS, 3, 3, width), (9 * width) ** -0.5)
        layout.normal(f"audio_tower.conv2d{i}.bias", (CHANNELS,), 0.02)
        width, bins = CHANNELS, (bins + 1) // 2
    layout.plain("audio_tower.conv_out", d, CHANNELS * bins, bias=False)
    norms = [f"layers.{i}.{n}" for i in range(layers)
             for n in ("self_attn_layer_norm", "final_layer_norm")] + ["ln_post"]
    for name in norms:
        layout.normal(f"audio_tower.{name}.weight", (d,), 0.1, 1)
        layout.normal(f"audio_tower.{name}.bias", (d,), 0.02)
    for i in range(layers):
        path = f"audio_tower.layers.{i}."
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            layout.plain(f"{path}self_attn.{name}", d, d)
        layout.plain(path + "fc1", inner, d)
        layout.plain(path + "fc2", d, inner)
    layout.plain("audio_tower.proj1", d, d)
    layout.plain("audio_tower.proj2", DECODERS[size][0], d)


def text_config(size: str) -> dict:
    hidden, layers, heads, kv_heads, inner, tied = DECODERS[size]
    return dict(
        attention_bias=False, attention_dropout=0.0, head_dim=HEAD_DIM, hidden_act="silu",
        hidden_size=hidden, initializer_range=0.02, intermediate_size=inner,
        max_position_embeddings=40960, model_type="qwen3", num_attention_heads=heads,
        num_hidden_layers=layers, num_key_value_heads=kv_heads, rms_norm_eps=1e-6, rope_scaling=None,
        rope_theta=1000000, tie_word_embeddings=tied, use_cache=True, vocab_size=TEXT_VOCABULARY)


def text_checkpoint(directory: Path, layout: Layout, size: str) -> dict:
    add_decoder(layout, size)
    write_json(directory / "generation_config.json", dict(
        bos_token_id=BASE_TOKENS, do_sample=True, eos_token_id=[BASE_TOKENS + 2, BASE_TOKENS],
        pad_token_id=BASE_TOKENS, temperature=0.6, top_k=20, top_p=0.95, transformers_version="4.51.0"))
    return text_config(size) | dict(
        architectures=["Qwen3ForCausalLM"], bos_token_id=BASE_TOKENS, eos_token_id=BASE_TOKENS + 2,
        max_window_layers=DECODERS[size][1], sliding_window=None, torch_dtype="bfloat16",
        transformers_version="4.51.0", use_sliding_window=False)


def speech_checkpoint(directory: Path, layout: Layout, size: str) -> dict:
    add_tower(layout, size)
    add_decoder(layout, size)
    d, layers, heads, inner = TOWERS[size]
    audio = dict(
        activation_dropout=0, activation_function="gelu", attention_dropout=0, conv_chunksize=500,
        d_model=d, downsample_hidden_size=CHANNELS, dropout=0, encoder_attention_heads=heads,
        encoder_ffn_dim=inner, encoder_layers=layers, initializer_range=0.02,
        max_source_positions=1500, model_type="qwen3_asr_audio_encoder", n_window=50,
        n_window_infer=800, num_hidden_layers=layers, num_mel_bins=MELS,
        output_dim=DECODERS[size][0], scale_embedding=False)
    text = text_config(size) | dict(
        max_position_embeddings=65536,
        rope_scaling=dict(interleaved=True, mrope_interleaved=True, mrope_section=[24, 20, 20],
                          rope_type="default", type="default"))
    write_json(directory / "preprocessor_config.json", dict(
        chunk_length=30, dither=0.0, feature_extractor_type="WhisperFeatureExtractor",
        feature_size=MELS, hop_length=160, n_fft=400, n_samples=480000, nb_max_frames=3000,
        padding_side="right", padding_value=0.0, processor_class="Qwen3ASRProcessor",
        return_attention_mask=True, sampling_rate=16000))
    write_json(directory / "generation_config.json", dict(
        do_sample=False, eos_token_id=[BASE_TOKENS, BASE_TOKENS + 2], pad_token_id=BASE_TOKENS + 2,
        temperature=1e-06, transformers_version="4.57.6"))
    thinker = dict(
        audio_config=audio, text_config=text, audio_token_id=AUDIO_IDS["<|audio_pad|>"],
        audio_start_token_id=AUDIO_IDS["<|audio_start|>"],
        audio_end_token_id=AUDIO_IDS["<|audio_end|>"], dtype="bfloat16", initializer_range=0.02,
        model_type="qwen3_asr")
    return dict(
        architectures=["Qwen3ASRForConditionalGeneration"], model_type="qwen3_asr",
        support_languages=LANGUAGES, thinker_config=thinker, transformers_version="4.57.6")


def synthetic_merges(seed: int = 0) -> list[tuple[str, str]]:
    """151,387 merges: those of the small trained tokenizer, then random pairs of short pieces.

    Pieces are letters with or without a leading blank, as most of a real vocabulary.
    """
    draws = iter(np.random.default_rng(seed).random((2 * BASE_TOKENS, 2)).tolist())
    merges = merges_of(train(480, []))
    seen = {a + b for a, b in merges}
    blank = "\u0120"
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    trained = sorted(p for p in seen if p.lstrip(blank).isascii() and p.lstrip(blank).isalpha())
    ends = letters + [p for p in trained if blank not in p]
    starts = letters + [blank] + trained
    count = BASE_TOKENS - len(byte_alphabet())
    while len(merges) < count:
        first, second = next(draws)
        a, b = starts[int(first * len(starts))], ends[int(second * len(ends))]
        if a + b in seen:
            continue
        seen.add(a + b)
        merges.append((a, b))
        if len(a) + len(b) <= START_CHARACTERS_MAX:
            starts.append(a + b)
        if len(a) + len(b) <= END_CHARACTERS_MAX and a[0] != blank:
            ends.append(a + b)
    return merges


def make_tokenizer150k(directory: Path, template: str | None, audio: bool):
    """A byte-level BPE of the published size: ids 0...151642, then the added tokens."""
    merges = synthetic_merges()
    pieces = byte_alphabet() + [a + b for a, b in merges]
    assert len(set(pieces)) == BASE_TOKENS
    tokens = list(TEXT_TOKENS)
    if audio:
        special = dict(AUDIO_TOKENS)
        by_id = {i: (t, special[t]) for t, i in AUDIO_IDS.items()}
        first = BASE_TOKENS + len(tokens)
        tokens += [by_id.get(i, (f"<blank{i}>", True)) for i in range(first, max(by_id) + 1)]
    tokenizer = untrained(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
    add_tokens(tokenizer, tokens)
    write_tokenizer(directory, tokenizer, tokens, template, indent=2)
    if audio:  # these repositories carry Qwen's own files
        write_tokenizer(directory, tokenizer, tokens, template, fast=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--bits", type=int, choices=[2, 3, 4, 5, 6, 8, 16], default=4, help="16 = bf16")
    parser.add_argument("--group", type=int, choices=[32, 64, 128], default=64)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--template", type=Path, help="chat template file (default: plain ChatML)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    layout = Layout(options.bits, options.group)
    *family, size = options.shape.removeprefix("qwen3-").split("-")
    make = speech_checkpoint if family else text_checkpoint
    config = make(options.out, layout, size)
    if options.bits != 16:
        section = {"group_size": options.group, "bits": options.bits, "mode": "affine"}
        config |= {"quantization": section, "quantization_config": section}
    write_json(options.out / "config.json", dict(sorted(config.items())))
    layout.write(options.out)
    template = options.template.read_text() if options.template else CHATML
    make_tokenizer150k(options.out, None if family else template, audio=bool(family))
    print(f"{options.out}: {layout.parameters / 1e6:.0f} M parameters, "
          f"{(options.out / 'model.safetensors').stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
