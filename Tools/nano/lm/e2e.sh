#!/bin/bash
# Speech to nano-asr to nano-lm with the guard, the table "End to end" of references/nano.md:
#
#   e2e.sh MLXI NANO_ASR NANO_LM RECORDINGS REFERENCES OUT [SET...]
#
# RECORDINGS/SET/*.wav are those of asr/data.py --recordings, REFERENCES/SET/*.txt their texts without
# hesitations. Prints one line a set: error rates as heard and after proofreading.
set -eu
mlxi=$1 asr=$2 lm=$3 recordings=$4 references=$5 out=$6
shift 6
[ $# -gt 0 ] || set -- general seen unseen-espeak unseen-flite
for name in "$@"; do
    rm -rf "$out/$name"
    "$mlxi" transcribe -m "$asr" "$recordings/$name" --reference "$references/$name" \
        --proofread --proofread-model "$lm" -o "$out/$name" 2>&1 | tail -n 1 | sed "s/^/$name: /"
done
