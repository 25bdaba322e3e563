#!/usr/bin/env python3
"""One measurement of OpenVINO GenAI on the CPU: a JSON line with the prefill and decode tokens a second.

usage: openvino_llm.py MODEL PROMPT_TOKENS DECODE_TOKENS THREADS
MODEL is a folder in OpenVINO's own format or a GGUF file. The first of two runs compiles and is not counted.
"""
import json
import sys

import numpy
import openvino
import openvino_genai


def main():
    model, prompt, decode, threads = sys.argv[1], *map(int, sys.argv[2:5])
    pipe = openvino_genai.LLMPipeline(model, "CPU", INFERENCE_NUM_THREADS=threads)
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = config.min_new_tokens = decode + 1
    config.ignore_eos = True
    config.do_sample = False
    config.apply_chat_template = False
    for run in range(2):
        ids = (numpy.arange(prompt, dtype=numpy.int64) * (7919 + 13 * run) % 150000).reshape(1, -1)
        mask = openvino.Tensor(numpy.ones_like(ids))
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), mask)
        metrics = pipe.generate(inputs, config).perf_metrics
    print(json.dumps({"prefill": prompt / metrics.get_ttft().mean * 1e3, "decode": 1e3 / metrics.get_tpot().mean}))


if __name__ == "__main__":
    main()
