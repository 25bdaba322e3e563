"""Train the tokenizer: byte-level BPE with the pre-tokenizer and special tokens of Qwen3-ASR.

    python vocabulary.py --sentences sentences.txt --out DIR
"""

import argparse
import json
import os
import random as randomness

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

import everyday
from texts import Texts

VOCABULARY_SIZE = 1024
QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = (
    "<|endoftext|> <|im_start|> <|im_end|> <|audio_start|> <|audio_end|> <|audio_pad|>".split()
)
ASR_TEXT = "<asr_text>"
PROMPT_WORDS = "system\nuser\nassistant\nlanguage English\nlanguage None\n"


def train(sentence_file, seed):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_WORDS), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    random = randomness.Random(seed)
    texts = Texts(sentence_file)
    lines = random.sample(texts.documentation, min(60_000, len(texts.documentation)))
    lines += [everyday.sentence(random) for _ in range(60_000)]
    lines += [texts.word_sequence(random) for _ in range(20_000)]
    lines += [PROMPT_WORDS] * 20_000
    added = [AddedToken(token, special=True, normalized=False) for token in SPECIAL]
    added.append(AddedToken(ASR_TEXT, special=False, normalized=False))
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(added),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_tokens(added)
    return tokenizer


def tokenizer_config(tokenizer):
    decoder = {}
    for token in SPECIAL + [ASR_TEXT]:
        entry = {"content": token, "lstrip": False, "normalized": False, "rstrip": False}
        entry |= {"single_word": False, "special": token != ASR_TEXT}
        decoder[str(tokenizer.token_to_id(token))] = entry
    return {
        "added_tokens_decoder": decoder,
        "additional_special_tokens": SPECIAL[1:],
        "add_prefix_space": False,
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 4096,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    tokenizer = train(arguments.sentences, arguments.seed)
    tokenizer.save(os.path.join(arguments.out, "tokenizer.json"))
    with open(os.path.join(arguments.out, "tokenizer_config.json"), "w") as file:
        json.dump(tokenizer_config(tokenizer), file, indent=2)
    print(tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
