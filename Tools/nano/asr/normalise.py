"""Transcript conventions: what is written is what is spoken.

Numbers are written in words ("twenty-three", "nineteen eighty-four"), symbols are written out,
only the marks , . ? ! ' and - remain, and acronyms stay in capitals when they are spelled aloud.
"""

import re

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SPELLED = set(
    "API APIs URL URLs HTTP HTML XML CPU CPUs GPU USB DNS TCP UDP IP SSL TLS SSH SQL CSV PDF PDFs"
    " ID IDs OS PC TV UK US CSS FTP VM VMs UI AI OK BBC DVD CD GPS MB GB".split()
)
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?(?:-[A-Za-z]+)*$")
INTEGER = re.compile(r"\d{1,6}$")
LETTERS = re.compile(r"[A-Za-z]+")
CASED = re.compile(r"(?:[a-z]+|[A-Z][a-z]*)$")
SHORT_WORDS = set(
    "a i an as at am be by do go he if in is it me my no of on or so to up us we oh ok hi".split()
)
CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")


def number_words(value):
    """English words of an integer in 0 ..< 1 000 000 000, British "and" left out."""
    if value < 20:
        return ONES[value]
    if value < 100:
        tail = "-" + ONES[value % 10] if value % 10 else ""
        return TENS[value // 10] + tail
    for unit, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= unit:
            tail = " " + number_words(value % unit) if value % unit else ""
            return number_words(value // unit) + " " + name + tail
    raise ValueError(value)


def year_words(value):
    """A year as it is read aloud: 1984 nineteen eighty-four, 2007 two thousand seven."""
    if value % 1000 < 10:
        return number_words(value)
    if value % 100 == 0:
        return number_words(value // 100) + " hundred"
    if value % 100 < 10:
        return number_words(value // 100) + " oh " + ONES[value % 10]
    return number_words(value // 100) + " " + number_words(value % 100)


def plain_word(word):
    """Whether a token is an ordinary word rather than an identifier or an abbreviation."""
    if not WORD.match(word):
        return False
    for part in LETTERS.findall(word.split("'")[0]):
        if part in SPELLED:
            continue
        if not CASED.match(part) or CONSONANTS.search(part.lower()):
            return False
        if len(part) < 3 and part.lower() not in SHORT_WORDS and part not in ("A", "I"):
            return False
        if len(part) > 18 or not re.search(r"[aeiouyAEIOUY]", part):
            return False
    return True


def speakable(sentence):
    """The sentence in transcript form, or None when it cannot be read aloud unambiguously."""
    if not sentence or not sentence[0].isupper() or sentence[-1] not in ".?!":
        return None
    words = []
    for token in sentence.split():
        body = token.rstrip(",.?!")
        mark = token[len(body):]
        if len(mark) > 1 or (mark and mark != "," and token is not None and not body):
            return None
        if INTEGER.match(body) and (body == "0" or body[0] != "0"):
            body = number_words(int(body))
        elif not plain_word(body):
            return None
        words.append(body + mark)
    if any(word[-1] in ".?!" for word in words[:-1]):
        return None
    if sum(word.rstrip(",.?!") in SPELLED for word in words) > 2:
        return None
    text = " ".join(words)
    return text[0].upper() + text[1:]
