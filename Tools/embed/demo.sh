#!/bin/bash
# Search by meaning with a real model: indexes this project's own pages and asks them questions.
# usage: Tools/embed/demo.sh MLXI
set -euo pipefail
mlxi=$(realpath "${1:?usage: demo.sh MLXI}")
cd "$(dirname "$0")/../.."
model=.build/models/all-MiniLM-L6-v2
Tools/embed/fetch_minilm.sh "$model"
index=$(mktemp -d)/pages.db
trap 'rm -rf "$(dirname "$index")"' EXIT
echo "== $mlxi embed index README.md references --into pages.db -m $model"
"$mlxi" embed index README.md references --into "$index" -m "$model"
for query in \
  "which languages' characters does the proofreader leave alone" \
  "what happens to a recording that cannot be read" \
  "my conversation is too long for the model" \
  "is the quantized model as good as the original"
do
  echo
  echo "== $mlxi embed search pages.db -k 2 \"$query\""
  "$mlxi" embed search "$index" -k 2 --quiet "$query" | sed "s|$PWD/||"
done
echo
echo "== cosine to the sentence \"A man is playing a guitar.\""
"$mlxi" embed -m "$model" --quiet "A man is playing a guitar." "Someone plays an instrument." \
  "A man is eating pasta." "The stock market fell sharply." | python3 -c '
import json, sys
texts = ["Someone plays an instrument.", "A man is eating pasta.", "The stock market fell sharply."]
first, *rest = (json.loads(line)["embedding"] for line in sys.stdin)
for text, vector in zip(texts, rest):
    print(f"{sum(a * b for a, b in zip(first, vector)):6.3f}  {text}")'
