"""mlxi against sentence-transformers on the real all-MiniLM-L6-v2: vectors, order, speed.

usage: python Tools/embed/check_minilm.py MLXI MODEL_FOLDER TEXTS     (prints one JSON object)

Needs sentence-transformers. TEXTS is any file of prose; 200 sentences of it are compared. Speed is
measured in turns over 2,000 texts, the process start of mlxi included, with as many threads.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
from sentence_transformers import SentenceTransformer

# Each triple: a sentence, one that means nearly the same, one that does not.
TRIPLES = [
    ("A man is playing a guitar.", "Someone plays an instrument.", "A man is eating pasta."),
    ("The train was late again.", "Again the train did not arrive on time.", "The rain was heavy."),
    ("How do I reset my password?", "I forgot my login and need a new one.", "How do I bake bread?"),
    ("The cat sleeps on the sofa.", "A kitten is lying on the couch.", "The dog chases a ball."),
    ("Prices rose by three percent.", "Inflation reached three per cent.", "He rose at three."),
    ("She is a surgeon.", "She operates on patients.", "She sings in a choir."),
    ("The bank raised its interest rates.", "Borrowing money became more expensive.",
     "We sat on the bank of the river."),
    ("It was freezing outside.", "The temperature was below zero.", "The soup was too hot."),
    ("He missed the penalty.", "He failed to score from the spot.", "He paid the fine."),
    ("The file could not be opened.", "Reading the document failed.", "The shop opens at nine."),
]
ROUNDS = 5


def sentences(path: str, count: int) -> list[str]:
    text = re.sub(r"\s+", " ", open(path, encoding="utf-8").read())
    found = [s for s in re.split(r"(?<=[.!?]) ", text) if 20 < len(s) < 400]
    return (found * (count // max(len(found), 1) + 1))[:count]


def mlxi(binary: str, folder: str, texts: list[str], *options: str) -> np.ndarray:
    source = "".join(json.dumps({"text": t}) + "\n" for t in texts).encode()
    run = subprocess.run([binary, "embed", "-m", folder, "--jsonl", "--truncate", "-f", "f32", "--quiet", *options],
                         input=source, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(run.stdout, "<f4").reshape(len(texts), -1)


def main():
    binary, folder, source = sys.argv[1:4]
    threads = len(os.sched_getaffinity(0))
    reference = SentenceTransformer(folder, device="cpu")
    texts = sentences(source, 200)
    wanted = reference.encode(texts, normalize_embeddings=True)
    report = {"texts": len(texts)}
    for name, options in (("fast", ()), ("precise", ("--precise",))):
        cosines = (mlxi(binary, folder, texts, *options) * wanted).sum(1)
        report[f"cosine_min_{name}"] = round(float(cosines.min()), 7)
    flat = mlxi(binary, folder, [s for triple in TRIPLES for s in triple]).reshape(len(TRIPLES), 3, -1)
    near, far = (flat[:, 0] * flat[:, 1]).sum(1), (flat[:, 0] * flat[:, 2]).sum(1)
    report["triples_in_order"] = f"{int((near > far).sum())} of {len(TRIPLES)}"

    many = sentences(source, 2000)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        mlxi(binary, folder, many)
        ours.append(len(many) / (time.perf_counter() - start))
        start = time.perf_counter()
        reference.encode(many, batch_size=64, normalize_embeddings=True)
        theirs.append(len(many) / (time.perf_counter() - start))
    ratios = [a / b for a, b in zip(ours, theirs)]
    report |= {
        "threads": threads, "characters_mean": round(statistics.mean(map(len, many)), 1),
        "mlxi_texts_per_second": round(statistics.median(ours), 1),
        "sentence_transformers_texts_per_second": round(statistics.median(theirs), 1),
        "ratio": round(statistics.median(ratios), 2), "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)]}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
