"""Texts of recordings without hesitations, as the proofreader should write them, for e2e.sh.

    python references.py RECORDINGS REFERENCES
"""

import re
import sys
from pathlib import Path

# As insert_filler of ../asr/texts.py puts them.
HESITATION = re.compile(r", (?:um|uh|er|you know|I mean), ")


def main():
    recordings, references = map(Path, sys.argv[1:3])
    for path in sorted(recordings.glob("*/*.txt")):
        out = references / path.relative_to(recordings)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(HESITATION.sub(" ", path.read_text()))


if __name__ == "__main__":
    main()
