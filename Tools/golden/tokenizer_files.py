"""Byte-level BPE tokenizer files with the Qwen2 pattern and the Qwen3 added tokens."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, \
    pre_tokenizers, trainers

from files import write_json

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")

# Content and `special`, in the order of the published ids 151643...
TEXT_TOKENS = [
    ("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True),
    ("<|object_ref_start|>", True), ("<|object_ref_end|>", True), ("<|box_start|>", True),
    ("<|box_end|>", True), ("<|quad_start|>", True), ("<|quad_end|>", True),
    ("<|vision_start|>", True), ("<|vision_end|>", True), ("<|vision_pad|>", True),
    ("<|image_pad|>", True), ("<|video_pad|>", True), ("<tool_call>", False),
    ("</tool_call>", False), ("<|fim_prefix|>", False), ("<|fim_middle|>", False),
    ("<|fim_suffix|>", False), ("<|fim_pad|>", False), ("<|repo_name|>", False),
    ("<|file_sep|>", False), ("<tool_response>", False), ("</tool_response>", False),
    ("<think>", False), ("</think>", False)]
AUDIO_TOKENS = [("<|audio_start|>", True), ("<|audio_end|>", True), ("<|audio_pad|>", True),
                ("<asr_text>", False), ("<timestamp>", False)]

# Plain ChatML with the thinking switch of Qwen3.
CHATML = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content "
    "+ '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and not enable_thinking %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}")

CORPUS = """The quick brown fox jumps over the lazy dog. She said that we should have met them there.
You are a helpful assistant. The user and the assistant talk about the weather in the city.
system user assistant language English language Chinese language German language None
One recording was transcribed, then another; the other one was not. It's what they're here for.
In the morning there is nothing better than bread with butter and some strong coffee.
Numbers such as 1 and 22 and 333, names such as Paris, London and Berlin, and (brackets).
Please correct the transcript: keep every word, fix the punctuation, remove the fillers.
    for index in range(10):\n        print(index, "value")\n    return result
Das ist eine kurze Probe. Le chat est sur la table. \u4f60\u597d\u4e16\u754c\u3002\u5e7f\u4e1c\u8bdd\u548c\u4e2d\u6587\u3002
"""

HOSTILE = [
    "", " ", "  ", "\n", " \n ", "\t\tx", "a\r\nb\r\n\r\nc", "hello   world  ", "I'M he'S you'Ll 's",
    "it\u2019s", "'\u017f", "x'T'tt", "12345 \u00b2\u00bd\u2167\u0663", "e\u0301 \u00e9 \u1e9b\u0323 \ufb01",
    "\uac00\u1100\u1161\u11a8", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u5605\u5514\u5481\u55ba", "\U0001f469\u200d\U0001f4bb\U0001f1e9\U0001f1ea ok",
    "\u00a0\u3000x\u2003 y", "\u200b\ufeffz", "a\u0000b\u007f\u0085c", "<|im_start|>user\nhi<|im_end|>",
    " <|im_end|> <|im_end|>", "<|im_end", "<|im_start|><|im_start|>", "<think></think><asr_text>",
    "<<think>>", "__init__(self, *args) -> None:\n\n\n    pass  # \u2713", "!!!???...\n\n...", "((((a))))",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "na\u00efve caf\u00e9 \u212b \u0344",
    "the " * 12, "antidisestablishmentarianism" * 3, "\ud55c\uad6d\uc5b4 \u65e5\u672c\u8a9e\u30ab\u30bf\u30ab\u30ca"]


def added(tokens, first: int) -> list[dict]:
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False)
    return [dict(id=first + i, content=c, **flags, special=s) for i, (c, s) in enumerate(tokens)]


def untrained(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False)
    return tokenizer


def add_tokens(tokenizer: Tokenizer, tokens):
    for content, special in tokens:
        token = AddedToken(content, single_word=False, lstrip=False, rstrip=False,
                           normalized=False, special=special)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])


def byte_alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def train(size: int, tokens) -> Tokenizer:
    """A tokenizer of `size` ids in total, the added tokens last."""
    tokenizer = untrained(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(tokens), min_frequency=1, show_progress=False,
        initial_alphabet=byte_alphabet())
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    assert tokenizer.get_vocab_size() == size - len(tokens), tokenizer.get_vocab_size()
    add_tokens(tokenizer, tokens)
    return tokenizer


def merges_of(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(m.split(" ") if isinstance(m, str) else m) for m in merges]


def write_tokenizer(directory: Path, tokenizer: Tokenizer, tokens, template: str | None,
                    fast: bool = True, indent: int | None = None):
    """tokenizer.json (or vocab.json and merges.txt, as Qwen publishes) and its configuration."""
    if fast:
        write_json(directory / "tokenizer.json", json.loads(tokenizer.to_str()), indent)
    else:
        vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
        write_json(directory / "vocab.json", vocabulary, indent=None)
        merges = [" ".join(m) for m in merges_of(tokenizer)]
        (directory / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    decoder = {str(t.pop("id")): t for t in added(tokens, tokenizer.token_to_id(tokens[0][0]))}
    config = dict(
        add_bos_token=False, add_prefix_space=False, added_tokens_decoder=decoder,
        additional_special_tokens=[c for c, special in tokens[1:] if special], bos_token=None,
        clean_up_tokenization_spaces=False, eos_token="<|im_end|>", errors="replace",
        model_max_length=131072, pad_token="<|endoftext|>", split_special_tokens=False,
        tokenizer_class="Qwen2Tokenizer", unk_token=None)
    if template:
        config["chat_template"] = template
    write_json(directory / "tokenizer_config.json", config, indent=2)


def hostile_cases(tokenizer: Tokenizer) -> list[dict]:
    """Texts with their ids and the text that the ids decode to."""
    cases = []
    for text in HOSTILE:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        cases.append(dict(text=text, ids=ids, decoded=decoded))
    return cases
