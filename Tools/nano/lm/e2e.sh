#!/bin/bash
# Speech to nano-asr to nano-lm, with the guard, as in references/nano.md:
#   e2e.sh MLXI NANO_ASR NANO_LM RECORDINGS REFERENCES OUT [SET...]
# RECORDINGS/SET/*.wav are those of `data.py --recordings`; REFERENCES/SET/*.txt are their texts, for
# a fair count without hesitations. Each set is transcribed without and with --proofread.
set -eu
mlxi=$1 asr=$2 lm=$3 recordings=$4 references=$5 out=$6
shift 6
for set in "${@:-seen unseen-espeak unseen-flite general}"; do
    for name in $set; do
        for how in heard proofread; do
            options=()
            [ $how = proofread ] && options=(--proofread --proofread-model "$lm")
            echo "$name, $how:"
            "$mlxi" transcribe -m "$asr" "$recordings/$name" --reference "$references/$name" \
                -o "$out/$name-$how" "${options[@]}" 2>&1 | grep -iE "error|word" | tail -3
        done
    done
done
