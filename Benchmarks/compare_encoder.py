#!/usr/bin/env python3
"""mlxi's and OpenVINO's Whisper encoders in turns, so that a neighbour's load meets both.

    compare_encoder.py --mlxi .build/release/mlxi --python VENV/bin/python --rounds 5 tiny=tiny.xml base=base.xml

The .xml files are made by openvino_whisper.py. Prints a JSON line for each model: milliseconds of one window
of 30 s, median [min-max] of the rounds, the share of the ceiling that mlxi reached, and the ratio of the medians.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def output(command):
    return subprocess.run([str(w) for w in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=FILE.xml")
    parser.add_argument("--mlxi", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bits", default="16", help="of mlxi's weights (8: products of int8 numbers)")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    bits = [] if options.bits == "16" else ["--bits", options.bits]
    for name, path in (model.split("=", 1) for model in options.models):
        ours, theirs, shares = [], [], []
        for _ in range(options.rounds):
            encoder = json.loads(output([
                options.mlxi, "bench", "--shape", "whisper-" + name, "-r", options.repeats, "--threads",
                options.threads, "--json", *bits]))["encoder"]
            ours.append(encoder["milliseconds"])
            shares.append(encoder["ceiling_percent"])
            theirs.append(json.loads(output([
                options.python, HERE / "openvino_whisper.py", "measure", path, options.threads,
                options.repeats]).splitlines()[-1])["milliseconds"])

        def summary(values):
            return [round(f(values), 1) for f in (statistics.median, min, max)]

        print(json.dumps({
            "model": name, "threads": options.threads, "mlxi": summary(ours), "openvino": summary(theirs),
            "ceiling_percent": summary(shares),
            "ratio": round(statistics.median(ours) / statistics.median(theirs), 2)}), flush=True)


if __name__ == "__main__":
    main()
