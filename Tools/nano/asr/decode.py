"""Greedy transcription of a batch with the training model, and word error rates."""

import re

import torch

from loader import chunked
from model import audio_tokens

TOKENS_MAX = 160
ASR_TEXT = "<asr_text>"


class Cache:
    """Keys and values of a right-padded batch: row i continues at its own length."""

    def __init__(self, lengths, capacity):
        self.lengths, self.capacity = lengths.clone(), capacity
        self.keys, self.values = {}, {}

    def extend(self, layer, k, v, causal):
        if layer not in self.keys:
            shape = (*k.shape[:2], self.capacity, k.shape[3])
            self.keys[layer], self.values[layer] = k.new_zeros(shape), v.new_zeros(shape)
            self.keys[layer][:, :, : k.shape[2]] = k
            self.values[layer][:, :, : v.shape[2]] = v
            return k, v, causal
        rows = torch.arange(len(self.lengths))
        self.keys[layer][rows, :, self.lengths] = k[:, :, 0]
        self.values[layer][rows, :, self.lengths] = v[:, :, 0]
        mask = torch.arange(self.capacity) <= self.lengths[:, None]
        return self.keys[layer], self.values[layer], mask[:, None, None]


@torch.no_grad()
def transcribe(model, mels, prompt):
    """Raw answers ("language English<asr_text>...") of clips of similar length."""
    questions = [prompt.question(audio_tokens(len(mel))) for mel in mels]
    lengths = torch.tensor([len(question) for question in questions])
    longest = int(lengths.max())
    tokens = torch.tensor([q + [prompt.end] * (longest - len(q)) for q in questions])
    chunks = chunked(mels).to(model.model.embed_tokens.weight)  # its device and type
    _, audio = model.audio_tower(chunks, [len(mel) for mel in mels])
    cache = Cache(lengths, longest + TOKENS_MAX)
    x = model.embed(tokens, audio, prompt.pad)
    states = model.model(x, torch.arange(longest)[None], cache)
    state = states[torch.arange(len(mels)), lengths - 1]
    answers, alive = [[] for _ in mels], torch.ones(len(mels), dtype=torch.bool)
    for _ in range(TOKENS_MAX):
        token = model.logits(state).argmax(-1)
        alive &= token != prompt.end
        if not alive.any():
            break
        for row in alive.nonzero()[:, 0].tolist():
            answers[row].append(int(token[row]))
        x = model.model.embed_tokens(token)[:, None]
        state = model.model(x, cache.lengths[:, None], cache)[:, 0]
        cache.lengths += 1
    return [prompt.decode(answer) for answer in answers]


def transcripts(model, mels, prompt, rows=16):
    """Texts (the part after <asr_text>) of any number of clips, in order."""
    order = sorted(range(len(mels)), key=lambda index: len(mels[index]))
    texts = [""] * len(mels)
    for start in range(0, len(order), rows):
        group = order[start : start + rows]
        for index, raw in zip(group, transcribe(model, [mels[i] for i in group], prompt)):
            texts[index] = raw.split(ASR_TEXT, 1)[-1].strip()
    return texts


def words(text):
    """Words for the error rate: lower case, no punctuation, hyphens as spaces."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("-", " "))


def word_errors(reference, hypothesis):
    """(edits, words in the reference), Levenshtein distance over words."""
    reference, hypothesis = words(reference), words(hypothesis)
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, found in enumerate(hypothesis, 1):
            change = previous + (expected != found)
            previous, row[j] = row[j], min(change, row[j] + 1, row[j - 1] + 1)
    return row[-1], len(reference)


def word_error_rate(references, hypotheses):
    pairs = [word_errors(r, h) for r, h in zip(references, hypotheses)]
    return sum(edits for edits, _ in pairs) / max(1, sum(count for _, count in pairs))
