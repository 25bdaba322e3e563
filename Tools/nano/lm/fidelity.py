"""Follows a correction through its transcript, so that a word is changed only where the model is
clearly surer of the change than of the word that was there.

Where the best token would write another word than the transcript has next, put a mark into a word or
end the reply before the transcript's end, the tokens that would write the transcript's word are worth
`margin` nats more, and so where it puts a mark between words of a transcript that has marks and
capitals, but none there. Other marks between words, capitals and spaces are the model's alone, and
so is leaving out hesitations and repeated words. The same rule as Fidelity in the program's
Sources/Text/Proofread; there it says why.
"""

import re

from corrupt import ALTERNATIVES, FREQUENT

HESITATIONS = frozenset("um uh er erm uhm umm uhh hmm hm mm eh".split())
PHRASES = (("you", "know"), ("i", "mean"))
REPEATED_WORDS_MAX = 4
WINDOW_WORDS = 8
MARKS = ".,;:?!"
PLACES_MAX = 16
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


ENDINGS = ("", "s", "es", "d", "ed", "r", "er", "ing")


def letters(text):
    return "".join(c for c in text.lower() if c.isalnum())


# What these sound like is hardly ever meant.
KNOWN_WELL = frozenset(letters(w) for w in FREQUENT | {"to", "too", "two"})
SOUNDING = {}
for _word, _others in ALTERNATIVES.items():
    SOUNDING.setdefault(letters(_word), set()).update(map(letters, _others))


def is_apart(char):
    """Whether a word ends at a character."""
    return not char.isalnum() and char not in "'\u2019"


def alternatives(key):
    """What may have been said where a word was heard, with the same ending on both."""
    return {other + e for e in ENDINGS if key.endswith(e)
            for other in SOUNDING.get(key[:len(key) - len(e)], ())}


class Fidelity:
    """The place of a reply in its transcript, as (letters passed, whether inside a word of the
    reply that replaces or precedes one of the transcript); several while it is not certain."""

    def __init__(self, transcript, tokenizer, alike, frequent, other, mark):
        """`alike`, `other`: nats by which a word that sounds like the transcript's must be likelier,
        and any other; `frequent`: the first where the transcript has one of the most frequent; `mark`:
        by which a mark must be where the transcript, though punctuated, has none."""
        self.tokenizer = tokenizer
        self.alike, self.frequent, self.other, self.mark = alike, frequent, other, mark
        found = list(WORD.finditer(transcript))
        ends = [m.start() for m in found[1:]] + [len(transcript)]
        behind = [transcript[m.end():end] for m, end in zip(found, ends)]
        self.is_marked = [any(c in MARKS for c in text) for text in behind]
        self.is_punctuated = any(self.is_marked) and any(m[0][0].isupper() for m in found)
        self.words = [m[0] for m in found]
        self.is_spaced = [not m.start() or transcript[m.start() - 1].isspace() for m in found]
        self.keys = [letters(w) for w in self.words]
        self.stream = "".join(self.keys)
        self.starts, at = {}, 0
        for i, key in enumerate(self.keys):
            self.starts[at] = i
            at += len(key)
        self.starts[at] = len(self.keys)
        self.place_of = {i: at for at, i in self.starts.items()}
        self.kept = [i for i, key in enumerate(self.keys) if key not in HESITATIONS]
        self.kept_index = {i: k for k, i in enumerate(self.kept)}
        self.places = [(0, False)]
        self.is_at_start = self.is_apart = True
        self.texts, self.splits = {}, {}
        self.gaps = []  # of every other word: by how much it was likelier, and whether it is alike

    # MARK: What may follow

    def skips(self, at):
        """Places that leaving out hesitations and repetitions before the word here leads to."""
        found, todo = [], [at]
        while todo:
            place = todo.pop(0)
            if place in found or len(found) > PLACES_MAX:
                continue
            found.append(place)
            word = self.starts.get(place)
            if word is None or word >= len(self.keys):
                continue
            if self.keys[word] in HESITATIONS:
                todo.append(self.place_of[word + 1])
                continue
            if tuple(self.keys[word:word + 2]) in PHRASES:
                todo.append(self.place_of[word + 2])
            k = self.kept_index[word]
            for n in range(1, REPEATED_WORDS_MAX + 1):
                here = [self.keys[i] for i in self.kept[k:k + n]]
                before = [self.keys[i] for i in self.kept[max(0, k - n):k]]
                if len(here) == n and here == before:
                    end = k + n
                    todo.append(self.place_of[self.kept[end]] if end < len(self.kept)
                                else len(self.stream))
        return found

    def spellings(self, word):
        """The tokens of a word as it stands and with another first letter, behind a space and at
        the beginning: [(token, letters before it)], one list each."""
        if word not in self.splits:
            own = self.words[word]
            made = []
            for text in dict.fromkeys((own, own[0].upper() + own[1:], own[0].lower() + own[1:])):
                for lead in (" ", ""):
                    tokens, at = [], 0
                    for token in self.tokenizer.encode(lead + text).ids:
                        tokens.append((token, at))
                        at += len(letters(self.text(token)))
                    made.append((lead, tokens))
            self.splits[word] = made
        return self.splits[word]

    def text(self, token):
        if token not in self.texts:
            self.texts[token] = self.tokenizer.decode([token])
        return self.texts[token]

    def word_at(self, at):
        while at not in self.starts:
            at -= 1
        return self.starts[at]

    def end_of_match(self, at, text):
        """Where the letters of a token lead to from here, or None if they are another word's."""
        key = letters(text)
        if not self.stream.startswith(key, at):
            return None
        end = at + len(key)
        if end in self.starts:
            return end
        word = self.word_at(at)
        if self.word_at(end) != word:
            return None    # the next word swallowed up
        inner = end - self.place_of[word]
        cuts = (tokens for lead, tokens in self.spellings(word)
                if at not in self.starts or (lead == " ") == text[:1].isspace())
        return end if any(offset == inner for tokens in cuts for _, offset in tokens) else None

    def steps(self, text):
        """Where a token leads to from each of the places; empty if it writes another word."""
        starts_word = self.is_apart or is_apart(text[0])
        found = []
        for at, waits in self.places:
            if waits and not starts_word:
                found.append((at, True))
                continue
            for place in self.skips(at):
                end = self.end_of_match(place, text)
                whole = starts_word or place not in self.starts or end in self.starts
                if end is not None and whole:
                    found.append((end, False))
        return list(dict.fromkeys(found))[:PLACES_MAX]

    # MARK: The reply

    def append(self, text):
        """Takes the next text of the reply."""
        key = letters(text)
        if not key:
            self.is_apart = self.is_apart or is_apart(text[-1:] or "'")
            return
        steps = self.steps(text)
        if not steps:
            at = self.place_ahead()
            ahead = self.word_at(at)
            is_start = at in self.starts
            last = len(self.keys)
            # For the word here, in front of it, or the place that it leads to further on.
            steps = [(self.place_of[min(ahead + 1, last)], True)] + [(at, True)] * is_start
            for word in range(ahead + 1, min(ahead + WINDOW_WORDS, last)):
                end = self.end_of_match(self.place_of[word], text)
                if end is not None:
                    steps.append((end, False))
        self.places = steps
        self.is_at_start, self.is_apart = False, is_apart(text[-1])

    def place_ahead(self):
        """The likeliest place, behind hesitations."""
        at = self.places[0][0]
        for place in self.skips(at):
            word = self.starts.get(at)
            if word is not None and word < len(self.keys) and self.keys[word] in HESITATIONS:
                at = place
        return at

    def sounds_alike(self, text):
        """Whether a token that writes another word may be that of one which sounds alike."""
        at = self.place_ahead()
        word = self.word_at(at)
        if word >= len(self.keys):
            return False
        start = self.place_of[word]
        written, key = self.stream[start:at], letters(text)
        others = alternatives(self.keys[word])
        if written and (not text or is_apart(text[0])):
            return written in others
        return bool(key) and any(other.startswith(written + key) for other in others)

    def leaves(self, best):
        """Whether a token, given its text, does not go on as the transcript does."""
        if letters(best):
            return not self.steps(best)
        if not best:  # the end of the reply
            return all(len(self.stream) not in self.skips(at) for at, _ in self.places)
        return best[0] in MARKS and all(not waits and at not in self.starts
                                        for at, waits in self.places)

    def adds_mark(self, best):
        """Whether a token puts a mark between words where the transcript, though punctuated, has
        none."""
        if not best or best[0] not in MARKS or letters(best) or not self.is_punctuated:
            return False
        words = [None if waits else self.starts.get(at) for at, waits in self.places]
        return all(word and word < len(self.keys) and not self.is_marked[word - 1]
                   for word in words)

    def favoured(self, best):
        """The tokens to favour, given the text of the best one; none where that is as it was."""
        if not self.leaves(best) and not (self.mark and self.adds_mark(best)):
            return set()
        found = set()
        for place in self.skips(self.place_ahead()):
            word = self.word_at(place)
            if word >= len(self.keys):
                continue
            inner = place - self.place_of[word]
            is_spaced = self.is_spaced[word] and not self.is_at_start
            for lead, tokens in self.spellings(word):
                if inner or (lead == " ") == is_spaced:
                    found |= {token for token, offset in tokens if offset == inner
                              and letters(self.text(token))}
        return found

    def bias(self, logits):
        """Returns the token to write, given the logits of this place."""
        best = int(logits.argmax())
        favoured = sorted(self.favoured(self.text(best)))
        if not favoured:
            return best
        own = max(favoured, key=lambda t: float(logits[t]))
        gap = float(logits[best] - logits[own])
        if not self.leaves(self.text(best)):
            return own if gap <= self.mark else best
        is_alike = len(self.places) > 1 or self.sounds_alike(self.text(best))
        self.gaps.append((gap, is_alike))
        return own if gap <= self.margin(is_alike) else best

    def margin(self, is_alike):
        """By how much a token that writes another word must be likelier here."""
        if not is_alike:
            return self.other
        words = (self.word_at(place) for place in self.skips(self.place_ahead()))
        known = any(w < len(self.keys) and self.keys[w] in KNOWN_WELL for w in words)
        return self.frequent if known else self.alike
