#!/bin/bash
# The daemon over copies of the bundled recordings: prints what was heard, what was corrected, how
# fast, and the word error rate where a reference text lies beside the recording.
#
# Usage: Tools/demo.sh path/to/mlxi
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1
samples=Models/samples
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

shopt -s nullglob
recordings=("$samples"/*.{wav,flac,mp3,m4a,ogg,opus,webm})
if [[ ${#recordings[@]} -eq 0 ]]; then
    echo "demo: no recordings in $samples" >&2
    exit 3
fi
cp "${recordings[@]}" "$folder/"

"$binary" watch --once "$folder" >/dev/null

# The paragraphs of a page, without its header of facts and the notes of the edit guard.
body() {
    awk '/^> / { next } started && NF { print; next } /^- / { header = 1; next }
         header && !NF { started = 1 }' "$1"
}

# Word error rate in percent: edits of words over words of the reference, both in lower case and
# without punctuation.
word_error_rate() {
    words() { tr '[:upper:]' '[:lower:]' <"$1" | tr -c "[:alnum:]'\n" ' ' | tr '\n' ' '; }
    awk -v reference="$(words "$1")" -v heard="$(words "$2")" 'BEGIN {
        n = split(reference, a, " "); m = split(heard, b, " ")
        for (j = 0; j <= m; j++) row[j] = j
        for (i = 1; i <= n; i++) {
            diagonal = row[0]; row[0] = i
            for (j = 1; j <= m; j++) {
                best = diagonal + (a[i] != b[j])
                if (row[j] + 1 < best) best = row[j] + 1
                if (row[j - 1] + 1 < best) best = row[j - 1] + 1
                diagonal = row[j]; row[j] = best
            }
        }
        printf "%d of %d words wrong, %.1f %%", row[m], n, n ? 100 * row[m] / n : 0
    }'
}

status=0
for recording in "${recordings[@]}"; do
    name=$(basename "$recording")
    stem=${name%.*}
    echo
    echo "=== $name"
    if [[ -f $folder/failed/${stem}_error.txt ]]; then
        cat "$folder/failed/${stem}_error.txt"
        status=1
        continue
    fi
    for kind in raw corrected; do
        body "$folder/done/${stem}_$kind.md" >"$folder/$kind.txt"
        printf '%-10s %s\n' "$kind" "$(cat "$folder/$kind.txt")"
    done
    reference=$samples/$stem.txt
    if [[ -f $reference ]]; then
        printf '%-10s %s\n' reference "$(cat "$reference")"
        printf '%-10s %s\n' errors "raw: $(word_error_rate "$reference" "$folder/raw.txt");" \
            "" "corrected: $(word_error_rate "$reference" "$folder/corrected.txt")"
    fi
    grep -h '^- transcribed in' "$folder/done/${stem}_raw.md" | sed 's/^- /speed      /'
done
exit $status
