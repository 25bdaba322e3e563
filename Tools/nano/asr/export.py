"""Write a checkpoint in the mlx-community layout of Qwen3-ASR, and read one back.

    python export.py --checkpoint asr.pt --vocabulary DIR --out Models/nano-asr --bits 8 --group 64

The audio tower stays bfloat16; the decoder's Linear and Embedding weights are quantized in MLX's
affine format (`--bits 16` leaves them bfloat16). The averaged weights are exported.
"""

import argparse
import hashlib
import json
import os
import shutil

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from model import Config, SpeechModel
from quantise import dequantise, quantise
from vocabulary import ASR_TEXT, SPECIAL

SEGMENT_SECONDS_MAX = 12
CONVOLUTIONS = ("conv2d1.weight", "conv2d2.weight", "conv2d3.weight")


def configuration(config, ids, bits, group):
    """config.json in the nesting of the published Qwen3-ASR checkpoints."""
    audio = {
        "model_type": "qwen3_asr_audio_encoder",
        "num_mel_bins": config.mel_bins,
        "d_model": config.audio_width,
        "encoder_layers": config.audio_layers,
        "encoder_attention_heads": config.audio_heads,
        "encoder_ffn_dim": config.audio_inner,
        "activation_function": "gelu",
        "downsample_hidden_size": config.channels,
        "n_window": 50,
        "n_window_infer": config.window_frames,
        "output_dim": config.width,
        "max_source_positions": 1500,
        "scale_embedding": False,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
    }
    text = {
        "model_type": "qwen3",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "intermediate_size": config.inner,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_width,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "rms_norm_eps": config.epsilon,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
    }
    thinker = {
        "model_type": "qwen3_asr_thinker",
        "audio_config": audio,
        "text_config": text,
        "audio_token_id": ids["<|audio_pad|>"],
        "audio_start_token_id": ids["<|audio_start|>"],
        "audio_end_token_id": ids["<|audio_end|>"],
        "dtype": "bfloat16",
    }
    result = {
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "model_type": "qwen3_asr",
        "support_languages": ["English"],
        "thinker_config": thinker,
        "mlxi": {"segment_seconds_max": SEGMENT_SECONDS_MAX},
    }
    if bits < 16:
        quantization = {"group_size": group, "bits": bits, "mode": "affine"}
        result |= {"quantization": quantization, "quantization_config": quantization}
    return result


def is_quantised(name, value):
    return name.startswith("model.") and value.ndim == 2


def tensors(weights, bits, group):
    """The tensors of model.safetensors from the training weights."""
    result = {}
    for name, value in weights.items():
        if name.startswith("ctc"):
            continue
        if name.endswith(CONVOLUTIONS):
            value = value.permute(0, 2, 3, 1)
        if bits == 16 or not is_quantised(name, value):
            result[name] = value.contiguous().bfloat16()
            continue
        packed, scales, biases = quantise(value.numpy(), bits, group)
        stem = name.removesuffix("weight")
        result[name] = torch.from_numpy(packed)
        result[stem + "scales"] = torch.from_numpy(scales).bfloat16()
        result[stem + "biases"] = torch.from_numpy(biases).bfloat16()
    return result


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def export(checkpoint, vocabulary, folder, bits, group):
    state = torch.load(checkpoint, map_location="cpu")
    config = Config(**state["config"])
    os.makedirs(folder, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(vocabulary, name), folder)
    with open(os.path.join(folder, "tokenizer.json")) as file:
        added = json.load(file)["added_tokens"]
    ids = {token["content"]: token["id"] for token in added}
    assert set(ids) == {*SPECIAL, ASR_TEXT}
    write_json(folder, "config.json", configuration(config, ids, bits, group))
    end = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    generation = {"do_sample": False, "eos_token_id": end, "pad_token_id": end[1]}
    write_json(folder, "generation_config.json", generation)
    features = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "processor_class": "Qwen3ASRProcessor",
        "feature_size": config.mel_bins,
        "sampling_rate": 16_000,
        "n_fft": 400,
        "hop_length": 160,
        "chunk_length": 30,
        "n_samples": 480_000,
        "nb_max_frames": 3000,
        "padding_side": "right",
        "padding_value": 0.0,
        "dither": 0.0,
        "return_attention_mask": True,
    }
    write_json(folder, "preprocessor_config.json", features)
    weights = tensors(state["optimizer"]["average"], bits, group)
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "mlx"})
    write_checksums(folder)


def write_checksums(folder):
    """SHA256SUMS, for `sha256sum -c`."""
    lines = []
    for name in sorted(os.listdir(folder)):
        if name != "SHA256SUMS":
            with open(os.path.join(folder, name), "rb") as file:
                lines.append(f"{hashlib.sha256(file.read()).hexdigest()}  {name}\n")
    with open(os.path.join(folder, "SHA256SUMS"), "w") as file:
        file.writelines(lines)


def load(folder):
    """The float32 training model of an exported folder; its CTC head is unused."""
    with open(os.path.join(folder, "config.json")) as file:
        stored = json.load(file)
    audio, text = (stored["thinker_config"][kind] for kind in ("audio_config", "text_config"))
    config = Config(
        mel_bins=audio["num_mel_bins"], audio_width=audio["d_model"],
        audio_layers=audio["encoder_layers"], audio_heads=audio["encoder_attention_heads"],
        audio_inner=audio["encoder_ffn_dim"], channels=audio["downsample_hidden_size"],
        window_frames=audio["n_window_infer"], width=text["hidden_size"],
        layers=text["num_hidden_layers"], heads=text["num_attention_heads"],
        kv_heads=text["num_key_value_heads"], head_width=text["head_dim"],
        inner=text["intermediate_size"], vocabulary=text["vocab_size"],
        rope_theta=text["rope_theta"], epsilon=text["rms_norm_eps"],
    )  # fmt: skip
    weights = load_file(os.path.join(folder, "model.safetensors"))
    model = SpeechModel(config)
    values = dict(model.state_dict())
    for name in values:
        if name.startswith("ctc"):
            continue
        value, stem = weights[name], name.removesuffix("weight")
        if stem + "scales" in weights:
            parts = [weights[stem + part].float().numpy() for part in ("scales", "biases")]
            packed = value.view(torch.int32).numpy().view(np.uint32)
            value = torch.from_numpy(dequantise(packed, *parts, stored["quantization"]["bits"]))
        elif name.endswith(CONVOLUTIONS):
            value = value.permute(0, 3, 1, 2)
        values[name] = value.float()
    model.load_state_dict(values)
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--bits", type=int, choices=(4, 8, 16), default=8)
    parser.add_argument("--group", type=int, choices=(32, 64), default=64)
    arguments = parser.parse_args()
    folder = arguments.out
    export(arguments.checkpoint, arguments.vocabulary, folder, arguments.bits, arguments.group)
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    print(f"{folder}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
