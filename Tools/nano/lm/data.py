"""Tokenizer and training examples.

    python data.py tokenizer CORPUS.txt OUT_DIR

An example is (prefix kind, ids, answer start): the ids that follow the constant system turn, and
where the assistant's answer begins; the loss is on the answer alone. Everything is drawn from
`random.Random(seed)`, so a run can be repeated.
"""

import difflib
import json
import random
import re
import sys
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import trainers

sys.path.append(str(Path(__file__).resolve().parent.parent / "asr"))
import everyday
import general
import grammar
from corrupt import (ALTERNATIVES, FILLERS, FREQUENT, corrupt, damage_words, drop_punctuation,
                     insert_fillers, repeat_words, swap_homophones)
from paraphrase import asked, unknown
from texts import is_held_out
from prompts import (CHAT_SYSTEM, PROOFREAD_SYSTEM, SYSTEM_TURN, UNKNOWN_ANSWER, USER_TURN,
                     proofread_user)

VOCABULARY = 4096
HELD_OUT_PARAGRAPHS = 1500
MAX_TOKENS = 380
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
                 r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPACE_MARK, LETTERS = "\u0120", frozenset("abcdefghijklmnopqrstuvwxyz")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PLAIN_ADDED = ["<think>", "</think>"]
KNOWN_WORDS = 6000
COPY_SHARE, CHAT_SHARE = 0.03, 0.28
PAIR_SHARE, PLAIN_SHARE, TANGLED_SHARE, SOUND_SHARE = 0.24, 0.22, 0.04, 0.25
PROSE_SHARE, SOUND_PROSE_SHARE = 0.65, 0.35
REPEATED_SHARE, KINDRED_SHARE, HOMOPHONE_SHARE = 0.1, 0.15, 0.5
KEPT_SHARE, SLIGHT_SHARE = 0.15, 0.12
# So many answers are misled, at so many of their tokens.
MISLED_SHARE, MISLED_RATE, STUCK_RATE, STUCK_MOST = 0.4, 0.025, 0.015, 5
SOUNDING_WEIGHT, START_WEIGHT, START_TOKENS = 3.0, 3.0, 3
# What a token counts that is as it was in a transcript with capitals (within a word more), one that
# was another which sounds the same, and one that only begins like a word which sounds like another.
COPIED_WEIGHT, INNER_WEIGHT, MENDED_WEIGHT, BEGINNING_WEIGHT = 2.0, 3.0, 5.0, 5.0
KINDRED_SENTENCES, KINDRED_MOST = 60_000, 40
# A token that is not what followed these many tokens before counts so often.
FORK_WEIGHTS = {2: 3.0, 3: 6.0}
UNKNOWN_SHARE, QA_WEIGHT = 0.1, 0.7
SOUNDING_COUNT_MAX = 2500
LONGEST_COPY = 60
MENDABLE_RATIO = 0.75
# A sentence without any of these is no sentence: nobody can tell its marks.
LITTLE_WORDS = frozenset("""
a about after all also am an and any are as at be because been before but by can could did do does
don't else for from had has have he her here his how i i'd i'll i'm i've if in into is isn't it it's
its let's may me might more most must my never no not now of off on one or our out over please shall
she should so some than that that's the their them then there there's these they this those to too
under until up us very was we were what what's when where whether which while who why will with
without won't would you your
""".split())
PREFIXES = {"proofread": SYSTEM_TURN.format(PROOFREAD_SYSTEM), "chat": "",
            "assistant": SYSTEM_TURN.format(CHAT_SYSTEM)}


def load_corpus(path):
    """Returns (training, held-out) lists of paragraphs, each a list of sentences."""
    paragraphs = [line.split("\t") for line in Path(path).read_text().splitlines()]
    random.Random(17).shuffle(paragraphs)
    return paragraphs[HELD_OUT_PARAGRAPHS:], paragraphs[:HELD_OUT_PARAGRAPHS]


def load_qa(path):
    """Questions file: one JSON object a line, {"questions": [...], "answer": "..."}."""
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line.strip()]


def byte_level(model):
    """A tokenizer around `model`: NFC, the Qwen2 split, bytes written as characters."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def tokenizer_texts(corpus, qa):
    """What the merges are learnt from."""
    rng = random.Random(5)
    for sentences in rng.sample(corpus, min(len(corpus), 20_000)):
        yield corrupt(" ".join(sentences), rng)
    for _ in range(6_000):
        yield " ".join(grammar.paragraph(rng))
    for _ in range(1_500):
        yield proofread_user("", "x") + " " + " ".join(FILLERS)
        yield PROOFREAD_SYSTEM
    for _ in range(40):
        for item in qa:
            yield item["answer"] + "\n" + "\n".join(item["questions"])


def capital(piece):
    """The piece with its first letter, after an optional space mark, as a capital."""
    at = 1 if piece[0] == SPACE_MARK and len(piece) > 1 else 0
    return piece[:at] + piece[at].upper() + piece[at + 1:]


def mirrored(merges):
    """Merges of lower-case text with, behind each merge at the start of a word, its twin with a
    capital: so a word is cut at the same places whether or not it is capitalised, and correcting
    a capital changes one token into its twin."""
    made = {a + b: (a, b) for a, b in merges}
    starts = set()
    pending = [p for p in made if p[0] == SPACE_MARK and len(p) > 1 and p[1] in LETTERS]
    while pending:
        piece = pending.pop()
        if piece not in made:
            continue
        starts.add(piece)
        left, right = made[piece]
        inner = right if left == SPACE_MARK else left
        if len(inner) > 1 and inner not in starts:
            pending.append(inner)
    out = []
    for left, right in merges:
        out.append((left, right))
        if left + right in starts:
            out.append((left, capital(right)) if left == SPACE_MARK else (capital(left), right))
    return out


def train_tokenizer(corpus, qa, folder):
    """Byte-level BPE learnt from lower-cased text, with twins for capitalised words."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, show_progress=False,
                                  initial_alphabet=alphabet)
    learner.train_from_iterator((t.lower() for t in tokenizer_texts(corpus, qa)), trainer)
    merges = [tuple(m) for m in json.loads(learner.to_str())["model"]["merges"]]
    room = VOCABULARY - len(SPECIAL) - len(PLAIN_ADDED) - len(alphabet)
    count = next(n for n in range(len(merges), 0, -1) if len(mirrored(merges[:n])) <= room)
    merges = mirrored(merges[:count])
    vocabulary = {piece: i for i, piece in enumerate(
        sorted(alphabet) + list(dict.fromkeys(a + b for a, b in merges)))}
    tokenizer = byte_level(models.BPE(vocabulary, merges))
    filling = [f"<|unused_{i}|>" for i in range(room + len(alphabet) - len(vocabulary))]
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in filling + SPECIAL])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in PLAIN_ADDED])
    Path(folder).mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(Path(folder) / "tokenizer.json"))
    return tokenizer


def with_sense(words):
    """For each word whether its sentence has a word that holds sentences together."""
    out, start = [], 0
    for at, word in enumerate(words):
        if word[-1] in ".?!" or at == len(words) - 1:
            sentence = words[start:at + 1]
            sense = any(w.strip(",.;:?!").lower() in LITTLE_WORDS for w in sentence)
            out += [sense] * len(sentence)
            start = at + 1
    return out


def mendable(heard, right, known):
    """The transcript that a proofreader could make of `heard`, with the marks of `right`: `right`
    where words sound alike, were joined or split, or where a word that does not exist looks like
    words that do (`known`); `heard` where nobody could tell what was said."""
    left, wanted = heard.split(), right.split()
    keys = [[w.strip(",.;:?!").lower() for w in words] for words in (left, wanted)]
    told = with_sense(wanted)
    out = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, *keys, False).get_opcodes():
        lost, gained = keys[0][a:b], keys[1][c:d]
        fillers = [w in FILLERS for w in lost]
        repeated = kind == "delete" and lost == keys[0][max(0, 2 * a - b):a]
        same_sound = len(lost) == len(gained) and all(
            y in ALTERNATIVES.get(x, ()) or x == y for x, y in zip(lost, gained))
        no_word = all(w in known for w in gained) and any(w not in known for w in lost)
        looks = difflib.SequenceMatcher(None, " ".join(lost), " ".join(gained), False).ratio()
        if kind == "equal":
            for i, j in zip(range(a, b), range(c, d)):
                hesitant = keys[0][i + 1:i + 2] and keys[0][i + 1] in FILLERS
                louder = wanted[j][-1] == "!" and left[i][-1] == "."
                out.append(wanted[j] if (told[j] or hesitant) and not louder else left[i])
        elif kind == "delete" and all(fillers) or repeated or same_sound:
            out += wanted[c:d]
        elif "".join(lost) == "".join(gained) or no_word and looks >= MENDABLE_RATIO:
            out += wanted[c:d]
        else:
            out += [w for w, filler in zip(left[a:b], fillers) if not filler]
    return " ".join(out)


def load_prose(path):
    """The sentences of asr/prose.py, but those that the recogniser is tested with."""
    return [s for s in Path(path).read_text().splitlines() if s and not is_held_out(s)]


def plain_paragraph(rng):
    """Correct sentences of general and everyday English, numbers in words, as recognisers write."""
    made = []
    for _ in range(rng.choice((1, 1, 2, 3, 4, 5))):
        made.append((general if rng.random() < 0.6 else everyday).sentence(rng))
    return made


def missounded(text, rng):
    """Nothing wrong but words that sound like others."""
    return swap_homophones(text, rng, rng.choice((0.05, 0.15, 0.3)), rng.choice((0.95, 0.8)))


def slightly_damaged(text, rng, known, sounds=True):
    """What a good recogniser writes: nearly all right, a mark or a word wrong here and there;
    without `sounds` no word that only sounds like another."""
    if sounds:
        text = swap_homophones(text, rng, rng.choice((0, 0, 0.03, 0.1)))
    text = damage_words(text, rng, rng.choice((0, 0, 0.02, 0.04)), known)
    text = drop_punctuation(text, rng, rng.choice((0, 0, 0.1)), rng.choice((0, 0.1, 0.3)))
    text = repeat_words(text, rng, rng.choice((0, 0, 0.02)))
    return insert_fillers(text, rng, rng.choice((0, 0, 0.03)), plain=False)


def misled(ids, start, rng):
    """The ids to feed, some of the answer's replaced by others of the example, or by the one before
    again and again: what follows wrong tokens is still what is to be said next, found by the words
    before them."""
    ids = list(ids)
    if rng.random() < MISLED_SHARE:
        for at in range(start, len(ids) - 1):
            if rng.random() < MISLED_RATE:
                ids[at] = rng.choice(ids)
            elif rng.random() < STUCK_RATE:
                end = min(len(ids) - 1, at + rng.randint(1, STUCK_MOST))
                ids[at:end] = [ids[at - 1]] * (end - at)
    return ids


def word_pairs(sentence):
    """Every two words in a row, as one string in small letters."""
    words = [w.strip(",.;:?!").lower() for w in sentence.split(" ")]
    return [" ".join(pair) for pair in zip(words, words[1:])]


def folded(tokenizer):
    """For every token the first one whose text differs from it only in case and spaces."""
    first = {}
    texts = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
    return [first.setdefault(text.strip().lower() or text, i) for i, text in enumerate(texts)]


def sounding_tokens(tokenizer):
    """The tokens that are a word which sounds like another."""
    texts = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
    return frozenset(i for i, text in enumerate(texts) if text.strip().lower() in ALTERNATIVES)


class Weights:
    """What each token of an answer counts in training."""

    def __init__(self, tokenizer):
        self.fold = folded(tokenizer)
        self.sounding = sounding_tokens(tokenizer)
        texts = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
        self.capitals = frozenset(i for i, text in enumerate(texts) if text != text.lower())
        self.inner = frozenset(i for i, text in enumerate(texts) if text[:1].isalpha())
        self.heading = tokenizer.encode("Transcript:\n").ids

    def transcript(self, ids, start):
        """The ids of the transcript; none where the message has none."""
        size = len(self.heading)
        for at in range(start - size, -1, -1):
            if ids[at:at + size] == self.heading:
                return ids[at + size:start]
        return []

    def __call__(self, ids, start):
        """More where it sounds like another, where the tokens before it have been followed by
        another token, so that a copy can go on at the wrong place, at the start, where there is
        nothing written yet to find the place by, and where a transcript that has capitals, and so
        marks, is to be left as it is."""
        answer = ids[start:]
        weights = [(BEGINNING_WEIGHT if following in self.inner else SOUNDING_WEIGHT)
                   if i in self.sounding else 1.0 for i, following in zip(answer, answer[1:] + [0])]
        heard = self.transcript(ids, start)
        if heard:
            self.weigh_copies(heard, answer, weights)
        weights[:START_TOKENS] = [START_WEIGHT] * min(START_TOKENS, len(weights))
        keys = [self.fold[i] for i in ids]
        for depth, weight in FORK_WEIGHTS.items():
            seen = {}
            for at in range(depth, len(ids)):
                followers = seen.setdefault(tuple(keys[at - depth:at]), set())
                if at >= start and followers - {keys[at]}:
                    weights[at - start] = max(weight, weights[at - start])
                followers.add(keys[at])
        return weights

    def weigh_copies(self, heard, answer, weights):
        cased = any(i in self.capitals for i in heard)
        for kind, _, _, a, b in difflib.SequenceMatcher(None, heard, answer, False).get_opcodes():
            for at in range(a, b):
                if kind != "equal" and answer[at] in self.sounding:
                    weights[at] = max(weights[at], MENDED_WEIGHT)
                elif kind == "equal" and cased:
                    least = INNER_WEIGHT if answer[at] in self.inner else COPIED_WEIGHT
                    weights[at] = max(weights[at], least)


def grammar_words():
    """Every word of the grammars, in small letters."""
    phrases = [p for kind in (*everyday.VOCABULARY.values(), *grammar.WORDS.values()) for p in kind]
    phrases += general.WORDS + grammar.TEMPLATES + everyday.PATTERNS
    phrases += [p for kind in general.PATTERNS.values() for p in kind]
    return frozenset(w for p in phrases for w in re.findall(r"[a-z']+", p.lower()))


class Examples:
    """An endless, seeded source of training examples."""

    def __init__(self, tokenizer, corpus, qa, asr_pairs, seed, prose=()):
        self.tokenizer, self.corpus, self.qa, self.asr_pairs = tokenizer, corpus, qa, asr_pairs
        self.rng, self.prose = random.Random(seed), prose
        # What can be asked in many ways is asked more often.
        self.qa_weights = [len(item["questions"]) ** QA_WEIGHT for item in qa]
        counts = Counter(w for p in corpus for s in p for w in s.rstrip(".?!").split(" ")
                         if w.islower() and w.isalpha())
        self.known = frozenset(w for w, n in counts.most_common(KNOWN_WORDS) if n > 3)
        self.words = frozenset(w for w, n in counts.items() if n > 3) | grammar_words()
        self.end = tokenizer.token_to_id("<|im_end|>")
        doubtful = {w for w in ALTERNATIVES if w not in FREQUENT and counts[w] < SOUNDING_COUNT_MAX}
        self.sounding = [p for p in corpus if any(w in doubtful for s in p for w in s.split(" "))]
        self.sentences = self.rng.sample([s for p in corpus for s in p], KINDRED_SENTENCES)
        self.kin = {}
        for place, sentence in enumerate(self.sentences):
            for pair in word_pairs(sentence):
                self.kin.setdefault(pair, []).append(place)

    def encode(self, kind, user, answer):
        start = self.tokenizer.encode(USER_TURN.format(user)).ids
        return kind, start + self.tokenizer.encode(answer).ids + [self.end], len(start)

    def random_copy(self):
        """Random tokens to be copied exactly: nothing to understand, nothing to mend."""
        rng = self.rng
        ids = [rng.randrange(VOCABULARY - 8) for _ in range(rng.randint(3, LONGEST_COPY))]
        start = self.tokenizer.encode(USER_TURN.format("Transcript:\n\x01")).ids
        at = start.index(self.tokenizer.encode("\x01").ids[0])
        head = start[:at] + ids + start[at + 1:]
        return "proofread", head + ids + [self.end], len(head)

    def strange_words(self, sentences):
        """Puts invented names, identifiers and numbers into real sentences."""
        rng = self.rng
        out = []
        for sentence in sentences:
            words = sentence.split(" ")
            for _ in range(rng.randint(1, 3)):
                i = rng.randrange(1, len(words)) if len(words) > 1 else 0
                word = grammar.made_up_word(rng)
                dice = rng.random()
                if dice < 0.3:
                    word = word.capitalize()
                elif dice < 0.4:
                    word = f"{word}_{grammar.made_up_word(rng)}"
                elif dice < 0.5:
                    word = f"{word}{rng.randint(0, 99)}"
                elif dice < 0.7:
                    word = str(rng.randint(0, 10 ** rng.randint(1, 6)))
                elif dice < 0.75:
                    word = f"{grammar.made_up_word(rng)}.{rng.choice(('com', 'org', 'txt', 'py'))}"
                words.insert(i, word)
            out.append(" ".join(words))
        return out

    def repetitive(self):
        """Sentences that share long stretches, where a careless copy goes on at the wrong one."""
        rng = self.rng
        if rng.random() < 0.4:
            template = rng.choice(grammar.TEMPLATES)
            made = [grammar.fill(template, rng) for _ in range(rng.randint(2, 4))]
            return made + grammar.paragraph(rng, 2)
        sentences = list(rng.choice(self.corpus))[:3]
        words = rng.choice(sentences).split(" ")
        for _ in range(rng.randint(1, 2)):
            other = list(words)
            for _ in range(rng.randint(1, 2)):
                place = rng.randrange(len(other))
                mark = other[place][-1] if other[place][-1] in ",.?!" else ""
                other[place] = rng.choice(grammar.WORDS["noun"]) + mark
            if rng.random() < 0.4:
                other = other[rng.randrange(len(other)):]
            other[0] = other[0][:1].upper() + other[0][1:]
            sentences.insert(rng.randint(0, len(sentences)), " ".join(other))
        return sentences[:5]

    def kindred(self):
        """Sentences that share two words in a row with one before them."""
        rng = self.rng
        sentences = [rng.choice(self.sentences)]
        for _ in range(rng.choice((1, 1, 2, 3))):
            pairs = word_pairs(rng.choice(sentences))
            rng.shuffle(pairs)
            for pair in sorted(pairs, key=lambda p: len(self.kin.get(p, ())) > KINDRED_MOST):
                others = self.kin.get(pair, ())
                if len(others) > 1:
                    other = self.sentences[rng.choice(others)]
                    if other not in sentences:
                        sentences.append(other)
                        break
        return sentences

    def tangled(self):
        """Words in no order, stretches of which recur with another end: only a look at many words
        before tells which one to copy next."""
        rng = self.rng
        words = []
        for _ in range(rng.randint(6, 70)):
            dice = rng.random()
            if dice < 0.2:
                word = grammar.made_up_word(rng)
            elif dice < 0.25:
                word = str(rng.randint(0, 10 ** rng.randint(1, 5)))
            else:
                word = rng.choice(rng.choice(self.sentences).split(" ")).strip(",.;:?!()")
                word = "" if word.lower() in ALTERNATIVES or word.lower() in FILLERS else word
            if word and (not words or word.lower() != words[-1].lower()):
                words.append(word)
        for _ in range(rng.randint(0, 1 + len(words) // 10)):
            start = rng.randrange(len(words))
            stretch = words[start:start + rng.randint(1, 8)]
            at = rng.randrange(len(words) + 1)
            around = words[max(0, at - len(stretch)):at + len(stretch)]
            if not {w.lower() for w in stretch} & {w.lower() for w in around}:
                words[at:at] = stretch
        for at in range(len(words) - 1):
            if rng.random() < 0.06:
                words[at] += rng.choice(",,;:")
        text = " ".join(words) or "Nothing"
        return [text[0].upper() + text[1:] + "."]

    def clean_paragraph(self):
        """Returns correct sentences from documentation, the grammar, or both."""
        rng = self.rng
        if rng.random() < KINDRED_SHARE:
            return self.kindred()
        if rng.random() < REPEATED_SHARE:
            return self.repetitive()
        if rng.random() < HOMOPHONE_SHARE:
            return list(rng.choice(self.sounding))[:4]
        dice = rng.random()
        if dice < 0.3:
            return grammar.paragraph(rng)
        sentences = list(rng.choice(self.corpus))
        while len(sentences) < 5 and rng.random() < 0.6:
            sentences += rng.choice(self.corpus)[:2]
        if dice < 0.4:
            return self.strange_words(sentences[:3])
        if dice < 0.55:
            sentences = sentences[:3] + grammar.paragraph(rng, 2)
        return sentences[:6]

    def proofreading(self):
        rng = self.rng
        dice = rng.random()
        if self.asr_pairs and dice < PAIR_SHARE:
            pairs = [rng.choice(self.asr_pairs) for _ in range(rng.choice((1, 1, 2, 3)))]
            heard = " ".join(p["hypothesis"] for p in pairs)
            right = mendable(heard, " ".join(p["reference"] for p in pairs), self.words)
            dice = rng.random()
            if dice < 0.1:
                heard = corrupt(heard, rng, self.known)
            elif dice < 0.2:
                heard = slightly_damaged(heard, rng, self.known)
            elif dice < 0.3:
                heard = right
        elif dice < PAIR_SHARE + PLAIN_SHARE:
            # What the grammars say has no sense by which to tell one word from another.
            sense = bool(self.prose) and rng.random() < PROSE_SHARE
            right = " ".join(rng.sample(self.prose, rng.choice((1, 1, 2, 3, 4))) if sense
                             else plain_paragraph(rng))
            dice = rng.random()
            if dice < 0.5:
                heard = right
            elif dice < 0.7 and sense:
                heard = missounded(right, rng)
            else:
                heard = slightly_damaged(right, rng, self.known, sense)
        elif dice < PAIR_SHARE + PLAIN_SHARE + TANGLED_SHARE:
            right = " ".join(self.tangled())
            heard = right if rng.random() < 0.7 else insert_fillers(right, rng, 0.05, plain=False)
        elif dice < PAIR_SHARE + PLAIN_SHARE + TANGLED_SHARE + SOUND_SHARE:
            general = self.prose and rng.random() < SOUND_PROSE_SHARE
            right = " ".join(rng.sample(self.prose, rng.choice((1, 2, 3, 4, 5))) if general
                             else self.clean_paragraph())
            heard = missounded(right, rng)
        else:
            right = " ".join(self.clean_paragraph())
            dice = rng.random()
            if dice < KEPT_SHARE:
                heard = right
            elif dice < KEPT_SHARE + SLIGHT_SHARE:
                heard = slightly_damaged(right, rng, self.known)
            else:
                heard = corrupt(right, rng, self.known)
        previous = ""
        if rng.random() < 0.25:
            previous = " ".join(self.clean_paragraph())
        return self.encode("proofread", proofread_user(heard, previous), right)

    def chat(self):
        rng = self.rng
        kind = rng.choice(("chat", "assistant"))
        item = rng.choices(self.qa, self.qa_weights)[0]
        if rng.random() < UNKNOWN_SHARE:
            question = unknown(rng) if rng.random() < 0.75 else grammar.sentence(rng)
            return self.encode(kind, question, UNKNOWN_ANSWER)
        return self.encode(kind, asked(item, rng), item["answer"])

    def next(self):
        """One example of at most MAX_TOKENS ids."""
        while True:
            dice = self.rng.random()
            if dice < COPY_SHARE:
                example = self.random_copy()
            elif dice < COPY_SHARE + CHAT_SHARE and self.qa:
                example = self.chat()
            else:
                example = self.proofreading()
            if len(example[1]) <= MAX_TOKENS:
                return example


def batches(examples, tokens, pool):
    """Yields lists of examples of one prefix kind and similar length, about `tokens` ids each;
    `pool` examples are drawn and sorted at a time."""
    while True:
        drawn = sorted((examples.next() for _ in range(pool)), key=lambda e: len(e[1]))
        ready = []
        for kind in PREFIXES:
            batch, width = [], 0
            for example in (e for e in drawn if e[0] == kind):
                width = max(width, len(example[1]))
                if batch and width * (len(batch) + 1) > tokens:
                    ready.append(batch)
                    batch, width = [], len(example[1])
                batch.append(example)
            if batch:
                ready.append(batch)
        examples.rng.shuffle(ready)
        yield from ready


if __name__ == "__main__":
    here = Path(__file__).parent
    corpus, _ = load_corpus(sys.argv[2])
    made = train_tokenizer(corpus, load_qa(here / "qa.jsonl"), sys.argv[3])
    print(made.get_vocab_size(), "tokens;", len(made.encode(PREFIXES["proofread"]).ids), "in the prefix")
