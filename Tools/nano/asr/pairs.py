"""What the shipped program hears of sentences that nobody trained on, for training nano-lm.

    python pairs.py --sentences sentences.txt --mlxi mlxi --model Models/nano-asr --seed 1 \\
        --count 4000 --work DIR --out pairs.jsonl

Speaks sentences, has `mlxi transcribe` write them down and adds a line to the output for each:
{"hypothesis": ..., "reference": ..., "kind": ...}, the reference without hesitations. Half of the
clips are general English spoken plainly, the others are as hard as those that nano-asr is trained
on. Seeds differ from those of its training clips, so that its mistakes are those it makes on
speech which it has not heard. The recordings are deleted again.
"""

import argparse
import json
import os
import random as randomness
import re
import shutil
import subprocess

import numpy as np
from scipy.io import wavfile

import everyday
import general
from data import SECONDS_MAX, degrade
from rates import SAMPLE_RATE
from speech import Speaker
from texts import Texts, insert_filler

HESITATION = re.compile(r", (?:um|uh|er), ")
AT_ONCE = 250


def without_hesitations(text):
    return HESITATION.sub(" ", text)


def plain_text(random):
    """One to three sentences of general or everyday English."""
    source = general.sentence if random.random() < 0.6 else everyday.sentence
    text = " ".join(source(random) for _ in range(random.choice((1, 1, 1, 2, 3))))
    return insert_filler(text, random) if random.random() < 0.06 else text


def spoken(texts, speakers, random, generator, count):
    """(samples, text, kind) of clips that nobody has heard."""
    made = 0
    while made < count:
        plain, other_voice = random.random() < 0.5, random.random() < 0.15
        text = plain_text(random) if plain else texts.clip(random)
        samples, _ = speakers[other_voice].speak(text, random)
        if not plain and len(samples):
            samples = degrade(samples, random, generator)
        if 0.3 < len(samples) / SAMPLE_RATE < SECONDS_MAX:
            made += 1
            kind = ("plain" if plain else "hard") + ("-guise" if other_voice else "")
            yield samples, text, kind


def heard(program, model, folder):
    """What the program makes of every recording of a folder, by name."""
    out = os.path.join(folder, "out")
    subprocess.run([program, "transcribe", folder, "-m", model, "-o", out, "--quiet"], check=True)
    found = {}
    for name in os.listdir(out):
        with open(os.path.join(out, name)) as file:
            if name.endswith(".txt"):
                found[name[:-4]] = " ".join(file.read().split())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sentences", required=True)
    parser.add_argument("--mlxi", required=True, help="the program")
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", required=True, help="folder for the recordings")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=4000)
    arguments = parser.parse_args()
    texts = Texts(arguments.sentences, False, 0.4)
    speakers = Speaker(0.4, 0), Speaker(0.5, 0.22)
    done = 0
    if os.path.exists(arguments.out):
        with open(arguments.out) as file:
            done = sum(1 for _ in file) // AT_ONCE
    for part in range(done, arguments.count // AT_ONCE):
        random = randomness.Random(f"pairs {arguments.seed}/{part}")
        generator = np.random.default_rng(random.getrandbits(63))
        shutil.rmtree(arguments.work, ignore_errors=True)
        os.makedirs(arguments.work)
        clips = {}
        for samples, text, kind in spoken(texts, speakers, random, generator, AT_ONCE):
            name = f"{len(clips):04d}"
            clips[name] = text, kind
            whole = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
            wavfile.write(os.path.join(arguments.work, name + ".wav"), SAMPLE_RATE, whole)
        found = heard(arguments.mlxi, arguments.model, arguments.work)
        with open(arguments.out, "a") as file:
            for name, (text, kind) in clips.items():
                pair = {"hypothesis": found.get(name, ""), "reference": without_hesitations(text)}
                file.write(json.dumps(pair | {"kind": kind}) + "\n")
        print(arguments.out, part, flush=True)
    shutil.rmtree(arguments.work, ignore_errors=True)


if __name__ == "__main__":
    main()
