"""Harvests clean English sentences from the documentation installed on this machine.

    python corpus.py OUT.txt

Sources: HTML manuals, man pages, info files, plain text under /usr/share/doc, and the docstrings
of every installed Python package. One paragraph a line, its sentences separated by a tab; only
paragraphs that look like prose survive. Nothing is downloaded and the harvest is not committed.
"""

import ast
import gzip
import html
import re
import sys
from pathlib import Path

MIN_WORDS, MAX_WORDS = 4, 40
MAX_SENTENCES = 6
MAX_FILE_BYTES = 400_000

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Dr|St|No|Fig|Sec|al|approx|resp)\.$")
CODE_MARK = re.compile(r"[_{}<>|\\=*`~^@#\[\]$/&+]|\(\)|::|\.\w|\w\.\w|--|\"|;.*;|''|\d[a-z]|[a-z][A-Z]|%")
WORDY = re.compile(r"^[A-Za-z][a-z]*(?:['-][A-Za-z]+)*$")


def sentences_of(paragraph):
    """Splits a paragraph at sentence ends, keeping common abbreviations together."""
    pieces = []
    for piece in SENTENCE_END.split(paragraph):
        if pieces and ABBREVIATION.search(pieces[-1]):
            pieces[-1] += " " + piece
        else:
            pieces.append(piece)
    return pieces


def is_prose(sentence):
    """True for a complete sentence of ordinary words that somebody could have dictated."""
    words = sentence.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return False
    if not sentence[0].isupper() or sentence[-1] not in ".?!" or CODE_MARK.search(sentence[:-1]):
        return False
    if sentence.endswith("..") or sentence.count("(") + sentence.count(":") > 1:
        return False
    if "(" in sentence or ")" in sentence or "e.g" in sentence or "i.e" in sentence:
        return False
    plain = sum(bool(WORDY.match(w.strip(",.;:!?"))) for w in words)
    if plain < 0.85 * len(words):
        return False
    capitals = sum(w.isupper() and len(w) > 1 for w in words)
    return capitals <= 2 and not words[0].isupper() or words[0] in ("I", "A")


def clean(text):
    text = (text.replace("\u2019", "'").replace("\u2018", "'").replace("\u2014", ", ")
            .replace("\u201c", '"').replace("\u201d", '"').replace("\u00a0", " "))
    return re.sub(r"\s+", " ", text).strip()


def prose_runs(text):
    """Yields runs of neighbouring prose sentences, at most MAX_SENTENCES long."""
    for block in re.split(r"\n\s*\n", text):
        run = []
        for sentence in sentences_of(clean(block)) + [""]:
            if sentence and sentence.isascii() and is_prose(sentence):
                run.append(sentence)
            if run and (not sentence or run[-1] != sentence or len(run) == MAX_SENTENCES):
                yield run
                run = []


def from_html(data):
    data = re.sub(r"(?s)<(script|style|pre|nav|table|dt|h\d).*?</\1>", "\n\n", data)
    data = re.sub(r"(?s)<code[^>]*>(.*?)</code>", r" `\1` ", data)
    data = re.sub(r"</?(p|li|div|br|td|dd|ul|ol|section|blockquote)\b[^>]*>", "\n\n", data)
    return html.unescape(re.sub(r"<[^>]+>", "", data))


def from_man(data):
    lines = []
    for line in data.splitlines():
        if line.startswith((".SH", ".SS", ".TP", ".PP", ".P", ".IP", ".LP", ".Pp", ".It", ".Sh", ".sp", ".br")):
            lines.append("")
        elif line.startswith((".", "'")):
            lines.append("\n`")
        else:
            lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"\\f[A-Z](\w+)\\f[A-Z]", r"\1", text)
    return text.replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "").replace("\\ ", " ")


def from_python(data):
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    docs = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            docs.append(ast.get_docstring(node) or "")
    comments = re.findall(r"(?m)(?:^[ \t]*#[^\n!]*\n)+", data)
    docs += [re.sub(r"(?m)^[ \t]*# ?", "", c) for c in comments]
    return "\n\n".join(docs)


def read(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="ignore") as handle:
        return handle.read(MAX_FILE_BYTES)


def sources():
    """Yields (path, reader) for every documentation file; skips translations of the man pages."""
    home = Path.home()
    rust = sorted((home / ".rustup/toolchains").glob("stable*/share/doc/rust/html"))
    for root in rust[:1]:
        for part in ("book", "reference", "rust-by-example", "nomicon", "edition-guide", "cargo",
                     "rustc", "error_codes", "embedded-book", "clippy", "style-guide",
                     "unstable-book"):
            for path in sorted((root / part).rglob("*.html")):
                yield path, from_html
    for section in range(1, 9):
        for path in sorted(Path(f"/usr/share/man/man{section}").glob("*")):
            yield path, from_man
    for path in sorted(Path("/usr/share/info").glob("*.gz")):
        yield path, str
    for root in ("/usr/share/doc", "/usr/share/vim", "/usr/share/cmake-3.25/Help",
                 "/usr/lib/node_modules"):
        for path in sorted(Path(root).rglob("*")):
            name = path.name
            if name.endswith((".html", ".htm", ".html.gz")):
                yield path, from_html
            elif name.endswith((".txt", ".rst", ".md", ".txt.gz", ".md.gz", "README", "README.gz")):
                yield path, str
    for root in (home / ".pyenv/versions/3.11.7/lib", Path(sys.prefix) / "lib",
                 Path("/usr/lib/python3"), Path("/usr/lib/google-cloud-sdk/lib")):
        for path in sorted(root.rglob("*.py")):
            yield path, from_python


def main():
    seen, paragraphs = set(), 0
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for path, reader in sources():
            if not path.is_file():
                continue
            try:
                text = reader(read(path))
            except (OSError, EOFError):
                continue
            for run in prose_runs(text):
                fresh = [s for s in run if s not in seen]
                if fresh:
                    seen.update(fresh)
                    paragraphs += 1
                    out.write("\t".join(fresh) + "\n")
    print(f"{paragraphs} paragraphs, {len(seen)} sentences", file=sys.stderr)


if __name__ == "__main__":
    main()
