"""Speech synthesis: espeak-ng, flite, RHVoice and SVOX Pico through their C libraries, festival
through a pipe; 16 kHz.

espeak-ng gives many voices cheaply (formant synthesis, accents times variants); the others' voices
are built from recorded speech, and few: `Guise` makes other speakers of them.
Voices in `UNSEEN_*` are kept for the held-out tests.
"""

import ctypes
import ctypes.util
import dataclasses
import math
import os
import subprocess
import tempfile

import numpy as np
from scipy.io import wavfile

from clustergen import Clustergen
from rates import SAMPLE_RATE, change_rate, to_sample_rate

UNSEEN_VARIANT = "f4"
UNSEEN_FLITE = "rms"
ACCENTS = (
    "gmw/en gmw/en-US gmw/en-GB-scotland gmw/en-GB-x-gbclan gmw/en-GB-x-rp gmw/en-GB-x-gbcwmd"
    " gmw/en-029 gmw/en-US-nyc"
).split()
ACCENT_WEIGHTS = (4, 8, 2, 1, 3, 1, 1, 2)
VARIANTS = (
    " Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee"
    " Marco Mario Michael Mike Mr Nguyen Tweaky adam anika antonio aunty belinda benjamin boris"
    " caleb croak david ed edward edward2 f1 f2 f3 f5 grandma grandpa gustave iven iven2 iven3"
    " iven4 john kaukovalta klatt klatt2 klatt3 klatt4 klatt5 klatt6 linda m1 m2 m3 m4 m5 m6 m7"
    " m8 marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph"
    " steph2 steph3 travis victor whisper zac robosoft3 robosoft7"
).split(" ")
FLITE_VOICES = ("slt", "awb", "kal16", "kal")
FLITE_WEIGHTS = (3, 3, 3, 1)
FLITE_PITCH = {"slt": (172, 27), "awb": (132, 25), "kal16": (95, 11), "kal": (95, 11)}
FLITE_PITCH["rms"] = (98, 24)
CLUSTERGEN_VOICES = ("slt", "awb")
GUISE_SHARE = 0.7
FESTIVAL_VOICES = ("ked_diphone", "cmu_us_slt_arctic_hts")
FESTIVAL_WEIGHTS = (4, 1)
RHVOICE_PITCH = {"bdl": 120, "clb": 175, "slt": 170}
RHVOICE_WEIGHTS = {"bdl": 5, "clb": 5, "slt": 3}
PICO_VOICES = {"en-US": ("en-US_ta", "en-US_lh0_sg"), "en-GB": ("en-GB_ta", "en-GB_kh0_sg")}
PICO_PITCH = {"en-US": 165, "en-GB": 168}

_OUTPUT_SYNCHRONOUS, _CHARS_UTF8, _END_OF_STRING = 2, 1, 0
_RATE, _PITCH, _RANGE = 1, 3, 4


class Espeak:
    """One espeak-ng instance; the library holds global state, so one per process."""

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 500, None, 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng: no voice data found")
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self.pieces = []
        self.callback = kind(self._collect)
        self.library.espeak_SetSynthCallback(self.callback)
        self.library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip

    def _collect(self, samples, count, _events):
        if samples and count > 0:
            self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def voice(self, accent, variant):
        name = accent + ("+" + variant if variant else "")
        if self.library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ValueError(f"espeak-ng: no voice {name}")

    def speak(self, text, accent, variant, words_per_minute, pitch, pitch_range):
        self.voice(accent, variant)
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self.library.espeak_SetParameter(parameter, int(value), 0)
        self.pieces = []
        data = text.encode() + b"\0"
        self.library.espeak_Synth(data, len(data), 0, 1, _END_OF_STRING, _CHARS_UTF8, None, None)
        if not self.pieces:
            return np.zeros(0, np.float32)
        samples = np.concatenate(self.pieces).astype(np.float32) / 32768
        return to_sample_rate(samples, self.rate)


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate", ctypes.c_int),
        ("count", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class Flite:
    """The flite voices that are installed as shared libraries."""

    def __init__(self, names):
        self.library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        self.library.flite_init()
        for name in ("libflite_usenglish.so.1", "libflite_cmulex.so.1"):
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        self.library.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        self.library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self.library.delete_wave.argtypes = [ctypes.c_void_p]
        self.library.flite_feat_set_float.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float,
        ]  # fmt: skip
        self.voices = {}
        for name in names:
            voice_library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
            register = getattr(voice_library, f"register_cmu_us_{name}")
            register.restype = ctypes.POINTER(_Voice)
            register.argtypes = [ctypes.c_char_p]
            self.voices[name] = register(None)

    def speak(self, text, name, stretch, pitch=None):
        """`pitch`: mean and deviation in Hz, the voice's own where it is None."""
        voice = self.voices[name]
        features = voice.contents.features
        mean, deviation = pitch or FLITE_PITCH[name]
        for key, value in (
            (b"duration_stretch", stretch),
            (b"int_f0_target_mean", mean),
            (b"int_f0_target_stddev", deviation),
        ):
            self.library.flite_feat_set_float(features, key, value)
        wave = self.library.flite_text_to_wave(text.encode(), voice)
        if not wave:
            return np.zeros(0, np.float32)
        count, rate = wave.contents.count, wave.contents.rate
        samples = np.ctypeslib.as_array(wave.contents.samples, (count,)).astype(np.float32) / 32768
        self.library.delete_wave(wave)
        return to_sample_rate(samples, rate)

    def clustergen(self, name):
        return Clustergen(self.library, self.voices[name].contents.features)


class Festival:
    """One festival process that is told what to say; it writes each utterance to a file."""

    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(), "said.wav")
        self.process = subprocess.Popen(
            ["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def speak(self, text, name, stretch, pitch):
        """`pitch`: mean and deviation in Hz; the HTS voices ignore it."""
        mean, deviation = pitch
        said = text.replace("\\", "").replace('"', "")
        self.process.stdin.write(
            f"(voice_{name}) (Parameter.set 'Duration_Stretch {stretch:.3f})"
            f"(set! int_lr_params '((target_f0_mean {mean:.0f}) (target_f0_std {deviation:.0f})"
            "(model_f0_mean 170) (model_f0_std 34)))"
            f'(utt.save.wave (utt.synth (Utterance Text "{said}")) "{self.path}" \'riff)'
            '(format t "said\\n") (fflush nil)\n'
        )
        self.process.stdin.flush()
        while "said" not in self.process.stdout.readline():
            if self.process.poll() is not None:
                raise RuntimeError("festival ended")
        rate, samples = wavfile.read(self.path)
        return to_sample_rate(samples.astype(np.float32) / 32768, rate)


class _Callbacks(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in "rate play mark word_start word_end start end audio done".split()
    ]


class _Setup(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_char_p),
        ("config", ctypes.c_char_p),
        ("resources", ctypes.c_void_p),
        ("callbacks", _Callbacks),
        ("options", ctypes.c_uint),
    ]


class _Manner(ctypes.Structure):
    _fields_ = [("voice", ctypes.c_char_p)]
    _fields_ += [
        (name, ctypes.c_double) for name in "rate0 pitch0 volume0 rate pitch volume".split()
    ]
    _fields_ += [("punctuation", ctypes.c_int), ("marks", ctypes.c_char_p)]
    _fields_ += [("capitals", ctypes.c_int), ("flags", ctypes.c_int)]


class RHVoice:
    """The voices in `folder`/data, spoken by `folder`/libRHVoice.so."""

    def __init__(self, folder):
        self.library = library = ctypes.CDLL(os.path.join(folder, "libRHVoice.so"))
        rated = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        played = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_uint, ctypes.c_void_p
        )
        self.pieces, self.rate = [], SAMPLE_RATE
        self.callbacks = rated(self._rated), played(self._played)
        rate, play = (ctypes.cast(callback, ctypes.c_void_p) for callback in self.callbacks)
        library.RHVoice_new_tts_engine.restype = ctypes.c_void_p
        library.RHVoice_new_message.restype = ctypes.c_void_p
        library.RHVoice_new_message.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_int,
            ctypes.POINTER(_Manner), ctypes.c_void_p,
        ]  # fmt: skip
        for function in (library.RHVoice_speak, library.RHVoice_delete_message):
            function.argtypes = [ctypes.c_void_p]
        data = os.path.join(folder, "data").encode()
        setup = _Setup(data, data, None, _Callbacks(rate=rate, play=play), 0)
        self.engine = library.RHVoice_new_tts_engine(ctypes.byref(setup))
        if not self.engine:
            raise RuntimeError(f"RHVoice: no voices in {folder}")

    def _rated(self, rate, _user):
        self.rate = rate
        return 1

    def _played(self, samples, count, _user):
        self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 1

    def speak(self, text, name, stretch, pitch):
        """`pitch`: mean and deviation in Hz; the voice keeps its own deviation."""
        data, level = text.encode(), pitch[0] / RHVOICE_PITCH[name]
        manner = _Manner(name.encode(), 0, 0, 0, 1 / stretch, level, 1, 0, None, 0, 0)
        message = self.library.RHVoice_new_message(
            self.engine, data, len(data), 0, ctypes.byref(manner), None
        )
        self.pieces = []
        self.library.RHVoice_speak(message)
        self.library.RHVoice_delete_message(message)
        if not self.pieces:
            return np.zeros(0, np.float32)
        return to_sample_rate(np.concatenate(self.pieces).astype(np.float32) / 32768, self.rate)


class Pico:
    """The English voices of SVOX Pico in `folder`/lang, spoken by `folder`/libttspico.so."""

    MEMORY, BUSY, PIECE = 4_000_000, 201, 2048

    def __init__(self, folder):
        self.library = library = ctypes.CDLL(os.path.join(folder, "libttspico.so"))
        self.memory, self.engines = [], {}
        for name, parts in PICO_VOICES.items():
            system, engine = ctypes.c_void_p(), ctypes.c_void_p()
            self.memory.append(ctypes.create_string_buffer(self.MEMORY))
            library.pico_initialize(self.memory[-1], self.MEMORY, ctypes.byref(system))
            library.pico_createVoiceDefinition(system, b"voice")
            for part in parts:
                path, resource = os.path.join(folder, "lang", part + ".bin"), ctypes.c_void_p()
                if library.pico_loadResource(system, path.encode(), ctypes.byref(resource)):
                    raise RuntimeError(f"pico: cannot load {path}")
                called = ctypes.create_string_buffer(200)
                library.pico_getResourceName(system, resource, called)
                library.pico_addResourceToVoiceDefinition(system, b"voice", called)
            library.pico_newEngine(system, b"voice", ctypes.byref(engine))
            self.engines[name] = engine

    def speak(self, text, name, stretch, pitch):
        """`pitch`: mean and deviation in Hz; the voice keeps its own deviation."""
        level = min(200, max(50, 100 * pitch[0] / PICO_PITCH[name]))
        speed = min(500, max(20, 100 / stretch))
        said = f'<speed level="{speed:.0f}"><pitch level="{level:.0f}">{text}</pitch></speed>'
        data, engine, pieces = said.encode() + b"\0", self.engines[name], []
        taken, count, kind = ctypes.c_short(), ctypes.c_short(), ctypes.c_short()
        piece = ctypes.create_string_buffer(self.PIECE)
        while data:
            self.library.pico_putTextUtf8(engine, data, len(data), ctypes.byref(taken))
            data, state = data[taken.value :], self.BUSY
            while state == self.BUSY:
                state = self.library.pico_getData(
                    engine, piece, self.PIECE, ctypes.byref(count), ctypes.byref(kind)
                )
                pieces.append(piece.raw[: count.value])
        return np.frombuffer(b"".join(pieces), np.int16).astype(np.float32) / 32768


@dataclasses.dataclass
class Guise:
    """Another speaker made of a voice: all its resonances scaled, and a pitch and pace of its own."""

    tract: float
    pitch: tuple[float, float]
    stretch: float

    @classmethod
    def drawn(cls, random):
        pitch = math.exp(random.uniform(math.log(72), math.log(250)))
        deviation = pitch * random.uniform(0.06, 0.22)
        return cls(random.uniform(0.8, 1.22), (pitch, deviation), random.uniform(0.75, 1.3))

    def speak(self, engine, text, name):
        """Playing faster by `tract` scales everything; pace and pitch are asked for accordingly."""
        asked = tuple(hertz / self.tract for hertz in self.pitch)
        return change_rate(engine.speak(text, name, self.stretch * self.tract, asked), self.tract)


class Speaker:
    """Draws a voice and its settings from `random` and speaks."""

    def __init__(
        self, flite_share, festival_share=0.0, rhvoice=(None, 0.0), pico=(None, 0.0),
        neural=(None, 0.0), displaced_share=0.0,
    ):  # fmt: skip
        """`rhvoice`, `pico` and `neural`: the folder of each and its share of the clips;
        `displaced_share`: of what flite's slt and awb say."""
        self.espeak = Espeak()
        self.neural, self.neural_share = None, neural[1]
        if neural[0]:
            from neural import Neural  # needs onnxruntime, which all others do without

            self.neural = Neural(neural[0], self.espeak)
        self.flite = Flite(FLITE_VOICES + (UNSEEN_FLITE,))
        self.flite_share, self.festival_share = flite_share, festival_share
        self.displaced_share, self.clustergen = displaced_share, {}
        if displaced_share > 0:
            self.clustergen = {name: self.flite.clustergen(name) for name in CLUSTERGEN_VOICES}
        self.festival = Festival() if festival_share > 0 else None
        self.rhvoice = RHVoice(rhvoice[0]) if rhvoice[1] > 0 else None
        self.pico = Pico(pico[0]) if pico[1] > 0 else None
        self.rhvoice_share, self.pico_share = rhvoice[1], pico[1]
        self.guises = any((self.festival, self.rhvoice, self.pico))

    def disguised(self, engine, name, pitch, text, random):
        """In a guise, or in the voice's own pitch, or near it."""
        if random.random() < GUISE_SHARE:
            return Guise.drawn(random).speak(engine, text, name)
        hertz = pitch * random.uniform(0.9, 1.12)
        samples = engine.speak(text, name, random.uniform(0.8, 1.25), (hertz, 0))
        return change_rate(samples, random.choice((1.0, random.uniform(0.92, 1.1))))

    def flite_speech(self, name, text, random):
        if self.guises and random.random() < GUISE_SHARE:
            return Guise.drawn(random).speak(self.flite, text, name)
        samples = self.flite.speak(text, name, random.uniform(0.8, 1.25))
        return change_rate(samples, random.choice((1.0, 1.0, random.uniform(0.9, 1.12))))

    def speak(self, text, random):
        """(samples, voice name) in one of the voices that training may use."""
        if self.neural_share > 0 and random.random() < self.neural_share:
            return self.neural.speak(text, random)
        if self.rhvoice and random.random() < self.rhvoice_share:
            name = random.choices(list(RHVOICE_WEIGHTS), list(RHVOICE_WEIGHTS.values()))[0]
            samples = self.disguised(self.rhvoice, name, RHVOICE_PITCH[name], text, random)
            return samples, "rhvoice/" + name
        if self.pico and random.random() < self.pico_share:
            name = random.choice(list(PICO_VOICES))
            samples = self.disguised(self.pico, name, PICO_PITCH[name], text, random)
            return samples, "pico/" + name
        if self.festival and random.random() < self.festival_share:
            name = random.choices(FESTIVAL_VOICES, FESTIVAL_WEIGHTS)[0]
            return Guise.drawn(random).speak(self.festival, text, name), "festival/" + name
        if random.random() < self.flite_share:
            name = random.choices(FLITE_VOICES, FLITE_WEIGHTS)[0]
            if name not in self.clustergen or random.random() >= self.displaced_share:
                return self.flite_speech(name, text, random), "flite/" + name
            other = CLUSTERGEN_VOICES[1 - CLUSTERGEN_VOICES.index(name)]
            generator = np.random.default_rng(random.getrandbits(63))
            self.clustergen[name].displace(self.clustergen[other], generator)
            samples = self.flite_speech(name, text, random)
            self.clustergen[name].restore()
            return samples, "flite/displaced-" + name
        accent = random.choices(ACCENTS, ACCENT_WEIGHTS)[0]
        variant = random.choice(VARIANTS) if random.random() < 0.85 else ""
        samples = self.espeak.speak(
            text, accent, variant, random.triangular(120, 240, 165),
            random.triangular(15, 85, 50), random.triangular(15, 85, 50),
        )  # fmt: skip
        return samples, accent + "+" + variant

    def speak_unseen(self, text, random, kind):
        """In the held-out espeak variant, flite voice or neural voices (`kind`)."""
        if kind == "neural":
            return self.neural.speak_unseen(text, random)
        if kind == "flite":
            return self.flite.speak(text, UNSEEN_FLITE, random.uniform(0.9, 1.15))
        return self.espeak.speak(
            text, random.choice(ACCENTS[:2]), UNSEEN_VARIANT, random.uniform(140, 200), 50, 50
        )
