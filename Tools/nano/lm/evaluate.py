"""Held-out measures of the proofreading task.

    python evaluate.py --corpus CORPUS.txt --work DIR [--count 300] [--show 10] [--text FILE]
    python evaluate.py --work DIR --questions tests/questions.jsonl

DIR holds `checkpoint.pt`, or is a folder that export.py wrote. Greedy decoding in f32 of corrupted
held-out paragraphs. Words are aligned with those of the reference; punctuation is a property of the
word before it.
"""

import argparse
import difflib
import json
import random
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import grammar
from corrupt import ALTERNATIVES, FILLERS, corrupt
from data import PREFIXES, load_corpus
from fidelity import Fidelity
from model import Qwen3, Shape
from prompts import USER_TURN, proofread_user

END, COMMA = ".?!", ","
EXTRA_TOKENS = 40


def core(word):
    return word.strip(".,;:?!").lower()


@torch.no_grad()
def generate(model, tokenizer, past, user, fidelity=None):
    """Greedy answer to one user message after the cached prefix `past`."""
    end = tokenizer.token_to_id("<|im_end|>")
    ids = tokenizer.encode(USER_TURN.format(user)).ids
    out = []
    most = len(ids) + EXTRA_TOKENS
    feed = torch.tensor([ids])
    while len(out) < most:
        hidden, past = model(feed, past)
        logits = model.head(hidden[0, -1])
        token = fidelity.bias(logits) if fidelity else int(logits.argmax())
        if token == end:
            break
        out.append(token)
        if fidelity:
            fidelity.append(fidelity.text(token))
        feed = torch.tensor([[token]])
    return tokenizer.decode(out)


def align(left, right):
    """Pairs (i, j) of equal words of two word lists, in order."""
    matcher = difflib.SequenceMatcher(None, [core(w) for w in left], [core(w) for w in right], False)
    return [(a + k, b + k) for a, b, size in matcher.get_matching_blocks() for k in range(size)]


class Counts:
    """Accumulates the measures over paragraphs (heard, right, output: strings)."""

    def __init__(self):
        self.n = dict.fromkeys(
            "end_hit end_made end_right comma_hit comma_made comma_right case_hit case_all filler "
            "filler_left homophone homophone_fixed correct correct_changed exact paragraphs clean "
            "clean_exact heard_exact".split(), 0)

    def add(self, heard, right, output):
        n = self.n
        heard_words, right_words, out_words = heard.split(), right.split(), output.split()
        n["paragraphs"] += 1
        n["exact"] += output == right
        n["heard_exact"] += heard == right
        if heard == right:
            n["clean"] += 1
            n["clean_exact"] += output == right
        for marks, name in ((END, "end"), (COMMA, "comma")):
            n[name + "_right"] += sum(w[-1] in marks for w in right_words)
            n[name + "_made"] += sum(w[-1] in marks for w in out_words)
        matched = {}
        for i, j in align(right_words, out_words):
            a, b = right_words[i], out_words[j]
            matched[i] = j
            n["end_hit"] += a[-1] in END and b[-1] in END
            n["comma_hit"] += a[-1] == COMMA and b[-1] == COMMA
            n["case_all"] += 1
            n["case_hit"] += a.strip(".,;:?!") == b.strip(".,;:?!")
        n["filler"] += sum(core(w) in FILLERS for w in heard_words)
        n["filler_left"] += sum(core(w) in FILLERS for w in out_words)
        same = {j for _, j in align(heard_words, right_words)}
        n["correct"] += len(same)
        n["correct_changed"] += sum(j not in matched for j in same)
        for j, word in enumerate(right_words):
            spoiled = set(ALTERNATIVES.get(core(word), ())) & set(map(core, heard_words))
            if j not in same and spoiled:
                n["homophone"] += 1
                n["homophone_fixed"] += j in matched

    def summary(self):
        n = self.n

        def f1(name):
            return round(2 * n[name + "_hit"] / max(1, n[name + "_made"] + n[name + "_right"]), 4)

        def share(a, b):
            return round(n[a] / max(1, n[b]), 4)

        return {"end_f1": f1("end"), "comma_f1": f1("comma"), "casing": share("case_hit", "case_all"),
                "fillers_removed": round(1 - n["filler_left"] / max(1, n["filler"]), 4),
                "homophones_fixed": share("homophone_fixed", "homophone"),
                "correct_changed": share("correct_changed", "correct"),
                "exact": share("exact", "paragraphs"), "clean_exact": share("clean_exact", "clean"),
                "heard_exact": share("heard_exact", "paragraphs"),
                "paragraphs": n["paragraphs"], "fillers": n["filler"], "homophones": n["homophone"]}


def held_out_pairs(held_out, count, seed=99):
    """(heard, right) pairs: two thirds documentation never trained on, one third grammar."""
    rng = random.Random(seed)
    pairs = []
    for i in range(count):
        if i % 3 == 2:
            sentences = grammar.paragraph(rng, 4)
        else:
            sentences = rng.choice(held_out) + (rng.choice(held_out) if i % 2 else [])
        right = " ".join(sentences[:5])
        pairs.append((corrupt(right, rng), right))
    return pairs


def prefix_cache(model, tokenizer, kind="proofread"):
    """Keys and values of the constant beginning of a prompt; None when there is none."""
    ids = tokenizer.encode(PREFIXES[kind]).ids
    with torch.no_grad():
        return model(torch.tensor([ids]))[1] if ids else None


def text_pairs(path, copies=4, seed=98):
    """(heard, right) pairs of a file with one paragraph a line, each damaged `copies` times."""
    rng = random.Random(seed)
    lines = Path(path).read_text().splitlines() * copies
    return [(corrupt(line, rng), line) for line in lines if line]


def held_out_metrics(model, tokenizer, pairs, show=None, margins=(0, 0, 0, 0)):
    """Corrects every (heard, right) pair; `show(heard, output, right)` sees each.

    Returns the measures over all pairs, and over those whose transcript has capitals ("cased",
    what a recogniser writes) and has none ("bare") by themselves."""
    counts = {"all": Counts(), "cased": Counts(), "bare": Counts()}
    past = prefix_cache(model, tokenizer)
    for heard, right in pairs:
        fidelity = Fidelity(heard, tokenizer, *margins) if any(margins) else None
        output = generate(model, tokenizer, past, proofread_user(heard), fidelity)
        for group in ("all", "bare" if heard == heard.lower() else "cased"):
            counts[group].add(heard, right, output)
        if show:
            show(heard, output, right)
    return {group: c.summary() for group, c in counts.items()}


def answered(model, tokenizer, path):
    """Asks every question of the file; prints the answers, returns how many contain what is
    wanted, and of how many."""
    past = prefix_cache(model, tokenizer, "assistant")
    items = [json.loads(line) for line in Path(path).read_text().splitlines()]
    right = 0
    for item in items:
        answer = generate(model, tokenizer, past, item["question"])
        right += item["contains"] in answer
        print(f"{'right' if item['contains'] in answer else 'WRONG'}  {item['question']}\n       {answer}")
    return right, len(items)


def exported(folder):
    """Shape and weights of a folder that export.py wrote, back from 8 bits."""
    config = json.loads((folder / "config.json").read_text())
    kept = {k: v for k, v in config.items() if k in Shape.__dataclass_fields__}
    stored = load_file(folder / "model.safetensors")
    bits, group = config["quantization"]["bits"], config["quantization"]["group_size"]
    assert bits == 8, "written with --bits 8"
    weights = {}
    for name, value in stored.items():
        if name.endswith((".scales", ".biases")):
            continue
        stem = name.removesuffix(".weight")
        if stem + ".scales" in stored:
            bytes_ = value.view(torch.uint8).float().unflatten(1, (-1, group))
            scales, biases = (stored[f"{stem}.{part}"].float()[..., None]
                              for part in ("scales", "biases"))
            value = (bytes_ * scales + biases).flatten(1)
        weights[name.removeprefix("model.")] = value.float()
    return {"shape": kept, "model": weights}


def load_model(work):
    checkpoint = Path(work) / "checkpoint.pt"
    state = torch.load(checkpoint, map_location="cpu") if checkpoint.exists() else exported(Path(work))
    model = Qwen3(Shape(**state["shape"]))
    model.load_state_dict(state.get("average", state["model"]))
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus")
    parser.add_argument("--work", required=True)
    parser.add_argument("--questions", help="questions about mlxi to ask instead")
    parser.add_argument("--text", help="paragraphs to use instead of the held-out ones")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("--margins", type=float, nargs=4, default=(0, 0, 0, 0),
                        metavar=("ALIKE", "FREQUENT", "OTHER", "MARK"),
                        help="nats by which another word or mark must be likelier than the transcript's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(Path(options.work) / "tokenizer.json"))
    if options.questions:
        right, count = answered(load_model(options.work), tokenizer, options.questions)
        print(f"{right} of {count} answers right")
        return
    shown = []

    def show(heard, output, right):
        if len(shown) < options.show:
            shown.append(heard)
            print(f"heard  {heard}\noutput {output}\nright  {right}\n")

    if options.text:
        pairs = text_pairs(options.text)
    else:
        pairs = held_out_pairs(load_corpus(options.corpus)[1], options.count)
    for group, measures in held_out_metrics(load_model(options.work), tokenizer, pairs,
                                            show, options.margins).items():
        print(group, json.dumps(measures))


if __name__ == "__main__":
    main()
