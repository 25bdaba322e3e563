"""Trains nano-lm; restartable, seeded, scheduled by the clock.

    python train.py --corpus CORPUS.txt --work DIR --minutes 90 [--asr-pairs PAIRS.jsonl]

The schedule runs over `--minutes` of training time summed over restarts: a short warm-up, a
constant rate, and a linear fall in the last part. The network starts with a copying circuit
(copying.py). Matrices are updated by orthogonalised momentum (Muon), the rest by AdamW. A GPU is
used where there is one: it is the default device, on which tensors are made.
"""

import argparse
import copy
import json
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from context import OLD_HIDDEN, grown
from copying import plant_copying
from data import (PREFIXES, Examples, Weights, batches, folded, load_corpus, load_prose, load_qa,
                  misled)
from evaluate import held_out_metrics, held_out_pairs
from model import Qwen3, Shape

MUON_RATE, NORM_RATE, EMBEDDING_RATE = 0.0012, 8e-4, 1.6e-4
MOMENTUM = 0.95
WARMUP_STEPS = 40
DECAY_FROM = 0.25
FINAL_RATE = 0.02
SAVE_SECONDS = 120
# Not the seed of the paragraphs that evaluate.py measures with.
EVALUATE_PARAGRAPHS, EVALUATE_SEED = 32, 41
POOL = 192
AVERAGED_STEPS = 150


def orthogonalise(stack):
    """Newton-Schulz iteration on matrices [N, rows, columns], rows <= columns (quintic, 5 steps)."""
    x = stack.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    return x.float()


class Muon:
    """Momentum SGD whose update is orthogonalised; matrices of one shape go together."""

    def __init__(self, parameters):
        self.groups = {}
        for p in parameters:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.momentum = {s: torch.zeros(len(ps), *s) for s, ps in self.groups.items()}

    @torch.no_grad()
    def step(self, rate):
        for shape, parameters in self.groups.items():
            gradient = torch.stack([p.grad for p in parameters])
            momentum = self.momentum[shape]
            momentum.lerp_(gradient, 1 - MOMENTUM)
            update = gradient.lerp(momentum, MOMENTUM)
            tall = shape[0] > shape[1]
            update = orthogonalise(update.mT if tall else update)
            update = (update.mT if tall else update) * max(1, shape[0] / shape[1]) ** 0.5
            for p, u in zip(parameters, update):
                p.add_(u, alpha=-rate)


def collate(batch, pad, weigh, rng):
    """Returns ids [B, T], the flat positions whose next token counts, those next tokens, and what
    each of them weighs."""
    width = max(len(e[1]) for e in batch)
    rows, positions, targets, weights = [], [], [], []
    for row, (_, tokens, start) in enumerate(batch):
        rows.append(misled(tokens, start, rng) + [pad] * (width - len(tokens)))
        positions += range(row * width + start - 1, row * width + len(tokens) - 1)
        targets += tokens[start:]
        weights += weigh(tokens, start)
    return torch.tensor(rows), torch.tensor(positions), torch.tensor(targets), torch.tensor(weights)


def loss_of(model, prefixes, batch, pad, weigh, rng):
    """The weighted loss to descend, the plain one to report, and the number of tokens."""
    ids, positions, targets, weights = collate(batch, pad, weigh, rng)
    prefix = prefixes[batch[0][0]]
    with torch.autocast(ids.device.type, torch.bfloat16):
        past = model(prefix)[1] if prefix.shape[1] else None
        hidden, _ = model(ids, past)
        logits = model.head(hidden.reshape(-1, hidden.shape[-1])[positions])
    each = F.cross_entropy(logits.float(), targets, reduction="none")
    return (each * weights).sum() / weights.sum(), each.mean().item(), len(targets)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--work", required=True, help="tokenizer.json, checkpoint and log live here")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--cycle-from", type=float, default=0, help="minute the rate starts anew")
    parser.add_argument("--rate", type=float, default=1, help="times the full learning rate")
    parser.add_argument("--asr-pairs", nargs="*", default=[])
    parser.add_argument("--prose", help="sentences of asr/prose.py, to be left as they are")
    parser.add_argument("--evaluate-minutes", type=float, default=20, help="0: never")
    parser.add_argument("--tokens", type=int, default=1536, help="tokens in a batch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def network(options, tokenizer, state):
    """The network of a checkpoint, or a new one with the copying circuit; grown if it is small."""
    if state:
        model = Qwen3(Shape(**state["shape"]))
        model.load_state_dict(state["model"])
    else:
        model = Qwen3(Shape(vocab_size=tokenizer.get_vocab_size()), options.seed)
        pieces = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
        plant_copying(model, pieces, options.seed)
    if model.shape.hidden_size > OLD_HIDDEN:
        return model
    return grown(model, folded(tokenizer), Qwen3, options.seed)


class Run:
    """The state that a checkpoint holds."""

    def __init__(self, options, tokenizer):
        self.options = options
        self.work = Path(options.work)
        path = self.work / "checkpoint.pt"
        state = torch.load(path, map_location=options.device) if path.exists() else None
        with torch.device("cpu"):
            model = network(options, tokenizer, state)
        self.model = model.to(options.device)
        matrices = [p for n, p in self.model.named_parameters() if p.dim() == 2 and "embed" not in n]
        self.muon = Muon(matrices)
        norms = [p for p in self.model.parameters() if p.dim() == 1]
        self.adam = torch.optim.AdamW(
            [{"params": norms, "full": NORM_RATE},
             {"params": [self.model.embed_tokens.weight], "full": EMBEDDING_RATE}],
            betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.step, self.seconds = 0, 0.0
        if state:
            self.step, self.seconds = state["step"], state["seconds"]
            if state["shape"] == self.model.shape.as_dict():
                self.adam.load_state_dict(state["adam"])
                self.muon.momentum = state["muon"]
        self.average = copy.deepcopy(self.model)
        if state and "average" in state:
            self.average.load_state_dict(state["average"])
        self.first_step = self.step

    def save(self):
        state = {"model": self.model.state_dict(), "average": self.average.state_dict(),
                 "adam": self.adam.state_dict(), "muon": self.muon.momentum, "shape": self.model.shape.as_dict(),
                 "step": self.step, "seconds": self.seconds}
        torch.save(state, self.work / "checkpoint.part")
        os.replace(self.work / "checkpoint.part", self.work / "checkpoint.pt")

    def rate(self):
        """Share of the full learning rate at this moment."""
        start = self.options.cycle_from
        done = min(1.0, (self.seconds / 60 - start) / (self.options.minutes - start))
        fall = min(1.0, (1 - done) / (1 - DECAY_FROM))
        warmth = min(1.0, (self.step + 1 - self.first_step) / WARMUP_STEPS) if done < 0.02 else 1
        return self.options.rate * warmth * max(FINAL_RATE, fall)

    def update(self, loss):
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        rate = self.rate()
        self.muon.step(MUON_RATE * rate)
        for group in self.adam.param_groups:
            group["lr"] = group["full"] * rate
        self.adam.step()
        self.model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for mean, p in zip(self.average.parameters(), self.model.parameters()):
                mean.lerp_(p, 1 / AVERAGED_STEPS)

    def log(self, line):
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        with open(self.work / "lm.log", "a") as out:
            out.write(f"{stamp} step {self.step} {self.seconds / 60:.1f} min {line}\n")


def load_pairs(paths):
    """What a recogniser heard and what was said, of all files; they may grow during the run."""
    return [json.loads(line) for path in paths
            for line in Path(path).read_text().split("\n")[:-1]]


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    here = Path(__file__).parent
    tokenizer = Tokenizer.from_file(str(Path(options.work) / "tokenizer.json"))
    corpus, held_out = load_corpus(options.corpus)
    run = Run(options, tokenizer)
    examples = Examples(tokenizer, corpus, load_qa(here / "qa.jsonl"), load_pairs(options.asr_pairs),
                        seed=options.seed * 1_000_003 + run.step,
                        prose=load_prose(options.prose) if options.prose else ())
    prefixes = {k: torch.tensor([tokenizer.encode(t).ids], dtype=torch.long).view(1, -1)
                for k, t in PREFIXES.items()}
    pad = tokenizer.token_to_id("<|endoftext|>")
    weigh = Weights(tokenizer)
    means, tokens_seen = {}, 0
    saved = evaluated = reported = last = time.monotonic()

    for batch in batches(examples, options.tokens, POOL):
        loss, value, answer_tokens = loss_of(run.model, prefixes, batch, pad, weigh, examples.rng)
        run.update(loss)
        kind = batch[0][0]
        means[kind] = means.get(kind, value) + 0.04 * (value - means.get(kind, value))
        tokens_seen += answer_tokens
        run.step += 1
        now = time.monotonic()
        run.seconds += now - last
        last = now
        if now - reported > 30:
            losses = " ".join(f"{k} {v:.4f}" for k, v in means.items())
            run.log(f"loss {losses} answer tokens/s {tokens_seen / (now - reported):.0f}"
                    f" rate {run.rate():.3f}")
            reported, tokens_seen = now, 0
        finished = run.seconds > 60 * options.minutes
        if finished or now - saved > SAVE_SECONDS:
            run.save()
            examples.asr_pairs = load_pairs(options.asr_pairs)
            saved = last = time.monotonic()
        if options.evaluate_minutes and (
                finished or now - evaluated > 60 * options.evaluate_minutes):
            pairs = held_out_pairs(held_out, EVALUATE_PARAGRAPHS, EVALUATE_SEED)
            run.log("held out: " + json.dumps(held_out_metrics(run.average, tokenizer, pairs)))
            evaluated = last = time.monotonic()
        if finished:
            break


if __name__ == "__main__":
    main()
