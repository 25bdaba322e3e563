"""What is spoken: a seeded stream of transcripts of one to four sentences.

Documentation sentences (see harvest.py), everyday sentences (everyday.py), word sequences that no
language model can guess, and now and then a spoken hesitation. A fixed share of the documentation
sentences, chosen by a hash of the text, is kept for the held-out tests.
"""

import re
import zlib

import everyday
import general

HELD_OUT_PER_MILLE = 15
CHARACTERS_MAX = 230
LISTED_SHARE = 0.12
SHARES = 0.46, 0.42
FILLERS = ("um", "uh", "um", "uh", "er", "you know", "I mean")
WORD = re.compile(r"[A-Za-z']+")


def is_held_out(sentence):
    return zlib.crc32(sentence.lower().encode()) % 1000 < HELD_OUT_PER_MILLE


def insert_filler(text, random):
    """A hesitation between two words, set off by commas: "I think, um, we should go."."""
    words = text.split()
    if len(words) < 4:
        return text
    place = random.randrange(1, len(words))
    if not words[place - 1][-1].isalpha():
        return text
    filler = random.choice(FILLERS)
    return " ".join(words[:place]) + ", " + filler + ", " + " ".join(words[place:])


class Texts:
    def __init__(
        self, sentence_file, held_out=False, general_share=0.0, prose=(None, 0.0), shares=SHARES,
        candidates=1,
    ):  # fmt: skip
        """`prose`: a file of sentences (prose.py) and their share; `shares`: of documentation and
        everyday sentences in what remains, the rest being word sequences; `candidates`: sentences
        drawn from a file for each one that is taken, the one with the rarest word."""
        self.shares, self.candidates = shares, candidates
        self.general_share, self.prose_share, self.prose = general_share, prose[1], []
        if prose[0]:
            with open(prose[0]) as file:
                lines = file.read().split("\n")
            self.prose = [s for s in lines if s and is_held_out(s) == held_out]
        with open(sentence_file) as file:
            lines = file.read().split("\n")
        self.documentation = [s for s in lines if s and is_held_out(s) == held_out]
        self.counts = counts = {}
        for line in lines + self.prose:
            for word in WORD.findall(line.lower()):
                counts[word] = counts.get(word, 0) + 1
        self.words = sorted(w for w, n in counts.items() if n >= 3 and len(w) > 1)
        phrases = [phrase for kind in everyday.VOCABULARY.values() for phrase in kind]
        self.words += sorted({word for phrase in phrases for word in phrase.split()})

    def word_sequence(self, random, source):
        words = random.sample(source, random.randrange(1, 10))
        text = "".join(w + (", " if random.random() < 0.12 else " ") for w in words).rstrip(", ")
        return text[0].upper() + text[1:] + random.choice("..?")

    def rarest(self, sentences, random):
        """Of a few sentences the one with the word that is rarest: rare words are the hard ones."""
        drawn = [random.choice(sentences) for _ in range(self.candidates)]
        return min(drawn, key=lambda s: min(map(self.counts.get, WORD.findall(s.lower()))))

    def sentence(self, random):
        if self.prose and random.random() < self.prose_share:
            return self.rarest(self.prose, random)
        if self.general_share and random.random() < self.general_share:
            if random.random() < LISTED_SHARE:
                return self.word_sequence(random, general.WORDS)
            return general.sentence(random)
        draw = random.random()
        documentation, everyday_share = self.shares
        if draw < documentation:
            return self.rarest(self.documentation, random)
        if draw < documentation + everyday_share:
            return everyday.sentence(random)
        return self.word_sequence(random, self.words)

    def clip(self, random, filler_share=0.08):
        """The transcript of one clip."""
        text = self.sentence(random)
        for _ in range(random.choices((0, 1, 2, 3), (60, 20, 13, 7))[0]):
            longer = text + " " + self.sentence(random)
            if len(longer) > CHARACTERS_MAX:
                break
            text = longer
        if random.random() < filler_share:
            for _ in range(random.choice((1, 1, 2))):
                text = insert_filler(text, random)
        return text
