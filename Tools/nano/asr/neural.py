"""Neural synthesizers: Kokoro-82M (Apache 2.0) and Piper's joe (CC0) through onnxruntime; 16 kHz.

Their voices are learned from recorded speech and far more natural than all others here, but cost a
hundred times as much, so data.py makes several speakers of each clip.
The folder has `kokoro.onnx`, `voices/*.bin` (style vectors [510, 1, 256]) and `joe.onnx` with its
`joe.onnx.json`; where they come from is told in the README.
"""

import ctypes
import json
import os
import re

import numpy as np
import onnxruntime
from hibari import Hibari
from hibari.g2p import G2P

from rates import to_sample_rate

KOKORO_RATE = 24_000
TOKENS_MAX = 510
ENGLISH = re.compile("[ab][fm]_")
ENGLISH_SHARE = 0.75
MIXED_SHARE = 0.5
JOE_SHARE = 0.15
UNSEEN = "am_michael", "bf_emma"
_IPA, _CHARS_UTF8 = 2, 1


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options)


class Kokoro:
    """One network, 54 speakers as style vectors, and every mixture of two."""

    def __init__(self, folder):
        self.session = session(os.path.join(folder, "kokoro.onnx"))
        voices = os.path.join(folder, "voices")
        self.styles = {
            os.path.splitext(name)[0]: np.fromfile(os.path.join(voices, name), np.float32)
            for name in sorted(os.listdir(voices))
        }
        seen = [name for name in self.styles if name not in UNSEEN]
        self.english = [name for name in seen if ENGLISH.match(name)]
        self.others = [name for name in seen if not ENGLISH.match(name)]
        self.american, self.british = Hibari(), Hibari(g2p=G2P(british=True))

    def drawn(self, random):
        """(voices, shares, whether they read British English)."""
        names = [self.one(random)]
        if random.random() < MIXED_SHARE:
            names.append(self.one(random))
        share = random.uniform(0.3, 0.7) if len(names) > 1 else 1.0
        return names, (share, 1 - share), names[0].startswith("b")

    def one(self, random):
        return random.choice(self.english if random.random() < ENGLISH_SHARE else self.others)

    def speak(self, text, voice, speed):
        """Nothing where the text is too long for the network."""
        names, shares, british = voice
        reader = self.british if british else self.american
        tokens = reader.ids(" ".join(reader.phonemize(text)))
        if len(tokens) > TOKENS_MAX:
            return np.zeros(0, np.float32)
        styles = [self.styles[name].reshape(-1, 1, 256)[len(tokens) - 2] for name in names]
        style = sum(share * one for share, one in zip(shares, styles))
        feed = {"tokens": np.array([tokens]), "style": style, "speed": np.float32([speed])}
        return to_sample_rate(self.session.run(None, feed)[0].reshape(-1), KOKORO_RATE)


class Joe:
    """Piper's American voice joe; it reads what espeak-ng makes of the text."""

    NOISE, DURATION_NOISE = (0.4, 0.8), (0.5, 1.0)

    def __init__(self, folder, espeak):
        self.session, self.espeak = session(os.path.join(folder, "joe.onnx")), espeak
        with open(os.path.join(folder, "joe.onnx.json")) as file:
            config = json.load(file)
        self.rate, self.tokens = config["audio"]["sample_rate"], config["phoneme_id_map"]

    def phonemes(self, text):
        self.espeak.voice("gmw/en-US", "")
        function = self.espeak.library.espeak_TextToPhonemes
        function.restype = ctypes.c_char_p
        rest, clauses = ctypes.c_char_p(text.encode()), []
        marks = re.findall(r"[.,?!]", text)
        while rest.value:
            clauses.append(function(ctypes.byref(rest), _CHARS_UTF8, _IPA).decode())
        return " ".join(c + (marks[i] if i < len(marks) else ".") for i, c in enumerate(clauses))

    def speak(self, text, speed, random):
        tokens = [*self.tokens["^"], 0]
        for symbol in self.phonemes(text):
            if symbol in self.tokens:
                tokens += [*self.tokens[symbol], 0]
        tokens += self.tokens["$"]
        scales = [random.uniform(*self.NOISE), 1 / speed, random.uniform(*self.DURATION_NOISE)]
        feed = {"input": np.array([tokens]), "input_lengths": np.array([len(tokens)])}
        samples = self.session.run(None, feed | {"scales": np.float32(scales)})[0].reshape(-1)
        return to_sample_rate(samples, self.rate)


class Neural:
    """Draws a voice of these and speaks."""

    def __init__(self, folder, espeak):
        self.kokoro, self.joe = Kokoro(folder), Joe(folder, espeak)

    def speak(self, text, random):
        """(samples, voice name)."""
        speed = random.uniform(0.8, 1.3)
        if random.random() < JOE_SHARE:
            return self.joe.speak(text, speed, random), "joe"
        voice = self.kokoro.drawn(random)
        return self.kokoro.speak(text, voice, speed), "kokoro/" + "+".join(voice[0])

    def speak_unseen(self, text, random):
        """In one of the voices kept for the tests."""
        name = random.choice(UNSEEN)
        return self.kokoro.speak(text, ([name], [1.0], name.startswith("b")), 1.0)
