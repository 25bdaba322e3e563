"""Other ways to ask the questions of qa.jsonl, and questions that nano-lm cannot answer.

Rules for the beginnings of questions and synonyms for words in them: a small network that has seen
each question in one wording only does not know it in another.
"""

import json
import re
from pathlib import Path

import grammar

# (beginning of a question, beginnings that mean the same); \1 is the rest of the question.
BEGINNINGS = (
    (r"How (?:do|can|could) I (.*)\?", (
        r"How can I \1?", r"How could I \1?", r"How to \1?", r"How would I \1?",
        r"What is the way to \1?", r"Is there a way to \1?", r"I want to \1.",
        r"I would like to \1.", r"I need to \1.", r"Show me how to \1.", r"Tell me how to \1.",
        r"Can you tell me how to \1?", r"Which command do I need to \1?", r"What do I type to \1?",
        r"What is the command to \1?", r"Explain how to \1.", r"How does one \1?", r"Can I \1?",
        r"I'd like to \1, how?", r"I have to \1, which command?", r"What must I do to \1?",
        r"What is the easiest way to \1?", r"How should I \1?", r"Is it possible to \1?",
        r"Help me to \1.", r"Which option lets me \1?")),
    (r"Which command (\w+)s (.*)\?", (
        r"What command \1s \2?", r"What is the command that \1s \2?", r"What do I run to \1 \2?",
        r"How do I \1 \2?", r"Is there a command to \1 \2?", r"Which subcommand \1s \2?")),
    (r"Which option (?:sets|is for|gives) (.*)\?", (
        r"What option sets \1?", r"How do I set \1?", r"Which flag sets \1?",
        r"What is the option for \1?", r"What is the flag for \1?", r"How do I change \1?",
        r"Where do I set \1?", r"How is \1 set?")),
    (r"(?:Can|Could) (?:it|mlxi|you|chat|embed) (.*)\?", (
        r"Can mlxi \1?", r"Can it \1?", r"Is it able to \1?", r"Is mlxi able to \1?",
        r"Could it \1?", r"Can this program \1?", r"Can I have it \1?", r"Will it \1?",
        r"How do I make it \1?", r"Does it know how to \1?")),
    (r"Can I (.*)\?", (
        r"May I \1?", r"Is it possible to \1?", r"How can I \1?", r"Could I \1?",
        r"Am I able to \1?", r"Is there a way to \1?", r"I want to \1, can I?")),
    (r"Does (?:it|mlxi) (.*)\?", (
        r"Does mlxi \1?", r"Does it \1?", r"Will it \1?", r"Will mlxi \1?",
        r"Does this program \1?", r"Does it really \1?")),
    (r"Do I (?:need|have to) (.*)\?", (
        r"Must I have \1?", r"Is it necessary to have \1?", r"Does it need \1?",
        r"Do I really need \1?", r"Will I need \1?", r"Does mlxi require \1?",
        r"Does it work without \1?")),
    (r"Is there (.*)\?", (r"Do you have \1?", r"Does mlxi have \1?", r"Does it have \1?")),
    (r"What does (.*) (?:do|mean)\?", (
        r"What is \1?", r"What is \1 for?", r"What is the meaning of \1?", r"Explain \1.",
        r"Tell me about \1.", r"When do I use \1?", r"Describe \1.", r"What is \1 good for?",
        r"What happens with \1?", r"What is the purpose of \1?", r"Why would I use \1?",
        r"I saw \1, what is that?")),
    (r"What is (.*)\?", (
        r"What's \1?", r"Explain \1.", r"Tell me what \1 is.", r"Tell me about \1.",
        r"What exactly is \1?", r"Describe \1.", r"What do you call \1?", r"Can you explain \1?")),
    (r"What happens (.*)\?", (
        r"Tell me what happens \1.", r"What will happen \1?", r"What does mlxi do \1?",
        r"Do you know what happens \1?", r"What becomes of it \1?")),
    (r"What if (.*)\?", (
        r"What happens if \1?", r"What happens when \1?", r"What should I do if \1?",
        r"And if \1?", r"What do I do when \1?")),
    (r"Which (.*)\?", (r"What \1?", r"Tell me which \1.", r"Do you know which \1?")),
    (r"Where (?:is|are|do|does|should|were) (.*)\?", (
        r"In which place is \1?", r"Where can I find \1?", r"Where would I look for \1?")),
    (r"Why (.*)\?", (r"What is the reason why \1?", r"Tell me why \1.", r"How come \1?")),
    (r"It says (.*)\.", (
        r"I get the error \1.", r"The message is \1.", r"It tells me \1.", r"What does \1 mean?",
        r"I see \1, what now?", r"It stopped and said \1.", r"Why does it say \1?",
        r"It failed with \1.", r"What do I do about \1?")),
)
SYNONYMS = {
    "folder": "directory", "directory": "folder", "recording": "audio file|recording|sound file",
    "recordings": "audio files|recordings|sound files", "file": "recording|audio|document",
    "option": "flag|switch|setting", "choose": "select|pick|set|change", "get": "obtain|have|create",
    "write": "save|make|create|produce", "make": "create|write|get|produce",
    "show": "display|print|list", "start": "run|launch|open|begin with", "run": "start|execute|use",
    "stop": "end|quit|cancel|halt", "set": "change|choose|specify|give", "fix": "correct|repair|mend",
    "remove": "delete|drop|get rid of|strip", "picture": "image|photo", "image": "picture|photo|scan",
    "machine": "computer|laptop|PC", "see": "view|look at|find|know", "leave": "quit|exit|end|close",
    "quit": "exit|leave|end", "continue": "resume|go on with|pick up", "retry": "try again|repeat",
    "transcribe": "transcribe|turn into text|convert to text|write down", "text": "text|words",
    "answer": "answer|reply|output", "measure": "measure|test|find out|compute", "score": "rate|check",
    "find": "find|look for|locate", "search": "look through|query|search", "save": "save|keep|store",
    "subtitles": "subtitles|captions", "film": "video|movie", "video": "film|movie|clip",
    "speed": "speed|performance", "fast": "fast|quick", "large": "large|big", "big": "large",
    "add": "attach|include|give", "silence": "hide|turn off|mute", "hide": "silence|turn off",
    "finished": "done|completed|processed", "language": "language|spoken language",
    "conversation": "chat|conversation|dialogue", "chat": "chat|conversation|talk",
    "network": "internet|connection", "internet": "network|internet connection|web",
    "files": "recordings|files|documents", "limit": "limit|restrict|cap", "kept": "preserved|left",
    "install": "install|set up|put", "build": "build|compile|make", "punctuation": "commas and periods",
    "supported": "supported|understood|accepted|possible", "format": "format|file format|kind of file",
    "formats": "formats|file formats|kinds of files", "many": "many|several|lots of",
    "models": "models|checkpoints", "load": "open|load|restore", "wait": "wait|pause",
    "index": "index|database", "vectors": "vectors|embeddings", "similar": "similar|related|close",
    "meaning": "meaning|sense|content", "force": "force|require|guarantee", "use": "use|work with|take",
    "environment": "shell|environment", "error": "error|problem|message", "turn": "turn|convert",
    "disable": "turn off|switch off", "killed": "killed|stopped|interrupted", "twice": "two times|again",
}  # fmt: skip
SYNONYMS = {word: options.split("|") for word, options in SYNONYMS.items()}
SMALL = frozenset("""
how do i the a an of to can could you is are it my what which does from with for in on me there be
will would should this that have has want need please just so then now at by tell about any some
""".split())
BEFORE = ("Please tell me: ", "Hi! ", "Quick question: ", "Hello, ", "Excuse me, ", "One question: ")
AFTER = (" with mlxi", " in mlxi", " here", " with this program", " on my machine", " please")
UNKNOWN = """
Who <deed> the <noun>?|Who <deed> the <adj> <noun> of <city>?|Who is <first> <last>?|Who was the <ord> <job> of <country>?|When was <first> <last> born?|When did <country> win the <noun>?|What is the capital of <country>?|What is the population of <city>?|What language do they speak in <country>?|What is the largest <noun> in <country>?|What is the <superlative> <noun>?|What is the <superlative> <noun> in the world?|How <measure> is the <noun>?|How <measure> is <city>?|How many <plural> are there in <country>?|How do I cook <food>?|How do I get to <city>?|Tell me a <tale>.|Tell me a <tale> about a <noun>.|Tell me something about <city>.|Write a <tale> about the <noun>.|Write a letter to <first>.|Give me some <noun> ideas.|Give me a recipe for <food>.|Give me a list of <plural>.|Recommend a <noun> in <city>.|Suggest a name for my <noun>.|What should I give my <rel>?|Where is <city>?|Where can I buy <plural>?|Why is the <noun> <adj>?|Is <city> bigger than <city>?|Do you like <food>?|Are you <feel>?|Translate this into <language>.|How do you say <noun> in <language>?|What is <int> times <int>?|What is <int> plus <int>?|What will the weather be like on <day>?|What happened in <year>?|Which <noun> should I buy?|What does <company> sell?|Who founded <company>?|What is a <noun>?|Explain the <noun> to me.|What do you think about <food>?|Do you know <first> <last>?
""".strip().split("|")
DEEDS = "wrote painted discovered invented built won made composed directed founded".split()
TALES = "story joke poem song fairy_tale riddle speech".split()
SUPERLATIVES = "largest oldest tallest deepest longest fastest smallest best heaviest richest".split()
MEASURES = "big old tall far deep long heavy hot expensive fast".split()
JOBS = "king queen president minister emperor captain".split()
OWN = {"deed": DEEDS, "tale": TALES, "superlative": SUPERLATIVES, "measure": MEASURES, "job": JOBS}


CHOICE = re.compile(r"\{([^{}]*)\}")
ASKING = frozenset("how what which who where why when is are can could do does will would may must".split())
PATTERN_SHARE = 0.5
HERE = Path(__file__).parent


def load_wordings(path=HERE / "wordings.txt"):
    """The lists of the file, and for the first question of each item its patterns."""
    lists, patterns, current = {}, {}, None
    for line in Path(path).read_text().splitlines():
        if line.startswith("= "):
            current = patterns.setdefault(line[2:], [])
        elif line.strip() and not line.startswith("#"):
            if current is None:
                name, _, options = line.partition(": ")
                lists[name] = options.split("|")
            else:
                current.append(line)
    return lists, patterns


LISTS, PATTERNS = load_wordings()


def worded(pattern, rng):
    """A question or request made of a pattern of wordings.txt."""
    def pick(match):
        if "|" not in match[1] and match[1] in LISTS:
            return rng.choice(LISTS[match[1]])
        return rng.choice(match[1].split("|"))

    text = re.sub(r"\[([^\[\]]*)\]", lambda m: m[1] if rng.random() < 0.5 else "", pattern)
    while CHOICE.search(text):
        text = CHOICE.sub(pick, text)
    text = " ".join(text.split()).replace(" ,", ",")
    asks = text.split()[0].lower() in ASKING
    return text[0].upper() + text[1:] + ("?" if asks else ".")


def content(question):
    """The words of a question that are not small, without a plural's s."""
    words = re.findall(r"[-/~\w.]*\w", question.lower())
    return frozenset(w.rstrip("s") or w for w in words if w not in SMALL)


def held_out_contents(folder=HERE / "tests"):
    """The content words of each question that evaluate.py asks: no training question has the same."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return frozenset(content(json.loads(line)["question"]) for line in lines)


HELD_OUT = held_out_contents()


def asked(item, rng):
    """A question for one item of qa.jsonl in some words, none that evaluate.py asks."""
    while True:
        patterns = PATTERNS.get(item["questions"][0], ())
        if patterns and rng.random() < PATTERN_SHARE:
            question = loosely(worded(rng.choice(patterns), rng), rng)
        else:
            question = paraphrase(rng.choice(item["questions"]), rng)
        if content(question) not in HELD_OUT:
            return question


def reworded(question, rng):
    """The question as someone else would ask it."""
    if rng.random() < 0.6:
        for pattern, others in BEGINNINGS:
            if re.fullmatch(pattern, question):
                return re.sub(f"^{pattern}$", lambda m: m.expand(rng.choice(others)), question)
    return question


def with_synonyms(question, rng, rate=0.25):
    def swap(match):
        options = SYNONYMS.get(match[0])
        return rng.choice(options) if options and rng.random() < rate else match[0]

    return re.sub(r"(?<![-/\w.])[a-z]+(?![-/\w])", swap, question)


def loosened(question, rng):
    """The question with small words lost, added or moved: what counts are the others."""
    words, out = question.split(" "), []
    for word in words:
        if word.lower() in SMALL and rng.random() < 0.2:
            continue
        if rng.random() < 0.05:
            out.append(rng.choice(sorted(SMALL)))
        out.append(word)
        if len(out) > 1 and rng.random() < 0.04:
            out[-2:] = out[:-3:-1]
    text = " ".join(out or words)
    return text[0].upper() + text[1:]


def paraphrase(question, rng):
    """A question in other words, sometimes the same."""
    question = reworded(question, rng)
    return loosely(with_synonyms(question, rng), rng)


def loosely(question, rng):
    """The question as it is typed: with small words lost, a greeting, or without marks."""
    if rng.random() < 0.4:
        question = loosened(question, rng)
    dice = rng.random()
    if dice < 0.08 and question[-1] in "?." and len(question) > 12:
        question = question[:-1] + rng.choice(AFTER) + question[-1]
    elif dice < 0.16:
        question = rng.choice(BEFORE) + question
    dice = rng.random()
    if dice < 0.2:
        question = question.lower().rstrip("?.")
    elif dice < 0.3:
        question = question.rstrip("?.")
    return question


def unknown(rng):
    """A question that has nothing to do with mlxi."""
    def fill(match):
        name = match[1]
        if name in OWN:
            return rng.choice(OWN[name]).replace("_", " ")
        made = grammar.SPECIAL.get(name)
        return made(rng) if made else rng.choice(grammar.WORDS[name])

    question = re.sub(r"<(\w+)>", fill, rng.choice(UNKNOWN))
    return question.lower().rstrip("?.") if rng.random() < 0.15 else question
