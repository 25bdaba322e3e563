"""JSON as the published directories hold it."""

import json
from pathlib import Path


def write_json(path: Path, value, indent=4):
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")
