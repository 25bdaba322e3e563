"""Harvest plain English sentences from the documentation that is already on a machine.

    python harvest.py --roots /usr/share/doc /usr/share/man /usr/lib/python3 --out sentences.txt

HTML paragraphs, reStructuredText, Markdown, manual pages, POD and Python docstrings are cut into
sentences; a sentence is kept when every word of it can be spoken unambiguously (letters and
apostrophes, whole numbers below a million, ordinary punctuation) and is seen often enough to be
a word rather than an identifier.
"""

import argparse
import collections
import gzip
import html
import os
import random
import re

from normalise import speakable

BYTES_PER_FILE_MAX = 600_000
SENTENCES_PER_FILE_MAX = 400
WORD_COUNT_MIN = 3
WORDS_MIN, WORDS_MAX = 3, 28

TAGS = re.compile(r"<[^>]+>")
PARAGRAPH = re.compile(r"<(?:p|li|dd)\b[^>]*>(.*?)</(?:p|li|dd)>", re.S)
CODE = re.compile(r"<(?:code|tt|samp)\b[^>]*>(.*?)</(?:code|tt|samp)>", re.S)
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
ROFF = re.compile(r"^[.'].*$", re.M)
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
TEXT_SUFFIXES = (".txt", ".md", ".rst", ".pod", "README", "FAQ", "NEWS", "copyright")


def html_blocks(text):
    """Paragraphs of an HTML page; inline code survives only where it is one plain word."""
    for block in PARAGRAPH.findall(text):
        block = CODE.sub(lambda m: TAGS.sub("", m.group(1)), block)
        yield html.unescape(TAGS.sub("", block))


def plain_blocks(text):
    for block in re.split(r"\n\s*\n", text):
        yield re.sub(r"^\s*(?:[*+-]|\d+\.)\s+", "", block.strip())


def roff_blocks(text):
    text = re.sub(r"^\.(?:B|I|BR|IR) (.*)$", r"\1", text, flags=re.M)
    text = re.sub(r"\\f[BIRP]|\\&|\\,|\\/", "", text).replace("\\-", "-").replace("\\'", "'")
    yield from plain_blocks(ROFF.sub("\n", text))


def blocks(path):
    """Prose blocks of one file, by its kind; nothing for files that hold no prose."""
    name = os.path.basename(path)
    opener = gzip.open if name.endswith(".gz") else open
    stem = name.removesuffix(".gz")
    try:
        with opener(path, "rb") as file:
            text = file.read(BYTES_PER_FILE_MAX).decode("utf-8", "ignore")
    except (OSError, EOFError):
        return
    if stem.endswith((".html", ".htm")):
        yield from html_blocks(text)
    elif stem.endswith(".py"):
        for docstring in DOCSTRING.findall(text):
            yield from plain_blocks(docstring)
    elif re.search(r"\.[1-8][a-z]*$", stem):
        yield from roff_blocks(text)
    elif stem.endswith(TEXT_SUFFIXES):
        yield from plain_blocks(text)


def sentences(path):
    found = []
    for block in blocks(path):
        block = " ".join(block.split()).replace("\u2019", "'").replace("``", "")
        for sentence in SENTENCE_END.split(block):
            if len(sentence) < 240 and (spoken := speakable(sentence)):
                if WORDS_MIN <= len(spoken.split()) <= WORDS_MAX:
                    found.append(spoken)
                    if len(found) >= SENTENCES_PER_FILE_MAX:
                        return found
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roots", nargs="+", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    unique = {}
    for root in arguments.roots:
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                for sentence in sentences(os.path.join(folder, name)):
                    unique.setdefault(sentence.lower(), sentence)
        print(root, len(unique), flush=True)
    counts = collections.Counter(w for s in unique for w in re.findall(r"[a-z']+", s))
    kept = [
        sentence
        for lowered, sentence in unique.items()
        if all(counts[w] >= WORD_COUNT_MIN for w in re.findall(r"[a-z']+", lowered))
    ]
    random.Random(arguments.seed).shuffle(kept)
    with open(arguments.out, "w") as out:
        out.write("\n".join(kept) + "\n")
    print(len(unique), "sentences,", len(kept), "kept,", len(counts), "words")


if __name__ == "__main__":
    main()
