#!/usr/bin/env python3
"""OpenVINO's Whisper encoder of random weights: make the model, or measure one window of 30 s.

usage: openvino_whisper.py make NAME FILE.xml            (needs torch, transformers and openvino)
       openvino_whisper.py quantize FILE.xml OUT.xml     (nncf and openvino)
       openvino_whisper.py measure FILE.xml THREADS REPEATS      (openvino; a JSON line of milliseconds)
NAME is tiny, base, small, medium or large-v3-turbo. Weights are f16, or 8 bits a channel after `quantize`,
computed in bf16.
"""
import json
import sys
import time

import numpy
import openvino

SHAPES = {  # width, heads, layers, mels
    "tiny": (384, 6, 4, 80), "base": (512, 8, 6, 80), "small": (768, 12, 12, 80),
    "medium": (1024, 16, 24, 80), "large-v3-turbo": (1280, 20, 32, 128)}


def make(name, path):
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    width, heads, layers, mels = SHAPES[name]
    config = WhisperConfig(
        d_model=width, encoder_layers=layers, encoder_attention_heads=heads, encoder_ffn_dim=4 * width,
        num_mel_bins=mels, decoder_layers=1, decoder_attention_heads=heads, attn_implementation="sdpa")

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = WhisperEncoder(config).eval()

        def forward(self, mel):
            return self.encoder(mel, return_dict=False)[0]

    with torch.no_grad():
        model = openvino.convert_model(
            Encoder(), example_input=torch.randn(1, mels, 3000), input=[(1, mels, 3000)])
    openvino.save_model(model, path, compress_to_fp16=True)


def quantize(path, to):
    import nncf

    model = openvino.Core().read_model(path)
    openvino.save_model(
        nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM), to)


def measure(path, threads, repeats):
    model = openvino.Core().compile_model(path, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"})
    request = model.create_infer_request()
    mel = numpy.random.default_rng(0).standard_normal(tuple(model.inputs[0].shape), dtype=numpy.float32)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        request.infer([mel])
        times.append((time.perf_counter() - start) * 1e3)
    times = sorted(times[1:])
    print(json.dumps({"milliseconds": times[len(times) // 2], "milliseconds_min": times[0]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 4 and sys.argv[2] in SHAPES:
        make(*sys.argv[2:4])
    elif sys.argv[1:2] == ["quantize"] and len(sys.argv) == 4:
        quantize(*sys.argv[2:4])
    elif sys.argv[1:2] == ["measure"] and len(sys.argv) == 5:
        measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(__doc__)
