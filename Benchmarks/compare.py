#!/usr/bin/env python3
"""mlxi and its rivals in turns on the same shape, so that a neighbour's load meets all of them.

Prints one JSON object: tokens a second of each (median, min, max of the rounds) and how many times mlxi's
median is a rival's. Rivals are those whose options are given:

    compare.py --mlxi .build/release/mlxi --shape qwen3-0.6b --threads 2 \\
        --openvino-python VENV/bin/python --openvino-model qwen3-0.6b-q4_0.gguf \\
        --llama-bench llama.cpp=llama.cpp/build/bin/llama-bench \\
        --llama-bench ik_llama.cpp=ik_llama.cpp/build/bin/llama-bench --gguf qwen3-0.6b-q4_0.gguf

`--run-with COMMAND` goes before every measured command (taskset, a scheduler's priority).
"""
import argparse
import functools
import json
import pathlib
import shlex
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def output(options, command):
    words = shlex.split(options.run_with) + [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def mlxi(options):
    report = json.loads(output(options, [
        options.mlxi, "bench", "--shape", options.shape, "-p", options.prompt, "-n", options.decode,
        "-r", 2, "--threads", options.threads, "--json",
        *(["--kv-bits", options.kv_bits] if options.kv_bits else [])]))
    return {"prefill": report["prefill"][0]["per_second"], "decode": report["decode"]["per_second"],
            "memory_gigabytes_per_second": report["ceilings"]["memory_gigabytes_per_second"]}


def openvino(options):
    lines = output(options, [
        options.openvino_python, HERE / "openvino_llm.py", options.openvino_model, options.prompt,
        options.decode, options.threads])
    return json.loads(lines.splitlines()[-1])


def llama(program, options):
    rows = json.loads(output(options, [
        program, "-m", options.gguf, "-t", options.threads, "-p", options.prompt,
        "-n", options.decode, "-r", 2, "-fa", 1, "-o", "json"]))
    return {("prefill" if row["n_prompt"] else "decode"): row["avg_ts"] for row in rows}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlxi", required=True)
    parser.add_argument("--shape", default="qwen3-0.6b")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kv-bits", type=int, help="of mlxi's KV cache (OpenVINO's has 8)")
    parser.add_argument("--run-with", default="")
    parser.add_argument("--openvino-python")
    parser.add_argument("--openvino-model")
    parser.add_argument("--llama-bench", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--gguf")
    options = parser.parse_args()
    programs = {"mlxi": mlxi}
    if options.openvino_model:
        programs["openvino"] = openvino
    for rival in options.llama_bench:
        name, program = rival.split("=", 1)
        programs[name] = functools.partial(llama, program)
    runs = {name: [] for name in programs}
    for _ in range(options.rounds):
        for name, measure in programs.items():
            runs[name].append(measure(options))
    result = {"shape": options.shape, "prompt": options.prompt, "threads": options.threads}
    for name, rows in runs.items():
        result[name] = {
            key: {"median": statistics.median(row[key] for row in rows),
                  "min": min(row[key] for row in rows), "max": max(row[key] for row in rows)}
            for key in rows[0]}
    for name in list(programs)[1:]:
        result["ratio to " + name] = {
            key: result["mlxi"][key]["median"] / result[name][key]["median"]
            for key in ("prefill", "decode")}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
