"""Speakers that never were, made of RHVoice's voices of recorded English speakers.

    python hts.py --rhvoice $DATA/rhvoice --count 60 --seed 1

A voice (Zen et al., "The HMM-based speech synthesis system version 2.0", SSW6 2007) has a tree for
each fifth of a phone whose leaves are Gaussians of mel-cepstra, and one for durations. A copy moves
the means of all leaves that a phone reaches by a vector of that phone's own, those of neighbouring
leaves by another, and stretches durations likewise; it lies beside the original: bdl0000, bdl0001.
"""

import argparse
import os
import re
import shutil

import numpy as np

VOICES = "bdl", "clb"
RATE_FOLDER = "24000"
STATES, CEPSTRA, WINDOWS = 5, 31, 3
RUN_LEAVES = 12
PAUSES = {"pau", "h#", "brth"}
CENTRAL = re.compile(r'"\*-([^"^+*-]+)\+\*"')
PATTERN = re.compile(r'"([^"]*)"')
NODE = re.compile(r"^\s*(-?\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$")
# How far the phones of flite's two recorded voices lie apart, in deviations of a coefficient.
APART = np.interp(np.arange(CEPSTRA), (0, 1, 2, 4, 30), (0.28, 0.3, 0.55, 0.8, 0.85))


def central_questions(tree):
    """(question -> phones that answer yes, all phones named), of questions on the phone itself."""
    questions, phones = {}, set()
    for line in tree.splitlines():
        if line.startswith("QS "):
            name, patterns = line.split()[1], PATTERN.findall(line)
            found = set(CENTRAL.findall(line))
            if len(found) == len(patterns):
                questions[name] = found
                phones |= found
    return questions, phones


def leaf_phones(tree):
    """For each state's tree, the phones that reach each leaf."""
    questions, phones = central_questions(tree)
    result = []
    for text in re.split(r"^\{\*\}\[\d+\]", tree, flags=re.M)[1:]:
        nodes = {int(m[1]): m.groups()[1:] for m in map(NODE.match, text.splitlines()) if m}
        leaves, waiting = {}, [("0", phones)]
        while waiting and nodes:
            name, here = waiting.pop()
            if name.startswith('"'):
                leaves[int(name.strip('"').rsplit("_", 1)[1]) - 1] = here
                continue
            question, no, yes = nodes[int(name)]
            wanted = questions.get(question)
            waiting.append((no, here if wanted is None else here - wanted))
            waiting.append((yes, here if wanted is None else here & wanted))
        result.append([leaves[i] for i in sorted(leaves)])
    return result


class Voice:
    """`voice.data` of RHVoice: a header that names the places of its parts, then the parts."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.content = file.read()
        header = self.content.partition(b"[DATA]\n")[0].decode("latin-1")
        self.base = len(header) + len("[DATA]\n")
        self.places = {
            name: (self.base + int(first), self.base + int(last) + 1)
            for name, first, last in re.findall(r"^(\S+):(\d+)-(\d+)$", header, re.M)
        }
        first, last = self.places["STREAM_TREE[MCP]"]
        self.phones = leaf_phones(self.content[first:last].decode("latin-1"))

    def floats(self, name, integers, row):
        """[rows, row], float32: the floats of a part, which begins with some integers."""
        first, last = self.places[name]
        values = np.frombuffer(self.content[first:last], "<f4", offset=4 * integers)
        return values.reshape(-1, row).copy()

    def with_floats(self, content, name, integers, values):
        """`content` with `values` for the floats of a part, which begins with some integers."""
        first, last = self.places[name]
        first += 4 * integers
        assert values.nbytes == last - first
        return content[:first] + values.tobytes() + content[last:]

    def displaced(self, generator):
        """The content of a `voice.data` in which every sound is formed differently."""
        spectra = self.floats("STREAM_PDF[MCP]", STATES, 2 * WINDOWS * CEPSTRA)
        assert len(spectra) == sum(map(len, self.phones))
        deviation = APART * spectra[:, :CEPSTRA].std(0)
        strength = generator.uniform(0.35, 1.3)
        offsets = {
            phone: strength * deviation * generator.standard_normal(CEPSTRA)
            for phone in sorted(set.union(*(p for state in self.phones for p in state)) - PAUSES)
        }
        first = 0
        for state in self.phones:
            near = allophones((len(state), CEPSTRA), generator)
            for index, phones in enumerate(state):
                if phones and not phones & PAUSES:
                    # The mean of several offsets is small; half of that is made good.
                    place = np.mean([offsets[p] for p in sorted(phones)], 0) * len(phones) ** 0.25
                    place += 0.5 * strength * deviation * near[index]
                    spectra[first + index, :CEPSTRA] += place.astype(np.float32)
            first += len(state)
        content = self.with_floats(self.content, "STREAM_PDF[MCP]", STATES, spectra)
        durations = self.floats("DURATION_PDF", 1, 2 * STATES)
        pace = np.exp(0.2 * allophones((len(durations), 1), generator))
        durations[:, :STATES] *= pace.astype(np.float32)
        return self.with_floats(content, "DURATION_PDF", 1, durations)


def allophones(shape, generator):
    """Random numbers of `shape`, a row for each run of neighbouring leaves: contexts alike."""
    drawn, cuts = generator.standard_normal(shape), generator.random(shape[0]) < 1 / RUN_LEAVES
    return drawn[np.cumsum(cuts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rhvoice", required=True)
    parser.add_argument("--count", type=int, default=60, help="of each voice")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    folder = os.path.join(arguments.rhvoice, "data", "voices")
    for name in VOICES:
        own = os.path.join(folder, name)
        voice = Voice(os.path.join(own, RATE_FOLDER, "voice.data"))
        for number in range(arguments.count):
            copy = f"{own}{number:04d}"
            os.makedirs(os.path.join(copy, RATE_FOLDER), exist_ok=True)
            shutil.copy(os.path.join(own, RATE_FOLDER, "bpf.txt"), os.path.join(copy, RATE_FOLDER))
            shutil.copy(os.path.join(own, "voice.params"), copy)
            with open(os.path.join(own, "voice.info")) as file:
                information = re.sub("name=.*", "name=" + os.path.basename(copy), file.read())
            with open(os.path.join(copy, "voice.info"), "w") as file:
                file.write(information)
            with open(os.path.join(copy, RATE_FOLDER, "voice.data"), "wb") as file:
                file.write(voice.displaced(generator))


if __name__ == "__main__":
    main()
