"""Log probabilities of a text by mlx-lm in float32: Tests/Fixtures/perplexity.json.

usage: python Tools/golden/make_perplexity.py
"""

import mlx.core as mx
import mlx.nn as nn
from tokenizers import Tokenizer

from checkpoint import FIXTURES
from files import write_json
from make_qwen3 import mlx_logits

MODEL = "qwen3-q4"
TEXT = ("The quick brown fox jumps over the lazy dog. Perplexity is the exponential of the mean "
        "negative log-likelihood: 42 tokens, \u5605, and a caf\u00e9.\n")
WINDOW, STRIDE = 24, 10


def logprobs(ids: list[int]) -> list[float]:
    """ln p of every token but the first."""
    table = nn.log_softmax(mx.array(mlx_logits(FIXTURES / MODEL, ids)[:-1].astype("float32")))
    return [float(row[token]) for row, token in zip(table, ids[1:])]


def windowed(ids: list[int]) -> float:
    """Mean -ln p over windows; a token counts in the first window that predicts it."""
    scored, start = [], 0
    while len(scored) + 1 < len(ids):
        part = logprobs(ids[start:start + WINDOW])
        scored += part[len(scored) - start:]
        start += STRIDE
    return -sum(scored) / len(scored)


def main():
    tokenizer = Tokenizer.from_file(str(FIXTURES / MODEL / "tokenizer.json"))
    ids = tokenizer.encode(TEXT).ids
    write_json(FIXTURES / "perplexity.json", dict(
        model=MODEL, text=TEXT, ids=ids, logprobs=[round(p, 6) for p in logprobs(ids)],
        windowed=round(windowed(ids), 6), window=WINDOW, stride=STRIDE))


if __name__ == "__main__":
    main()
