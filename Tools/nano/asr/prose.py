"""Sentences of general English out of WordNet: the examples of its entries and their definitions.

    python prose.py --wordnet /usr/share/wordnet --out prose.txt

Debian's `wordnet-base` has the files. An entry ends with `| definition; "example"; ...`. Left out
is what shares five words in a row with a sentence of `--tests`, what has a word that is rare in all
of this, and what could offend.
"""

import argparse
import collections
import os
import random
import re

from harvest import WORDS_MAX, WORDS_MIN
from normalise import speakable

KINDS = ("noun", "verb", "adj", "adv")
EXAMPLE = re.compile(r'"([^"]+)"')
ASIDE = re.compile(r"\([^)]*\)|--.*")
RUDE = re.compile(r"offensive|disparag|obscen|vulgar|slang|sexual|genus|ethnic")
WORD = re.compile(r"[a-z']+")
DEFINITION_WORDS_MAX = 14
SHARED_WORDS = 5
EXAMPLE_COUNT_MIN, DEFINITION_COUNT_MIN = 2, 15


def sentence(text):
    """The text as a spoken sentence, or None where it cannot be one."""
    text = " ".join(text.replace("`", "'").split()).strip(" ;:,")
    if not text:
        return None
    text = text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")
    spoken = speakable(text)
    return spoken if spoken and WORDS_MIN <= len(spoken.split()) <= WORDS_MAX else None


def sentences(path):
    """(sentence, how often each of its words must occur)."""
    with open(path, encoding="latin-1") as file:
        for line in file:
            gloss = line.partition(" | ")[2]
            if RUDE.search(gloss):
                continue
            for example in EXAMPLE.findall(gloss):
                yield sentence(example), EXAMPLE_COUNT_MIN
            definition = sentence(ASIDE.sub(" ", EXAMPLE.sub("", gloss).split(";")[0]))
            if definition and len(definition.split()) <= DEFINITION_WORDS_MAX:
                yield definition, DEFINITION_COUNT_MIN


def runs(text):
    words = WORD.findall(text.lower())
    return {tuple(words[i : i + SHARED_WORDS]) for i in range(len(words) - SHARED_WORDS + 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", required=True)
    parser.add_argument("--tests", nargs="*", default=["tests/general.txt"])
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    kept_back = set()
    for path in arguments.tests:
        with open(path) as file:
            for line in file:
                kept_back |= runs(line)
    unique, refused = {}, 0
    for kind in KINDS:
        for text, least in sentences(os.path.join(arguments.wordnet, "data." + kind)):
            if text and runs(text) & kept_back:
                refused += 1
            elif text:
                unique.setdefault(text.lower(), (text, least))
    counts = collections.Counter(word for lowered in unique for word in WORD.findall(lowered))
    kept = [
        text
        for lowered, (text, least) in unique.items()
        if all(counts[word] >= least for word in WORD.findall(lowered))
    ]
    random.Random(1).shuffle(kept)
    with open(arguments.out, "w") as out:
        out.write("\n".join(kept) + "\n")
    print(len(kept), "sentences,", refused, "left out because of a test sentence")


if __name__ == "__main__":
    main()
