"""Speakers that never were, made of flite's CLUSTERGEN voices: every sound is formed differently.

Such a voice (Black, "CLUSTERGEN", Interspeech 2006) has a tree of mel-cepstra for each third of a
phone. All leaves of a phone are moved together, some of the way towards another voice's (or away
from it) and by a vector of the phone's own; how long the phone lasts is changed as well. So the
new speaker says a sound in one way throughout, as speakers do.
"""

import ctypes

import numpy as np

CEPSTRUM = slice(2, 52, 2)  # of a leaf's values: the means of 25 mel-cepstra; deviations between
COEFFICIENTS = 25
PAUSE = "pau"
LEAF = 255
LEVELS = 65535
PLAIN = 1  # CST_CG_MODEL_SHAPE_BASE_MINRANGE

_int, _float, _pointer = ctypes.c_int, ctypes.c_float, ctypes.c_void_p


class _Voice(ctypes.Structure):
    """`cst_cg_db` of flite 2.2's cst_cg.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char_p)),
        ("type_count", _int),
        ("sample_rate", _int),
        ("pitch", _float * 2),
        ("pitch_model_count", _int),
        ("pitch_trees", _pointer),
        ("model_count", _int),
        ("trees", ctypes.POINTER(ctypes.POINTER(_pointer))),
        ("accents", _pointer * 2),
        ("channels", ctypes.POINTER(_int)),
        ("leaves", ctypes.POINTER(_int)),
        ("vectors", _pointer),
        ("accent_counts", _int * 2),
        ("accent_vectors", _pointer),
        ("least", ctypes.POINTER(_float)),
        ("range", ctypes.POINTER(_float)),
        ("table", _pointer),
        ("shape", _int),
        ("frame_seconds", _float),
        ("duration_model_count", _int),
        ("durations", _pointer),
        ("duration_trees", _pointer),
        ("states", _pointer),
        ("smoothed", _int),
        ("window", _pointer),
        ("window_count", _int),
        ("filter", _float * 2),
        ("several", _int),
        ("mixed", _int),
        ("excitation_counts", _int * 2),
        ("excitation", _pointer),
        ("accented", _int),
        ("gain", _float),
        ("phones", _pointer * 3),
        ("freeable", _int),
    ]


class _Node(ctypes.Structure):
    _fields_ = [
        ("feature", ctypes.c_ubyte),
        ("operator", ctypes.c_ubyte),
        ("other", ctypes.c_ushort),
        ("value", _pointer),
    ]


class _Tree(ctypes.Structure):
    _fields_ = [("nodes", ctypes.POINTER(_Node)), ("features", _pointer)]


class _Duration(ctypes.Structure):
    _fields_ = [("state", ctypes.c_char_p), ("mean", _float), ("deviation", _float)]


def _bind(library):
    library.feat_val.restype = library.cg_db_val.restype = _pointer
    library.feat_val.argtypes = [_pointer, ctypes.c_char_p]
    library.val_cg_db.restype = ctypes.POINTER(_Voice)
    library.val_cg_db.argtypes = library.cg_db_val.argtypes = [_pointer]
    library.val_int.argtypes = [_pointer]
    library.feat_set.argtypes = [_pointer, ctypes.c_char_p, _pointer]


class Clustergen:
    """One voice of flite; `displace` makes it another speaker, `restore` undoes that."""

    def __init__(self, library, features):
        """`features`: the voice's; they get a copy of its description that can be written to."""
        _bind(library)
        self.library = library
        own = library.val_cg_db(library.feat_val(features, b"cg_db")).contents
        if own.shape != PLAIN or own.model_count != 1:
            raise ValueError(f"{own.name.decode()}: not one model of plain ranges")
        self.voice = _Voice.from_buffer_copy(own)
        self.original = _Voice.from_buffer_copy(own)
        library.feat_set(features, b"cg_db", library.cg_db_val(ctypes.addressof(self.voice)))
        self.states = [self.voice.types[i].decode() for i in range(self.voice.type_count)]
        self.phones = [state.split("_")[0] for state in self.states]
        channels, count = self.voice.channels[0], self.voice.leaves[0]
        first = ctypes.cast(self.voice.vectors, ctypes.POINTER(_pointer))[0]
        rows = ctypes.cast(first, ctypes.POINTER(ctypes.POINTER(ctypes.c_ushort)))
        values = np.array([np.ctypeslib.as_array(rows[i], (channels,)) for i in range(count)])
        least, span = (np.ctypeslib.as_array(f, (channels,)) for f in (own.least, own.range))
        self.vectors = least + span * (values / LEVELS)
        self.state_leaves = [self._leaves(self.voice.trees[0][i]) for i in range(len(self.states))]
        self.means = {
            state: self.vectors[leaves, CEPSTRUM].mean(0)
            for state, leaves in zip(self.states, self.state_leaves)
        }
        self.durations = self._durations()
        self.kept = []

    def _leaves(self, tree):
        nodes = ctypes.cast(tree, ctypes.POINTER(_Tree)).contents.nodes
        waiting, leaves = [0], []
        while waiting:
            index = waiting.pop()
            if nodes[index].operator == LEAF:
                leaves.append(self.library.val_int(nodes[index].value))
            else:
                waiting += [index + 1, nodes[index].other]
        return np.unique(leaves)

    def _durations(self):
        first = ctypes.cast(self.voice.durations, ctypes.POINTER(_pointer))[0]
        entries = ctypes.cast(first, ctypes.POINTER(ctypes.POINTER(_Duration)))
        found = []
        while entries[len(found)]:
            found.append(entries[len(found)].contents)
        return found

    def displace(self, other, generator):
        """A speaker drawn from `generator`, between this voice and `other` and beyond both."""
        difference = {
            state: other.means[state] - mean
            for state, mean in self.means.items()
            if state in other.means
        }
        deviation = np.std(list(difference.values()), axis=0) / 2**0.5
        strength, common = generator.uniform(0.1, 0.85), generator.uniform(-0.45, 0.85)
        towards, offset, pace = {}, {}, {PAUSE: 1.0}
        for phone in sorted(set(self.phones) - {PAUSE}):
            towards[phone] = common + 0.35 * generator.standard_normal()
            offset[phone] = strength * deviation * generator.standard_normal(COEFFICIENTS)
            pace[phone] = np.exp(0.17 * generator.standard_normal())
        vectors = self.vectors.copy()
        for state, phone, leaves in zip(self.states, self.phones, self.state_leaves):
            if phone == PAUSE or state not in difference:
                continue
            mean, within = self.means[state], np.exp(0.15 * generator.standard_normal())
            place = mean + towards[phone] * difference[state] + offset[phone]
            place += 0.4 * strength * deviation * generator.standard_normal(COEFFICIENTS)
            vectors[leaves, CEPSTRUM] = place + within * (vectors[leaves, CEPSTRUM] - mean)
        self._use(vectors, pace)

    def _use(self, vectors, pace):
        least = vectors.min(0)
        span = np.maximum(vectors.max(0) - least, 1e-6)
        values = np.ascontiguousarray(np.rint((vectors - least) / span * LEVELS), np.uint16)
        count, channels = values.shape
        first = values.ctypes.data
        rows = (_pointer * count)(*range(first, first + values.nbytes, 2 * channels))
        models = (_pointer * 1)(ctypes.addressof(rows))
        limits = (_float * channels)(*least), (_float * channels)(*span)
        stretched = []
        for entry in self.durations:
            factor = pace.get(entry.state.decode().split("_")[0], 1.0)
            stretched.append(_Duration(entry.state, entry.mean * factor, entry.deviation * factor))
        entries = (_pointer * (len(stretched) + 1))(*map(ctypes.addressof, stretched))
        lists = (_pointer * 1)(ctypes.addressof(entries))
        voice = self.voice
        voice.vectors, voice.durations = ctypes.addressof(models), ctypes.addressof(lists)
        voice.least, voice.range = limits
        self.kept = [values, rows, models, limits, stretched, entries, lists]

    def restore(self):
        for field in ("vectors", "durations", "least", "range"):
            setattr(self.voice, field, getattr(self.original, field))
        self.kept = []
