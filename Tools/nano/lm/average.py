"""Averages the weights of checkpoints of one run, which are better together than each alone.

    python average.py --out WORK 0.7:WORK_NOW 0.3:WORK_BEFORE

A checkpoint from before the network was grown is grown first (context.py).
"""

import argparse
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer

from context import OLD_HIDDEN, grown
from data import folded
from evaluate import load_model
from model import Qwen3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("parts", nargs="+", help="SHARE:WORK, the last of the run first")
    options = parser.parse_args()
    parts = [part.split(":", 1) for part in options.parts]
    first = Path(parts[0][1])
    tokenizer = Tokenizer.from_file(str(first / "tokenizer.json"))
    mean = {}
    for share, work in parts:
        model = load_model(work)
        if model.shape.hidden_size == OLD_HIDDEN:
            model = grown(model, folded(tokenizer), Qwen3)
        for name, value in model.state_dict().items():
            mean[name] = mean.get(name, 0) + float(share) * value
    state = torch.load(first / "checkpoint.pt", map_location="cpu")
    state["average"] = mean
    Path(options.out).mkdir(parents=True, exist_ok=True)
    torch.save(state, Path(options.out) / "checkpoint.pt")
    shutil.copyfile(first / "tokenizer.json", Path(options.out) / "tokenizer.json")


if __name__ == "__main__":
    main()
