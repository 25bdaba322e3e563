"""Small random Qwen3-TTS checkpoints with goldens of talker, code predictor and codec decoder.

usage: python Tools/golden/make_qwen3_tts.py      (writes Tests/Fixtures/qwen3tts-*)
"""

import json

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from mlx_audio.tts.models.qwen3_tts.config import ModelConfig, Qwen3TTSTokenizerDecoderConfig
from mlx_audio.tts.models.qwen3_tts.speech_tokenizer import Qwen3TTSSpeechTokenizerDecoder
from mlx_audio.tts.models.qwen3_tts.talker import Qwen3TTSTalkerForConditionalGeneration

from checkpoint import FIXTURES, Weights, f64, write_checkpoint, write_golden
from make_qwen3 import quantize_all
from reference import qwen3_weights
from tts_reference import CHUNK_FRAMES, Codec, Talker

REFERENCE_DIFFERENCE_MAX = 1e-3
FRAMES = 6  # of greedy speech
MARGIN_MIN = 0.02  # between the best two logits at every step: no rounding decides a code
CODEC_FRAMES, LONG_FRAMES, EDGE_FRAMES = 14, 330, 34
WAVE_DEVIATION = 0.3
CODES, GROUPS = 32, 4
ROLE, BODY, INSTRUCT = [3, 17, 5], [40, 8, 99, 61, 23, 7, 110], [12, 90, 33, 2]
PREFIX = [38, 40, 44, 41, 50]  # think, think_bos, language, think_eos, speaker


def model_config(hidden: int, predictor_hidden: int, inner: int, dtype: str) -> dict:
    shared = dict(num_attention_heads=4, num_key_value_heads=2, head_dim=32, hidden_act="silu",
                  rms_norm_eps=1e-6, rope_theta=1000000.0, attention_bias=False, max_position_embeddings=4096,
                  num_code_groups=GROUPS, use_sliding_window=False)
    predictor = shared | dict(model_type="qwen3_tts_talker_code_predictor", hidden_size=predictor_hidden,
                              intermediate_size=inner, num_hidden_layers=1, vocab_size=CODES)
    talker = shared | dict(
        model_type="qwen3_tts_talker", hidden_size=hidden, intermediate_size=inner, num_hidden_layers=2,
        vocab_size=64, text_hidden_size=128, text_vocab_size=128, code_predictor_config=predictor,
        rope_scaling={"interleaved": True, "mrope_section": [6, 5, 5], "rope_type": "default"},
        codec_pad_id=32, codec_bos_id=33, codec_eos_token_id=34, codec_think_id=38, codec_nothink_id=39,
        codec_think_bos_id=40, codec_think_eos_id=41, codec_language_id={"english": 44, "german": 45},
        spk_id={"ann": 50}, spk_is_dialect={"ann": False})
    return dict(architectures=["Qwen3TTSForConditionalGeneration"], model_type="qwen3_tts",
                tts_model_type="custom_voice", tts_model_size="1b7", tokenizer_type="qwen3_tts_tokenizer_12hz",
                tts_pad_token_id=121, tts_bos_token_id=122, tts_eos_token_id=123, im_start_token_id=3,
                im_end_token_id=4, talker_config=talker, torch_dtype={"bf16": "bfloat16", "f32": "float32"}[dtype])


def decoder_weights(weights: Weights, config: dict, prefix: str):
    """Layers and norm of a Qwen3 decoder, without embedding and head."""
    qwen3_weights(weights, config | {"tie_word_embeddings": True}, prefix)
    del weights.tensors[prefix + "embed_tokens.weight"]


def talker_weights(seed: int, dtype: str, config: dict) -> Weights:
    weights, talker = Weights(seed, dtype), config["talker_config"]
    predictor = talker["code_predictor_config"]
    hidden, text, narrow = talker["hidden_size"], talker["text_hidden_size"], predictor["hidden_size"]
    weights.linear("talker.model.text_embedding", talker["text_vocab_size"], text, gain=2.5)
    weights.linear("talker.model.codec_embedding", talker["vocab_size"], hidden, gain=2.5)

    def biased(path: str, out: int, columns: int):
        weights.linear(path, out, columns, gain=1.5)
        weights.store(path + ".bias", weights.random.standard_normal(out) * 0.1)

    biased("talker.text_projection.linear_fc1", text, text)
    biased("talker.text_projection.linear_fc2", hidden, text)
    decoder_weights(weights, talker, "talker.model.")
    weights.linear("talker.codec_head", talker["vocab_size"], hidden, gain=2.5)
    path = "talker.code_predictor."
    if narrow != hidden:
        biased(path + "small_to_mtp_projection", narrow, hidden)
    decoder_weights(weights, predictor, path + "model.")
    for g in range(GROUPS - 1):
        weights.linear(f"{path}model.codec_embedding.{g}", CODES, hidden, gain=2.5)
        weights.linear(f"{path}lm_head.{g}", CODES, narrow, gain=2.5)
    return weights


def rms(x: np.ndarray) -> float:
    return round(float(np.sqrt((x**2).mean())), 6)


def speak(talker: Talker, prompt: np.ndarray):
    """Greedy frames, all logits on the way, and the smallest gap between the best two."""
    rows, frames, first, others, margin = prompt, [], [], [], np.inf
    for _ in range(FRAMES):
        hidden = talker.stack(rows)[-1]
        logits = talker.head(hidden)
        first.append(logits)
        codes, predicted = [], None
        for g in range(GROUPS):
            if g:
                predicted = talker.predict(hidden, codes)
                logits = predicted[-1]
            best = np.sort(logits[:CODES])
            margin = min(margin, float(best[-1] - best[-2]))
            codes.append(int(logits[:CODES].argmax()))
        others.append(predicted)
        frames.append(codes)
        rows = np.concatenate([rows, talker.frame(codes)[None]])
    return frames, np.stack(first), np.stack(others), margin, rows


def mlx_logits(config: dict, weights: Weights, rows: np.ndarray, prompt: int, frames: list):
    """The logits of mlx-audio in float32 on the dequantized weights, over rows that are known."""
    settings = ModelConfig.from_dict(config).talker_config
    model = Qwen3TTSTalkerForConditionalGeneration(settings)
    state = []
    for name in weights.tensors:
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        value = weights.exact(path) if kind == "weight" else f64(weights.tensors[name])
        state.append((name.removeprefix("talker."), mx.array(value.astype(np.float32))))
    model.load_weights(state)
    logits, states = model(mx.array(rows[None].astype(np.float32)), cache=model.make_cache())
    steps = slice(prompt - 1, prompt - 1 + len(frames))
    others = []
    for hidden, codes in zip(states[0, steps], frames):
        cache = model.code_predictor.make_cache()
        embedded = model.get_input_embeddings()(mx.array([[codes[0]]]))
        step, out = mx.concatenate([hidden[None, None], embedded], axis=1), []
        for g in range(GROUPS - 1):
            found, _, _ = model.code_predictor(step, cache=cache, generation_step=g)
            out.append(f64(found[0, -1]))
            step = model.code_predictor.codec_embedding[g](mx.array([[codes[g + 1]]]))
        others.append(np.stack(out))
    return f64(logits[0, steps]), np.stack(others)


def make_talker(name: str, seed: int, dtype: str, hidden: int, narrow: int, inner: int, group: int | None = None):
    config = model_config(hidden, narrow, inner, dtype)
    for attempt in range(100):
        weights = talker_weights(seed + 1000 * attempt, dtype, config)
        if group:
            plain = {p.removesuffix(".weight"): False for p in weights.tensors if "_embedding" in p}
            quantize_all(weights, 4, group, plain)
        exact, fast = (Talker(config, weights, f) for f in (False, True))
        prompt = exact.prompt(ROLE, BODY, PREFIX, INSTRUCT)
        frames, first, others, margin, rows = speak(exact, prompt)
        if margin > MARGIN_MIN and len({c for f in frames for c in f}) > CODES // 3:
            break
    else:
        raise SystemExit(f"{name}: no seed speaks clearly")
    if group:
        config |= {"quantization": {"group_size": group, "bits": 4}}
    other = mlx_logits(config, weights, rows, len(prompt), frames)
    differences = [float(np.abs(a - b).max()) for a, b in zip((first, others), other)]
    assert max(differences) < REFERENCE_DIFFERENCE_MAX, differences
    fast_prompt = fast.prompt(ROLE, BODY, PREFIX, INSTRUCT)
    fast_rows = np.concatenate([fast_prompt] + [fast.frame(f)[None] for f in frames])
    states = fast.stack(fast_rows)[len(prompt) - 1:][:FRAMES]
    fast_first = fast.head(states)
    fast_others = np.stack([fast.predict(h, f[:-1]) for h, f in zip(states, frames)])
    facts = dict(role=ROLE, body=BODY, prefix=PREFIX, instruct=INSTRUCT, frames=[{"codes": f} for f in frames],
                 greedy_margin_min=round(margin, 4), logit_std=round(float(first.std()), 4),
                 predictor_logit_std=round(float(others.std()), 4),
                 fast_logits_rms=rms(fast_first - first), fast_predictor_logits_rms=rms(fast_others - others),
                 reference_difference_max=float(f"{max(differences):.2g}"))
    tensors = dict(prompt=prompt, logits=first, predictor_logits=others.reshape(-1, CODES))
    directory = FIXTURES / name
    write_checkpoint(directory, config, weights, index=False)
    write_golden(directory, tensors, facts)
    report(directory, {k: v for k, v in facts.items() if k != "frames"})


def codec_config() -> dict:
    return dict(
        attention_bias=False, latent_dim=32, codebook_dim=32, codebook_size=CODES, hidden_size=32,
        intermediate_size=48, layer_scale_initial_scale=0.01, max_position_embeddings=8000, head_dim=16,
        num_attention_heads=2, num_key_value_heads=2, num_hidden_layers=2, num_quantizers=GROUPS,
        num_semantic_quantizers=1, rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=6, hidden_act="silu",
        upsample_rates=[4, 3], upsampling_ratios=[2, 2], decoder_dim=64)


def codec_weights(seed: int, config: dict) -> Weights:
    """Names and order of convolutions as PyTorch saves them."""
    weights = Weights(seed, "f32")
    latent, hidden, inner = (config[k] for k in ("latent_dim", "hidden_size", "intermediate_size"))

    def conv(path: str, shape: tuple, bias: int | None, gain: float = 1.0):
        fan = shape[1] * shape[2]
        weights.store(f"decoder.{path}.weight", weights.random.standard_normal(shape) * gain / fan**0.5)
        if bias:
            weights.store(f"decoder.{path}.bias", weights.random.standard_normal(bias) * 0.1)

    def linear(path: str, out: int, columns: int, bias: bool = False):
        weights.linear("decoder." + path, out, columns)
        if bias:
            weights.store(f"decoder.{path}.bias", weights.random.standard_normal(out) * 0.1)

    def snake(path: str, channels: int):
        for kind in ("alpha", "beta"):
            weights.vector(f"decoder.{path}.{kind}", channels, -0.7, 0.7)

    half = config["codebook_dim"] // 2
    for side, layers in (("first", 1), ("rest", GROUPS - 1)):
        for layer in range(layers):
            path = f"decoder.quantizer.rvq_{side}.vq.layers.{layer}._codebook."
            usage = weights.random.uniform(0.5, 30, config["codebook_size"])
            usage[3] = 0  # a code that training never chose
            table = weights.random.standard_normal((config["codebook_size"], half))
            weights.store(path + "cluster_usage", usage)
            weights.store(path + "embedding_sum", table * np.maximum(usage, 1e-5)[:, None])
        conv(f"quantizer.rvq_{side}.output_proj", (config["codebook_dim"], half, 1), None)
    conv("pre_conv.conv", (latent, config["codebook_dim"], 3), latent)
    linear("pre_transformer.input_proj", hidden, latent, bias=True)
    wide = config["num_attention_heads"] * config["head_dim"]
    for i in range(config["num_hidden_layers"]):
        path = f"pre_transformer.layers.{i}."
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights.vector(f"decoder.{path}{name}.weight", hidden, 0.6, 1.4)
        for name in ("self_attn_layer_scale", "mlp_layer_scale"):
            weights.vector(f"decoder.{path}{name}.scale", hidden, 0.2, 0.8)
        for name, out, columns in (("q", wide, hidden), ("k", wide, hidden), ("v", wide, hidden), ("o", hidden, wide)):
            linear(f"{path}self_attn.{name}_proj", out, columns)
        for name, out, columns in (("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)):
            linear(f"{path}mlp.{name}_proj", out, columns)
    weights.vector("decoder.pre_transformer.norm.weight", hidden, 0.6, 1.4)
    linear("pre_transformer.output_proj", latent, hidden, bias=True)
    for i, stride in enumerate(config["upsampling_ratios"]):
        conv(f"upsample.{i}.0.conv", (latent, latent, stride), latent, gain=stride**0.5)
        path = f"upsample.{i}.1."
        conv(path + "dwconv.conv", (latent, 1, 7), latent)
        weights.vector(f"decoder.{path}norm.weight", latent, 0.6, 1.4)
        weights.vector(f"decoder.{path}norm.bias", latent, -0.2, 0.2)
        weights.vector(f"decoder.{path}gamma", latent, 0.2, 0.6)
        linear(path + "pwconv1", 4 * latent, latent, bias=True)
        linear(path + "pwconv2", latent, 4 * latent, bias=True)
    channels = config["decoder_dim"]
    conv("decoder.0.conv", (channels, latent, 7), channels)
    for i, stride in enumerate(config["upsample_rates"]):
        path = f"decoder.{i + 1}.block."
        snake(path + "0", channels)
        conv(path + "1.conv", (channels, channels // 2, 2 * stride), channels // 2, gain=0.7 * stride**0.5)
        channels //= 2
        for unit in (2, 3, 4):
            snake(f"{path}{unit}.act1", channels)
            conv(f"{path}{unit}.conv1.conv", (channels, channels, 7), channels, gain=0.7)
            snake(f"{path}{unit}.act2", channels)
            conv(f"{path}{unit}.conv2.conv", (channels, channels, 1), channels, gain=0.5)
    last = len(config["upsample_rates"]) + 1
    snake(f"decoder.{last}", channels)
    conv(f"decoder.{last + 1}.conv", (1, channels, 7), 1)
    return weights


def mlx_wave(config: dict, weights: Weights, codes: np.ndarray) -> np.ndarray:
    """The sound of mlx-audio's decoder, which attends to everything, in float32."""
    model = Qwen3TTSSpeechTokenizerDecoder(Qwen3TTSTokenizerDecoderConfig(**config))
    state = {}
    for name, tensor in weights.tensors.items():
        name = name.removeprefix("decoder.")
        if name.endswith("cluster_usage"):
            continue
        if name.endswith("embedding_sum"):
            usage = weights.tensors[f"decoder.{name}".replace("embedding_sum", "cluster_usage")]
            tensor = tensor / mx.maximum(usage, 1e-5)[:, None]
            name = name.replace("_codebook.embedding_sum", "codebook.embed.weight")
        elif tensor.ndim == 3:
            is_transposed = name.startswith("upsample") and ".0.conv" in name or ".block.1.conv" in name
            tensor = tensor.transpose((1, 2, 0) if is_transposed else (0, 2, 1))
        state[name] = mx.contiguous(tensor)
    model.load_weights(list(state.items()), strict=False)
    unused = [n for n, _ in tree_flatten(model.parameters()) if n not in state]
    assert all("quantizer" in n and "input_proj" in n for n in unused), unused
    return f64(model(mx.array(codes.T[None]))[0, 0])


def long_codes() -> np.ndarray:
    """A formula, so that the test needs no file."""
    t, g = np.meshgrid(np.arange(LONG_FRAMES), np.arange(GROUPS), indexing="ij")
    return (t * 7 + g * 11 + t * t % 13) % CODES


def make_codec(name: str, seed: int):
    config = codec_config()
    weights = codec_weights(seed, config)
    codes = weights.random.integers(0, CODES, (CODEC_FRAMES, GROUPS))
    codes[2, 1] = 3  # the code that was never chosen
    last = f"decoder.decoder.{len(config['upsample_rates']) + 2}.conv.weight"
    factor = WAVE_DEVIATION / Codec(config, weights).whole(codes).std()
    weights.store(last, f64(weights.tensors[last]) * factor)
    exact, fast = (Codec(config, weights, f) for f in (False, True))
    wave, long = exact(codes), exact(long_codes())
    everything = Codec(config, weights, window=False)(codes)
    difference = float(np.abs(everything - mlx_wave(config, weights, codes)).max())
    assert difference < REFERENCE_DIFFERENCE_MAX, difference
    assert np.abs(everything - wave).max() > 0.01, "the window makes no difference"
    first = (LONG_FRAMES - EDGE_FRAMES) * exact.samples
    facts = dict(codes=[{"codes": [int(c) for c in f]} for f in codes], samples_of_frame=exact.samples,
                 long_frames=LONG_FRAMES, long_first=first, wave_std=round(float(wave.std()), 4),
                 fast_wave_rms=rms(fast(codes) - wave), reference_difference_max=float(f"{difference:.2g}"))
    tensors = dict(wave=wave, long=long[first:], latents=exact.latents(codes))
    assert first < CHUNK_FRAMES * exact.samples
    directory = FIXTURES / name / "speech_tokenizer"
    full = dict(architectures=["Qwen3TTSTokenizerV2Model"], model_type="qwen3_tts_tokenizer_12hz",
                decoder_config=config, decode_upsample_rate=exact.samples, output_sample_rate=24000)
    write_checkpoint(directory, full, weights, index=False)
    write_golden(directory, tensors, facts)
    report(directory, {k: v for k, v in facts.items() if k != "codes"})


def report(directory, facts: dict):
    size = sum(f.stat().st_size for f in directory.iterdir() if f.is_file())
    print(f"{directory.relative_to(FIXTURES)} {size / 1e3:.0f} kB {json.dumps(facts)}", flush=True)


def main():
    make_talker("qwen3tts-q4", 1, "bf16", hidden=128, narrow=64, inner=128, group=64)
    make_codec("qwen3tts-q4", 3)
    make_talker("qwen3tts-bf16", 2, "bf16", hidden=64, narrow=64, inner=80)


if __name__ == "__main__":
    main()
