"""Small random Qwen3-ASR checkpoints with goldens for the whole chain from samples to tokens.

usage: python Tools/golden/make_qwen3_asr.py      (writes Tests/Fixtures/qwen3asr-*)
"""

import json

import mlx.core as mx
import numpy as np
import torch
import transformers

from audio_reference import AudioTower, Mel, signal
from checkpoint import FIXTURES, TORCH_DTYPES, Weights, f64, write_checkpoint, write_golden
from files import write_json
from make_qwen3 import quantize_all
from reference import Decoder, qwen3_weights
from tokenizer_files import AUDIO_TOKENS, TEXT_TOKENS, train, write_tokenizer

GREEDY_TOKENS = 16
EDGE_ROWS = 8  # of long arrays only the first and the last rows are stored
MARGIN_MIN = 0.01
ATTENTION_GAIN = 8.0
DISTINCT_MIN = 3  # greedy tokens of a case: a loop of one token would prove little
REFERENCE_DIFFERENCE_MAX = 1e-3
SAMPLES_MIN = 8000  # clips are zero-padded to half a second
TOKENIZER_SIZE, VOCABULARY = 504, 512
LANGUAGES = ["Chinese", "English", "Cantonese", "German", "French", "Japanese"]
CONTEXT = "Names: Berlin, \u5e7f\u4e1c\u8bdd."


def config_of(audio: dict, text: dict, ids: dict, dtype: str) -> dict:
    audio_config = dict(
        activation_dropout=0, activation_function="gelu", attention_dropout=0, conv_chunksize=500,
        dropout=0, encoder_layers=2, initializer_range=0.02, max_source_positions=1500,
        model_type="qwen3_asr_audio_encoder", n_window=50, num_hidden_layers=2, num_mel_bins=128,
        n_window_infer=800, scale_embedding=False) | audio
    width = text["head_dim"]
    text_config = dict(
        attention_bias=False, attention_dropout=0.0, hidden_act="silu", initializer_range=0.02,
        max_position_embeddings=65536, model_type="qwen3", num_key_value_heads=2,
        num_attention_heads=4, rms_norm_eps=1e-6,
        rope_scaling=dict(interleaved=True, mrope_interleaved=True, rope_type="default",
                          mrope_section=[width // 2 - 2 * (width // 6), width // 6, width // 6],
                          type="default"),
        rope_theta=1000000.0, tie_word_embeddings=True, use_cache=True, vocab_size=VOCABULARY) | text
    thinker = dict(
        audio_config=audio_config, text_config=text_config, audio_token_id=ids["<|audio_pad|>"],
        audio_start_token_id=ids["<|audio_start|>"], audio_end_token_id=ids["<|audio_end|>"],
        dtype=TORCH_DTYPES[dtype], initializer_range=0.02, model_type="qwen3_asr")
    return dict(
        architectures=["Qwen3ASRForConditionalGeneration"], model_type="qwen3_asr",
        support_languages=LANGUAGES, thinker_config=thinker, transformers_version="4.57.6")


def random_weights(seed: int, dtype: str, config: dict) -> Weights:
    weights = Weights(seed, dtype)
    audio, text = (config["thinker_config"][k] for k in ("audio_config", "text_config"))
    d, inner, channels = (audio[k] for k in ("d_model", "encoder_ffn_dim", "downsample_hidden_size"))

    def biased(path: str, out: int, width: int, gain: float):
        weights.linear(path, out, width, gain)
        weights.store(path + ".bias", weights.random.standard_normal(out) * 0.1)

    def norm(path: str):
        weights.vector(path + ".weight", d, 0.6, 1.4)
        weights.vector(path + ".bias", d, -0.2, 0.2)

    bins, width = audio["num_mel_bins"], 1
    for i in (1, 2, 3):
        path = f"audio_tower.conv2d{i}"
        biased(path, channels, 9 * width, 1.8)
        flat = weights.tensors[path + ".weight"]
        weights.tensors[path + ".weight"] = flat.reshape(channels, 3, 3, width)
        bins, width = (bins + 1) // 2, channels
    weights.linear("audio_tower.conv_out", d, channels * bins, 1.5)
    for i in range(audio["encoder_layers"]):
        path = f"audio_tower.layers.{i}."
        norm(path + "self_attn_layer_norm")
        norm(path + "final_layer_norm")
        for name, gain in (("q", 1.4), ("k", 1.4), ("v", 1), ("out", 1.5)):
            biased(f"{path}self_attn.{name}_proj", d, d, gain)
        biased(path + "fc1", inner, d, 1.5)
        biased(path + "fc2", d, inner, 1.5)
    norm("audio_tower.ln_post")
    biased("audio_tower.proj1", d, d, 1.5)
    biased("audio_tower.proj2", audio["output_dim"], d, 1)
    qwen3_weights(weights, text, attention_gain=ATTENTION_GAIN)
    return weights


class MLXAudio:
    """The directory as mlx-audio opens it, computed in float32."""

    def __init__(self, directory):
        from mlx_audio.stt.utils import load_model

        self.model = load_model(directory)._model
        self.model.set_dtype(mx.float32)

    def run(self, samples: np.ndarray, prompt: list[int]):
        features, mask, _ = self.model._preprocess_audio(samples)
        encoded = self.model.get_audio_features(features, mask)
        embedded = self.model._build_inputs_embeds(mx.array([prompt]), encoded)
        logits = self.model._forward_with_embeds(embedded)[0, -1]
        return dict(mel=np.array(features)[0].T, encoder=f64(encoded), logits=f64(logits))

    def prompt(self, count: int, language: str | None) -> list[int]:
        return np.array(self.model._build_prompt(count, language))[0].tolist()


def transformers_model(config: dict, weights: Weights):
    audio, text = (config["thinker_config"][k] for k in ("audio_config", "text_config"))
    keep = ("num_mel_bins", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "d_model",
            "n_window", "n_window_infer", "output_dim", "downsample_hidden_size")
    plain = {k: v for k, v in text.items() if k not in ("rope_scaling", "rope_theta")}
    plain["rope_parameters"] = {"rope_theta": text["rope_theta"], "rope_type": "default"}
    model = transformers.Qwen3ASRForConditionalGeneration(transformers.Qwen3ASRConfig(
        audio_config={k: audio[k] for k in keep} | {"model_type": "qwen3_asr_encoder"},
        text_config=plain, audio_token_id=config["thinker_config"]["audio_token_id"])).float().eval()
    state = {}
    for name in weights.tensors:
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        value = weights.exact(path) if kind == "weight" else f64(weights.tensors[name])
        if "conv2d" in path and kind == "weight":
            value = value.transpose(0, 3, 1, 2)
        new = "model." + name if name.startswith("audio_tower") else "model.language_model." + name[6:]
        for old, other in (("proj1", "linear_1"), ("proj2", "linear_2")):
            new = new.replace("audio_tower." + old, "multi_modal_projector." + other)
        state[new] = torch.tensor(np.ascontiguousarray(value, np.float32))
    state["lm_head.weight"] = state["model.language_model.embed_tokens.weight"]
    model.load_state_dict(state)
    return model


def transformers_run(model, mel: np.ndarray, prompt: list[int]):
    """mel[frames, bins] zero-padded to whole chunks, as its feature extractor does."""
    frames = mel.shape[0]
    padded = np.zeros((mel.shape[1], -(-frames // 100) * 100), np.float32)
    padded[:, :frames] = mel.T
    mask = torch.zeros(1, padded.shape[1], dtype=torch.long)
    mask[0, :frames] = 1
    with torch.no_grad():
        inputs = dict(input_features=torch.tensor(padded)[None], input_features_mask=mask)
        encoded = model.get_audio_features(**inputs).pooler_output
        logits = model(input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)),
                       **inputs).logits[0, -1]
    return dict(encoder=encoded.reshape(-1, encoded.shape[-1]).double().numpy(), logits=logits.double().numpy())


def prompt_text(tokens: int, context: str, language: str | None) -> str:
    hint = f"language {language}<asr_text>" if language else ""
    return (f"<|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n<|audio_start|>"
            f"{'<|audio_pad|>' * tokens}<|audio_end|><|im_end|>\n<|im_start|>assistant\n{hint}")


def edge_rows(count: int) -> list[int]:
    if count <= 2 * EDGE_ROWS:
        return list(range(count))
    return [*range(EDGE_ROWS), *range(count - EDGE_ROWS, count)]


def embed(decoder: Decoder, prompt: list[int], pad: int, encoded: np.ndarray) -> np.ndarray:
    embedded = decoder.embedding[prompt]
    embedded[np.array(prompt) == pad] = encoded
    return embedded


class Differences(dict):
    def note(self, name: str, a: np.ndarray, b: np.ndarray):
        assert a.shape == b.shape, (name, a.shape, b.shape)
        self[name] = max(self.get(name, 0.0), float(np.abs(a - b).max()))


def goldens(config: dict, weights: Weights, tokenizer, cases: list[tuple]):
    """None if a greedy text is too close to call, stops or loops at once; else (tensors, facts)."""
    audio, text = (config["thinker_config"][k] for k in ("audio_config", "text_config"))
    pad = config["thinker_config"]["audio_token_id"]
    towers = [AudioTower(audio, weights, fast) for fast in (False, True)]
    decoders = [Decoder(text | {"rope_scaling": None}, weights, fast) for fast in (False, True)]
    stop = [tokenizer.token_to_id(t) for t in ("<|im_end|>", "<|endoftext|>")]
    tensors, records, clips, fast_errors = {}, [], {}, {"encoder": [], "logits": []}
    mel = Mel(audio["num_mel_bins"])
    for number, (seconds, context, language) in enumerate(cases):
        samples = signal(round(seconds * 16000))
        samples = np.pad(samples, (0, max(0, SAMPLES_MIN - len(samples))))
        frames = mel(samples)
        trace = towers[0](frames)
        encoded = trace["encoder_output"]
        if (name := f"{seconds:.1f}s") not in clips:
            rows, mel_rows = edge_rows(len(encoded)), edge_rows(len(frames))
            clips[name] = dict(clip=name, samples=round(seconds * 16000), samples_padded=len(samples),
                               mel_frames=len(frames), mel_rows=mel_rows, tokens=len(encoded), rows=rows)
            tensors |= {f"{name}.mel": frames[mel_rows], f"{name}.mel_mean": frames.mean(0),
                        f"{name}.mel_std": frames.std(0), f"{name}.audio_embedding":
                        trace["audio_embedding"][rows], f"{name}.encoder_output": encoded[rows]}
        prompt = tokenizer.encode(prompt_text(len(encoded), context, language), add_special_tokens=False).ids
        embedded = embed(decoders[0], prompt, pad, encoded)
        logits = decoders[0](embedded)["logits"]
        greedy, margin = decoders[0].greedy(embedded, GREEDY_TOKENS, stop)
        if margin < MARGIN_MIN or len(greedy) < GREEDY_TOKENS or len(set(greedy)) < DISTINCT_MIN:
            return None
        tensors[f"case{number}.logits"] = logits[-1]
        fast_encoded = towers[1](frames)["encoder_output"]
        fast_embedded = embed(decoders[1], prompt, pad, fast_encoded)
        fast_errors["encoder"].append(fast_encoded - encoded)
        fast_errors["logits"].append(decoders[1](fast_embedded)["logits"] - logits)
        records.append(dict(
            clip=name, context=context, language=language, prompt=prompt, greedy=greedy,
            greedy_text=tokenizer.decode(greedy, skip_special_tokens=False),
            greedy_margin_min=round(margin, 4), logit_std=round(float(logits.std()), 4),
            fast_greedy=decoders[1].greedy(fast_embedded, GREEDY_TOKENS, stop)[0]))
    facts = dict(clips=list(clips.values()), cases=records)
    for name, errors in fast_errors.items() if weights.dtype == "bf16" else ():
        flat = np.concatenate([e.ravel() for e in errors])
        facts[f"fast_{name}_rms"] = round(float(np.sqrt((flat**2).mean())), 6)
        facts[f"fast_{name}_max"] = round(float(np.abs(flat).max()), 6)
    return tensors, facts


def cross_check(directory, config: dict, weights: Weights, tensors: dict, facts: dict):
    """Largest difference of every golden to mlx-audio and transformers."""
    differences = Differences()
    mlx, torch_model = MLXAudio(directory), transformers_model(config, weights)
    clips = {c["clip"]: c for c in facts["clips"]}
    mel = Mel(config["thinker_config"]["audio_config"]["num_mel_bins"])
    for number, case in enumerate(facts["cases"]):
        clip = clips[case["clip"]]
        samples = np.pad(signal(clip["samples"]), (0, clip["samples_padded"] - clip["samples"]))
        if not case["context"]:
            assert mlx.prompt(clip["tokens"], case["language"]) == case["prompt"]
        golden = {k: tensors[f"{case['clip']}.{k}"] for k in ("mel", "encoder_output")}
        logits = tensors[f"case{number}.logits"]
        run = mlx.run(samples, case["prompt"])
        differences.note("mlx_audio_mel", run["mel"][clip["mel_rows"]], golden["mel"])
        differences.note("mlx_audio_encoder", run["encoder"][clip["rows"]], golden["encoder_output"])
        differences.note("mlx_audio_logits", run["logits"], logits)
        if clip["mel_frames"] < 100:
            continue  # transformers pads a lone short chunk, mlx-audio and qwen-asr do not
        run = transformers_run(torch_model, mel(samples), case["prompt"])
        differences.note("transformers_encoder", run["encoder"][clip["rows"]], golden["encoder_output"])
        differences.note("transformers_logits", run["logits"], logits)
    assert max(differences.values()) < REFERENCE_DIFFERENCE_MAX, differences
    facts["reference_difference_max"] = {k: float(f"{v:.2g}") for k, v in differences.items()}


def original_naming(weights: Weights) -> Weights:
    """Names and convolution order of the files that Qwen publishes."""
    out = Weights(0, weights.dtype)
    for name, tensor in weights.tensors.items():
        prefix = "thinker."
        if "conv2d" in name and tensor.ndim == 4:
            tensor = mx.contiguous(tensor.transpose(0, 3, 1, 2))
        out.tensors[prefix + name] = tensor
    return out


def make(name: str, seed: int, dtype: str, audio: dict, text: dict, cases: list[tuple],
         group: int | None = None, original: bool = False):
    directory = FIXTURES / name
    directory.mkdir(parents=True, exist_ok=True)
    tokens = TEXT_TOKENS + AUDIO_TOKENS
    tokenizer = train(TOKENIZER_SIZE, tokens)
    ids = {content: tokenizer.token_to_id(content) for content, _ in tokens}
    write_tokenizer(directory, tokenizer, tokens, None, fast=not original)
    write_json(directory / "generation_config.json", dict(
        do_sample=False, eos_token_id=[ids["<|endoftext|>"], ids["<|im_end|>"]],
        pad_token_id=ids["<|im_end|>"], temperature=1e-06, transformers_version="4.57.6"))
    config = config_of(audio, text, ids, dtype)
    write_json(directory / "preprocessor_config.json", dict(
        chunk_length=30, dither=0.0, feature_extractor_type="WhisperFeatureExtractor",
        feature_size=config["thinker_config"]["audio_config"]["num_mel_bins"], hop_length=160,
        n_fft=400, n_samples=480000, nb_max_frames=3000, padding_side="right", padding_value=0.0,
        processor_class="Qwen3ASRProcessor", return_attention_mask=True, sampling_rate=16000))
    for attempt in range(500):
        weights = random_weights(1000 * seed + attempt, dtype, config)
        if group:
            keep = {n.removesuffix(".weight"): False for n in weights.tensors if n.startswith("audio")}
            quantize_all(weights, 4, group, keep)
            section = {"group_size": group, "bits": 4, "mode": "affine"}
            config |= {"quantization": section, "quantization_config": section}
        if result := goldens(config, weights, tokenizer, cases):
            break
    else:
        raise SystemExit(f"{name}: no stable weights")
    write_checkpoint(directory, config, original_naming(weights) if original else weights, index=not original)
    tensors, facts = result
    cross_check(directory, config, weights, tensors, facts)
    write_golden(directory, tensors, facts)
    size = sum(f.stat().st_size for f in directory.iterdir())
    shown = {k: v for k, v in facts.items() if not isinstance(v, list)}
    print(f"{name} (attempt {attempt}) {size / 1e3:.0f} kB {json.dumps(shown)}", flush=True)
    for case in facts["cases"]:
        print("  ", case["clip"], case["greedy_margin_min"], repr(case["greedy_text"]), flush=True)


def main():
    make("qwen3asr-bf16", 1, "bf16",
         dict(d_model=64, encoder_attention_heads=4, encoder_ffn_dim=64, downsample_hidden_size=8,
              output_dim=64),
         dict(hidden_size=64, num_hidden_layers=1, intermediate_size=64, head_dim=32),
         [(0.3, "", None), (1.0, "", None), (1.0, CONTEXT, None), (1.0, CONTEXT, "English"),
          (7.7, "", "Cantonese"), (21.3, "", None)])
    make("qwen3asr-q4", 2, "bf16",
         dict(d_model=32, encoder_attention_heads=2, encoder_ffn_dim=64, downsample_hidden_size=8,
              output_dim=64, num_mel_bins=80, n_window_infer=200),
         dict(hidden_size=64, num_hidden_layers=2, intermediate_size=64, head_dim=32),
         [(1.0, "", None), (7.7, CONTEXT, "English")], group=64)
    make("qwen3asr-original", 3, "f32",
         dict(d_model=32, encoder_attention_heads=2, encoder_ffn_dim=64, downsample_hidden_size=4,
              output_dim=32, encoder_layers=1, num_hidden_layers=1),
         dict(hidden_size=32, num_hidden_layers=1, intermediate_size=48, head_dim=16),
         [(1.0, "", None), (7.7, CONTEXT, None)], original=True)


if __name__ == "__main__":
    main()
