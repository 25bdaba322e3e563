"""Word error rates of an exported folder on the test shard, and error pairs for proofreading.

    python evaluate.py --model Models/nano-asr --data DIR [--per-set 100] [--show 10]
    python evaluate.py --model Models/nano-asr --data DIR --pairs pairs.jsonl --pair-count 3000
"""

import argparse
import json
import os
import random as randomness
import re
import time

import torch

from decode import transcripts, word_error_rate
from export import load
from loader import Clips, Prompt

HESITATION = re.compile(r", (?:um|uh|er), ")


def cased_error_rate(references, hypotheses):
    """WER over space-separated words with case and punctuation left as they are."""
    marks = str.maketrans({",": "comma", ".": "stop", "?": "question", "!": "exclamation"})
    sides = [[text.translate(marks) for text in side] for side in (references, hypotheses)]
    upper = [["".join("x" + c if c.isupper() else c for c in t) for t in s] for s in sides]
    return word_error_rate(*upper)


def evaluate(model, prompt, tests, per_set, show):
    sets = {}
    for clip in tests.clips:
        sets.setdefault(clip["set"], []).append(clip)
    for name, clips in sets.items():
        clips = clips[:per_set]
        started = time.time()
        mels = [tests.mel(clip) for clip in clips]
        found = transcripts(model, mels, prompt)
        seconds = sum(map(len, mels)) / 100
        speed = f"{seconds / (time.time() - started):.0f} x real time"
        if name == "silence":
            empty = sum(not text for text in found)
            print(f"{name:14} {empty} of {len(clips)} empty, {speed}")
            continue
        references = [clip["text"] for clip in clips]
        plain = 100 * word_error_rate(references, found)
        cased = 100 * cased_error_rate(references, found)
        print(f"{name:14} {len(clips)} clips, WER {plain:.2f} %, cased {cased:.2f} %, {speed}")
        for index in range(min(show, len(clips))):
            print(f"    {references[index]}\n  > {found[index]}")


def write_pairs(model, prompt, clips, count, path):
    """Training-like clips and what the model makes of them, one JSON object per line."""
    chosen = [clip for clip in clips.clips if clip["text"]]
    randomness.Random(5).shuffle(chosen)
    with open(path, "w") as file:
        for start in range(0, count, 64):
            group = chosen[start : start + 64]
            found = transcripts(model, [clips.mel(clip) for clip in group], prompt)
            for clip, text in zip(group, found):
                right = HESITATION.sub(" ", clip["text"])
                file.write(json.dumps({"hypothesis": text, "reference": right}) + "\n")
            file.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--per-set", type=int, default=1000)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs")
    parser.add_argument("--pair-count", type=int, default=3000)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load(arguments.model)
    prompt = Prompt(os.path.join(arguments.model, "tokenizer.json"))
    if arguments.pairs:
        clips = Clips(arguments.data)
        write_pairs(model, prompt, clips, arguments.pair_count, arguments.pairs)
    else:
        tests = Clips(arguments.data, tests=True)
        evaluate(model, prompt, tests, arguments.per_set, arguments.show)


if __name__ == "__main__":
    main()
