"""Training batches from the shards: mel-domain augmentation, prompts, batches of equal length."""

import glob
import json
import os
import random as randomness

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from tokenizers import Tokenizer

from data import BYTES_PER_UNIT, MEL_BINS
from mel import HOP_SAMPLES, SAMPLE_RATE, filter_bank
from model import CHUNK_FRAMES, LETTERS, audio_tokens

IGNORE = -100
POOL_CLIPS = 3000
CONTEXT_SHARE = 0.08
ENVELOPE_COSINES = 18
STRANGER_UNITS = 24
STRANGER_SHARE = 0.7
DISPLACED_SHARE = 0.3  # of clips whose speaker is one already
NOISY_SHARE = 0.6
ROOM_SHARE = 0.25
TESTS = "test"
RECORDED = ("flite", "festival", "rhvoice", "pico", "kokoro", "joe")


class Prompt:
    """Token ids of the Qwen3-ASR conversation around a clip."""

    def __init__(self, tokenizer_file):
        self.tokenizer = Tokenizer.from_file(tokenizer_file)
        self.pad = self.id("<|audio_pad|>")
        self.end = self.id("<|im_end|>")
        self.asr_text = self.id("<asr_text>")
        count = self.tokenizer.get_vocab_size()
        texts = [self.tokenizer.decode([token]).lower() for token in range(count)]
        self.letters = [sum(c in LETTERS for c in text) for text in texts]
        self.suffix = self.encode("<|audio_end|><|im_end|>\n<|im_start|>assistant\n")

    def id(self, token):
        return self.tokenizer.token_to_id(token)

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def decode(self, tokens):
        return self.tokenizer.decode(tokens, skip_special_tokens=False)

    def question(self, tokens, context=""):
        prefix = f"<|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n<|audio_start|>"
        return self.encode(prefix) + [self.pad] * tokens + self.suffix

    def answer(self, text):
        language = "English" if text else "None"
        return self.encode(f"language {language}<asr_text>{text}") + [self.end]

    def progress(self, answer):
        """For each answer token, the letters spoken up to its middle; -1 in the header."""
        header = answer.index(self.asr_text) + 1
        places, count = [-1.0] * header, 0.0
        for token in answer[header:-1]:
            places.append(count + self.letters[token] / 2)
            count += self.letters[token]
        return places + [count]


class Clips:
    """The clips of all complete shards in a folder; `refresh` takes up new shards."""

    def __init__(self, folder, tests=False):
        self.folder, self.tests = folder, tests
        self.frames, self.clips = {}, []
        self.refresh()

    def refresh(self):
        for path in sorted(glob.glob(os.path.join(self.folder, "*.jsonl"))):
            name = path.removesuffix(".jsonl")
            if name in self.frames or (os.path.basename(name) == TESTS) != self.tests:
                continue
            self.frames[name] = np.load(name + ".npy", mmap_mode="r")
            with open(path) as file:
                self.clips += [json.loads(line) | {"shard": name} for line in file]

    def mel(self, clip):
        """[frames, mel_bins] float32."""
        rows = self.frames[clip["shard"]][clip["first"] : clip["first"] + clip["frames"]]
        return rows.astype(np.float32) / BYTES_PER_UNIT - 2 + clip["top"]


def warp_matrix(source):
    """[mel_bins, mel_bins]: takes bin m of the result from place `source[m]` of the mel axis."""
    source = np.clip(source, 0, MEL_BINS - 1)
    low = np.minimum(source.astype(int), MEL_BINS - 2)
    matrix = np.zeros((MEL_BINS, MEL_BINS), np.float32)
    matrix[low, np.arange(MEL_BINS)] = 1 - (source - low)
    matrix[low + 1, np.arange(MEL_BINS)] = source - low
    return matrix


def slowest_cosines():
    """[cosines, mel_bins], orthonormal: a frame's envelope is what they span."""
    order = np.arange(ENVELOPE_COSINES)[:, None]
    cosines = np.cos(np.pi * order * (2 * np.arange(MEL_BINS) + 1) / (2 * MEL_BINS))
    cosines /= np.sqrt((cosines**2).sum(1, keepdims=True))
    return cosines.astype(np.float32)


def noise_shapes(filters):
    """[mel_bins]: white noise's power behind a filter is gamma distributed; the shapes. Powers of
    neighbouring bins of a Hann window are correlated by 4/9, those of the next by 1/36."""
    distance = np.abs(np.subtract.outer(np.arange(filters.shape[1]), np.arange(filters.shape[1])))
    correlation = np.select([distance == 0, distance == 1, distance == 2], [1, 4 / 9, 1 / 36])
    variance = np.einsum("mi,ij,mj->m", filters, correlation, filters)
    return (filters.sum(1) ** 2 / variance).astype(np.float32)


COSINES = slowest_cosines()
SMOOTH = COSINES.T @ COSINES
FILTERS = filter_bank(MEL_BINS)
BIN_WIDTHS = 1 / FILTERS.max(1)  # of triangles of unit area
BIN_HERTZ = FILTERS @ np.linspace(0, SAMPLE_RATE / 2, FILTERS.shape[1]) / FILTERS.sum(1)
NOISE_SHAPES = noise_shapes(FILTERS)


def other_voice(mel, random):
    """Another speaker: formants moved unevenly, harmonics moved by a factor of their own."""
    bins = np.arange(MEL_BINS, dtype=np.float32)
    knots = [random.gauss(0, 1.6) for _ in range(6)]
    uneven = np.interp(bins, np.linspace(0, MEL_BINS - 1, 6), knots)
    formants = warp_matrix(bins * random.uniform(0.84, 1.19) + uneven)
    harmonics = warp_matrix(bins * random.uniform(0.75, 1.33))
    depth = random.uniform(0.6, 1.1)
    return mel @ (SMOOTH @ formants + depth * (np.eye(MEL_BINS) - SMOOTH) @ harmonics)


def stranger(mel, random, generator):
    """A speaker whose every sound is a little off, each always in the same way: what a random
    network makes of a frame's envelope is added to it, up to 0.7 of what the sounds differ by.

    Scaled resonances, pitch and pace make speakers that articulate alike; this one does not.
    """
    envelope = mel @ COSINES.T
    loudness = mel.mean(1) - mel.min()
    audible = 0.25 * loudness.max() + 1e-3
    speech = loudness >= min(audible, loudness.max())
    mean, deviation = envelope[speech].mean(0), envelope[speech].std(0) + 1e-4
    sounds = np.clip((envelope - mean) / deviation, -3, 3)
    spread = 1.5 / ENVELOPE_COSINES**0.5
    units = np.tanh(
        sounds @ generator.standard_normal((ENVELOPE_COSINES, STRANGER_UNITS)) * spread
        + generator.standard_normal(STRANGER_UNITS)
    )
    offsets = units @ generator.standard_normal((STRANGER_UNITS, ENVELOPE_COSINES))
    offsets -= offsets[speech].mean(0)
    offsets *= random.uniform(0.25, 0.7) * deviation / (offsets[speech].std(0) + 1e-4)
    offsets[:, 0] *= 0.3  # the level
    return mel + np.minimum(loudness / audible, 1)[:, None] * (offsets @ COSINES)


def other_pace(mel, random):
    """Another rhythm: the pace wanders around a tempo of its own."""
    count = max(30, int(len(mel) * random.uniform(0.85, 1.18)))
    knots = [random.uniform(0.75, 1.3) for _ in range(2 + len(mel) // 60)]
    pace = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
    places = np.cumsum(pace)
    places = (places - places[0]) * (len(mel) - 1) / (places[-1] - places[0])
    low = np.minimum(places.astype(int), len(mel) - 2)
    part = (places - low).astype(np.float32)[:, None]
    return mel[low] * (1 - part) + mel[low + 1] * part


def augment(mel, random, generator, stranger_share):
    """Pace, voice, blur, tone control and level, all on the log-mel picture."""
    if random.random() < 0.5:
        mel = other_pace(mel, random)
    if random.random() < 0.5:
        mel = other_voice(mel, random)
    if random.random() < stranger_share:
        mel = stranger(mel, random, generator)
    if random.random() < 0.2:  # as voices averaged from recordings are
        mel = gaussian_filter1d(mel, random.uniform(0.5, 1.6), axis=0)
    if random.random() < 0.6:
        strength = random.uniform(0.05, 0.3)
        knots = [random.gauss(0, strength) for _ in range(7)]
        mel = mel + np.interp(np.arange(MEL_BINS), np.linspace(0, MEL_BINS - 1, 7), knots)
    mel = mel + random.uniform(-0.2, 0.1)
    return np.maximum(mel, mel.max() - 2).astype(np.float32)


def room(mel, random):
    """A room as `data.reverberate` makes it: every frame's power decays over those after it."""
    seconds, gain = random.uniform(0.1, 0.6), random.uniform(0.1, 0.7)
    decay = np.exp(-13.8 * HOP_SAMPLES / SAMPLE_RATE / seconds)
    power = 10 ** (4 * mel)
    power += lfilter([0, gain**2 * (1 - decay)], [1, -decay], power, axis=0)
    return (np.log10(power) / 4).astype(np.float32)


def noisy(mel, random, generator):
    """Noise of a random colour, 4 to 26 dB below the clip, as `data.degrade` adds it to samples:
    the powers add up, and twice the product of the amplitudes in a phase nobody knows, which the
    bins that a filter averages over mostly cancel."""
    colour = np.maximum(BIN_HERTZ, 30) ** -random.uniform(0, 2.2)
    colour /= (colour * BIN_WIDTHS).sum()
    power = 10 ** (4 * mel)
    level = (power @ BIN_WIDTHS).mean() * 10 ** (-random.uniform(0.4, 2.6))
    added = level * colour * generator.standard_gamma(NOISE_SHAPES, mel.shape) / NOISE_SHAPES
    phase = generator.standard_normal(mel.shape, np.float32) * (0.5 / NOISE_SHAPES) ** 0.5
    crossed = 2 * np.clip(phase, -0.95, 0.95) * np.sqrt(power * added)
    return (np.log10(power + added + crossed) / 4).astype(np.float32)


def mask(mel, random):
    """SpecAugment: bands and moments replaced by the clip's floor."""
    floor = mel.min()
    for _ in range(2):
        width = random.randrange(0, 15)
        low = random.randrange(MEL_BINS - width)
        mel[:, low : low + width] = floor
    for _ in range(random.randrange(0, 2 + len(mel) // 300)):
        width = min(random.randrange(0, 32), len(mel) // 4)
        low = random.randrange(len(mel) - width)
        mel[low : low + width] = floor
    return mel


def chunked(mels):
    """[chunks, mel_bins, 100]: the clips cut into chunks, the last of each padded with zeros."""
    pieces = []
    for mel in mels:
        padded = np.pad(mel, ((0, -len(mel) % CHUNK_FRAMES), (0, 0)))
        pieces.append(padded.reshape(-1, CHUNK_FRAMES, MEL_BINS))
    return torch.from_numpy(np.concatenate(pieces).transpose(0, 2, 1).astype(np.float32))


def context_words(clip, others, random):
    """A context block: some words of the clip or of another one, as a user would list them."""
    source = clip["text"] if random.random() < 0.5 else random.choice(others)["text"]
    words = [word.strip(",.?!") for word in source.split() if len(word) > 4]
    return ", ".join(random.sample(words, min(len(words), random.randrange(1, 5))))


def spelled(text):
    """The text as the CTC head spells it: small letters, apostrophes, single spaces."""
    return " ".join("".join(c if c in LETTERS else " " for c in text.lower()).split())


def batch(mels, texts, contexts, prompt):
    """Tensors of one batch; labels are IGNORE outside the answers."""
    rows, labels, letters, spoken = [], [], [], []
    for mel, text, context in zip(mels, texts, contexts):
        question = prompt.question(audio_tokens(len(mel)), context)
        answer = prompt.answer(text)
        rows.append(question + answer[:-1])
        labels.append([IGNORE] * (len(question) - 1) + answer)
        spoken.append([-1.0] * (len(question) - 1) + prompt.progress(answer))
        letters.append([LETTERS.index(c) for c in spelled(text)])
    length = max(map(len, rows))
    pad = prompt.end
    return {
        "chunks": chunked(mels).bfloat16(),
        "frames": [len(mel) for mel in mels],
        "tokens": torch.tensor([row + [pad] * (length - len(row)) for row in rows]),
        "labels": torch.tensor([row + [IGNORE] * (length - len(row)) for row in labels]),
        "letters": letters,
        "spoken": torch.tensor([row + [-1.0] * (length - len(row)) for row in spoken]),
    }


class Batches(torch.utils.data.IterableDataset):
    """An endless stream of batches of about `seconds` of audio, new shards taken up as it goes."""

    def __init__(
        self, folder, tokenizer_file, seconds, longest_seconds, augmented, seed, flite_weight=1,
        favoured=(), favour=1,
    ):  # fmt: skip
        self.flite_weight, self.favoured, self.favour = flite_weight, favoured, favour
        self.folder, self.tokenizer_file = folder, tokenizer_file
        self.seconds, self.longest_seconds = seconds, longest_seconds
        self.augmented, self.seed = augmented, seed

    def __iter__(self):
        random = randomness.Random(self.seed)
        generator = np.random.default_rng(random.getrandbits(63))
        clips, prompt = Clips(self.folder), Prompt(self.tokenizer_file)
        order, taken = [], 0
        while True:
            clips.refresh()
            order += [c for clip in clips.clips[taken:] for c in self.copies(clip, random)]
            taken = len(clips.clips)
            if len(order) < POOL_CLIPS:
                order = [c for clip in clips.clips for c in self.copies(clip, random)]
            random.shuffle(order)
            pool, order = order[:POOL_CLIPS], order[POOL_CLIPS:]
            groups = self.groups(pool, random)
            random.shuffle(groups)
            for group in groups:
                mels = [clips.mel(clip) for clip in group]
                for index, mel in enumerate(mels):
                    voice = group[index]["voice"]
                    recorded = voice.startswith(RECORDED)
                    if random.random() < self.augmented * (1.5 if recorded else 1):
                        strangers = DISPLACED_SHARE if "displaced" in voice else STRANGER_SHARE
                        mel = augment(mel, random, generator, strangers)
                    if random.random() < ROOM_SHARE * self.augmented:
                        mel = room(mel, random)
                    if random.random() < NOISY_SHARE * self.augmented:
                        mel = noisy(mel, random, generator)
                    mel = np.maximum(mel, mel.max() - 2)
                    mels[index] = mask(mel, random) if random.random() < self.augmented else mel
                contexts = [
                    context_words(clip, pool, random) if random.random() < CONTEXT_SHARE else ""
                    for clip in group
                ]
                yield batch(mels, [clip["text"] for clip in group], contexts, prompt)

    def copies(self, clip, random):
        """The clip as often as it counts in one pass; nothing where it is too long."""
        if clip["frames"] > 100 * self.longest_seconds:
            return []
        favoured = self.favoured and os.path.basename(clip["shard"]).startswith(self.favoured)
        recorded = clip["voice"].startswith(RECORDED)
        count = (self.favour if favoured else 1) * (self.flite_weight if recorded else 1)
        return [clip] * (int(count) + (random.random() < count % 1))

    def groups(self, pool, random):
        """Clips of similar length together, each group within the budget of seconds."""
        pool = sorted(pool, key=lambda clip: clip["frames"] * random.uniform(0.95, 1.05))
        groups, group = [], []
        for clip in pool:
            if group and (len(group) + 1) * clip["frames"] > self.seconds * 100:
                groups.append(group)
                group = []
            group.append(clip)
        return groups + [group] if group else groups
