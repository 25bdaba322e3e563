"""Turns a correct paragraph into what a speech recogniser might have written."""

import re

FILLERS = ["um", "uh", "er", "uhm", "erm", "hmm", "um", "uh"]

HOMOPHONES = """
their there they're|its it's|to too two|then than|your you're|here hear|whether weather|know no
new knew|through threw|right write|would wood|whole hole|our hour|won one|son sun|meet meat
ate eight|by buy bye|seen scene|see sea|be bee|wait weight|which witch|where were wear|plane plain
pair pear|night knight|flour flower|allowed aloud|passed past|principal principle|accept except
effect affect|lose loose|advice advise|peace piece|road rode|tail tale|week weak|who's whose
for four|read red|made maid|sale sail|break brake|cell sell|fair fare|great grate|heal heel
hi high|mail male|main mane|pause paws|peak peek|pray prey|rain reign|role roll|root route
sight site cite|some sum|sole soul|stair stare|steal steel|sweet suite|throne thrown|vain vein
waist waste|way weigh|wheel we'll|we're were|brought bought|quite quiet|complement compliment
council counsel|desert dessert|course coarse|board bored|bare bear|cent sent scent|dear deer
die dye|fourth forth|guest guessed|higher hire|him hymn|knot not|least leased|lead led
lesson lessen|missed mist|morning mourning|none nun|poor pour|raise rays|real reel|sew so
stationary stationery|there's theirs|thyme time|tied tide|toe tow|use yews|wore war|world whirled
used use|an and|of off|passed past|chance chants|close clothes|days daze|base bass|add ad
find fined|key quay|links lynx|mode mowed|mussel muscle|packed pact|paste paced|patients patience
presence presents|prints prince|size sighs|sort sought|step steppe|tax tacks|tents tense
threw through|ware where|warn worn|we've weave|i'll aisle|isn't isnt|won't wont|don't dont
rite right|wright write|mete meet|ware wear|fore for|reed red|hell heal|rein rain|pore poor
ant aunt|ball bawl|band banned|bean been|beat beet|berry bury|billed build|blew blue|bread bred
ceiling sealing|cereal serial|claws clause|colonel kernel|core corps|cue queue|current currant
symbol cymbal|due do dew|dual duel|feet feat|flew flu|genes jeans|groan grown|hair hare|hall haul
heard herd|horse hoarse|in inn|need knead|nose knows|lane lain|leak leek|loan lone|medal metal
might mite|minor miner|or oar ore|pain pane|pole poll|profit prophet|wrap rap|ring wring
wrote rote|saw soar|seam seem|seas sees|steak stake|style stile|straight strait|taught taut
team teem|tea tee|tier tear|tire tyre|vary very|wave waive|wine whine|sense since|seed seat
choose chose|quit quite|breath breathe|device devise|ensure insure assure|later latter
can't cant|doesn't doesnt|didn't didnt|it'll itll|that's thats|let's lets|what's whats
""".replace("\n", "|").strip("|")
ALTERNATIVES = {}
for group in HOMOPHONES.split("|"):
    for word in group.split():
        for other in group.split():
            if other != word and other not in ALTERNATIVES.setdefault(word, []):
                ALTERNATIVES[word].append(other)
# These exist only as errors: never a correct word that could be corrupted the other way.
for word in "isnt wont dont cant doesnt didnt itll thats whats".split():
    ALTERNATIVES.pop(word, None)

COMPOUNDS = {}
for pair in """a lot|alot;cannot|can not;into|in to;onto|on to;maybe|may be;everyone|every one
someone|some one;anyone|any one;everything|every thing;something|some thing;already|all ready
always|all ways;sometimes|some times;without|with out;another|an other;today|to day
tomorrow|to morrow;however|how ever;therefore|there fore;whenever|when ever;whatever|what ever
inside|in side;outside|out side;understand|under stand;overall|over all;upon|up on
become|be come;before|be fore;between|be tween;because|be cause;available|a vailable
default|de fault;keyboard|key board;website|web site;database|data base;filename|file name
network|net work;software|soft ware;hardware|hard ware;anything|any thing;nothing|no thing
as well|aswell;in front|infront;at least|atleast;each other|eachother;even though|eventhough
of course|ofcourse;in fact|infact;no one|noone;all right|alright
""".replace("\n", ";").strip(";").split(";"):
    right, wrong = pair.split("|")
    COMPOUNDS[right] = wrong
COMPOUND = re.compile(r"\b(" + "|".join(map(re.escape, COMPOUNDS)) + r")\b")
# So frequent that they would be most of the errors; their alternatives are hardly ever heard.
FREQUENT = frozenset("an and of off use i'll be not so time in or do due very".split())
FREQUENT_KEPT = 0.9
WORD = re.compile(r"[A-Za-z']+")


def match_case(new, old):
    return new[0].upper() + new[1:] if old[:1].isupper() else new


def swap_homophones(text, rng, rate, frequent_kept=FREQUENT_KEPT):
    """Replaces each word that sounds like another with probability `rate`, of the most frequent
    ones only the share that is not kept."""
    def swap(m):
        options = ALTERNATIVES.get(m[0].lower())
        often = m[0].lower() in FREQUENT and rng.random() < frequent_kept
        if not options or often or rng.random() >= rate:
            return m[0]
        return match_case(rng.choice(options), m[0])
    return WORD.sub(swap, text)


def misspell(word, rng):
    """One letter lost, doubled, swapped with its neighbour, or another vowel."""
    i = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1:]
    if kind == 1:
        return word[:i] + word[i] + word[i:]
    if kind == 2:
        return word[:i] + word[i + 1] + word[i] + word[i + 2:]
    vowels = [j for j in range(1, len(word)) if word[j] in "aeiou"]
    if not vowels:
        return word
    j = rng.choice(vowels)
    return word[:j] + rng.choice("aeiou") + word[j + 1:]


def damage_words(text, rng, rate, known):
    """Misspells some of the long frequent words (`known`), joins or splits compounds."""
    words = text.split(" ")
    for i, word in enumerate(words):
        core = word.strip(",.;:?!")
        if len(core) > 4 and core in known and rng.random() < rate:
            words[i] = word.replace(core, misspell(core, rng), 1)
    text = " ".join(words)
    return COMPOUND.sub(lambda m: COMPOUNDS[m[0]] if rng.random() < 2 * rate else m[0], text)


def drop_punctuation(text, rng, ends, inner):
    """Loses sentence ends with probability `ends` (the next word loses its capital half of the
    time) and commas, colons and semicolons with probability `inner`; some turn into others."""
    out = []
    lowered = False
    for word in text.split(" "):
        if lowered and not (word.startswith("I'") or word == "I"):
            word = word[0].lower() + word[1:]
        lowered = False
        if word[-1] in ".?!" and rng.random() < ends:
            dice = rng.random()
            word = word[:-1] + ("," if dice < 0.08 else "." if dice < 0.16 else "")
            lowered = rng.random() < 0.6
        elif word[-1] in ",;:" and rng.random() < inner:
            word = word[:-1]
        elif word.isalpha() and rng.random() < inner * 0.02:
            word += ","
        if word:
            out.append(word)
    return " ".join(out)


def change_case(text, rng, rate):
    """Lower-cases each capitalised word with probability `rate`; rarely capitalises others."""
    return " ".join(
        w.lower() if w != w.lower() and rng.random() < rate
        else w.capitalize() if rate and w.islower() and rng.random() < 0.004 else w
        for w in text.split(" "))


def insert_fillers(text, rng, rate, plain):
    """Fillers before words; `plain` text has no commas or capitals around them."""
    out = []
    start = True
    for word in text.split(" "):
        while rng.random() < rate:
            filler = rng.choice(FILLERS)
            if rng.random() < 0.1:
                filler += " " + rng.choice(FILLERS)
            if not plain and start:
                filler = filler.capitalize()
                if rng.random() < 0.6:
                    word = word if word[:1] == "I" and len(word) < 5 else word[0].lower() + word[1:]
            if not plain and rng.random() < 0.7:
                filler += rng.choice((",", ",", "...", ".") if start else (",", ",", "..."))
                if out and not start and out[-1][-1].isalnum() and rng.random() < 0.6:
                    out[-1] += ","
            out.append(filler)
        start = word[-1:] in ".?!"
        out.append(word)
    if rng.random() < rate:
        out.append(rng.choice(FILLERS) + ("" if plain else "."))
    return " ".join(out)


def repeat_words(text, rng, rate):
    """Says one or two words twice, as speakers do."""
    words = text.split(" ")
    out = []
    i = 0
    while i < len(words):
        span = words[i:i + (2 if rng.random() < 0.3 else 1)]
        clean = all(w and w.replace("'", "").isalpha() for w in span)
        if clean and rng.random() < rate:
            echo = [span[0]] + span[1:]
            out += echo if rng.random() < 0.8 else echo[:-1] + [echo[-1] + ","]
            if span[0][0].isupper() and not span[0].startswith("I") and rng.random() < 0.7:
                span = [span[0].lower()] + span[1:]
        out += span
        i += len(span)
    return " ".join(out)


def corrupt(text, rng, known=frozenset()):
    """text: a correct paragraph. Returns the damaged one; about one in eight is left alone."""
    style = rng.random()
    if style < 0.12:
        return text
    homophones = rng.choice((0, 0.1, 0.25, 0.25))
    spelling = rng.choice((0, 0, 0, 0.03))
    fillers = rng.choice((0, 0, 0.03, 0.08))
    repeats = rng.choice((0, 0, 0.015, 0.04))
    text = swap_homophones(text, rng, homophones)
    if spelling:
        text = damage_words(text, rng, spelling, known)
    if style < 0.42:      # a good recogniser: nearly all punctuation, nearly all capitals
        text = drop_punctuation(text, rng, rng.choice((0, 0.1, 0.3)), rng.choice((0, 0.3, 0.8)))
        text = change_case(text, rng, rng.choice((0, 0, 0.1)))
        text = repeat_words(text, rng, repeats)
        return insert_fillers(text, rng, fillers, plain=False) or text
    if style < 0.77:      # bare words
        keep_case = rng.random() < 0.15
        text = drop_punctuation(text, rng, 1.0, 1.0)
        text = re.sub(r"[,;:?!]|\.(?= |$)", "", text) if rng.random() < 0.8 else text
        text = text if keep_case else text.lower()
        text = repeat_words(text, rng, repeats)
        return insert_fillers(text, rng, fillers, plain=True)
    text = drop_punctuation(text, rng, rng.choice((0.3, 0.6, 0.9)), rng.choice((0.3, 0.7, 1.0)))
    text = change_case(text, rng, rng.choice((0.2, 0.6, 1.0)))
    text = repeat_words(text, rng, repeats)
    return insert_fillers(text, rng, fillers, plain=rng.random() < 0.5)
