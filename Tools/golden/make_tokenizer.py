"""Small tokenizers and what the reference makes of hostile texts.

    python make_tokenizer.py OUT_FOLDER [FUZZ_COUNT]

Needs tokenizers 0.23.3. Trains one tokenizer per kind on the text below, writes each as
OUT_FOLDER/KIND/tokenizer.json, and the reference's answers as OUT_FOLDER/golden.json. The WordPiece
trainer breaks ties at random, so the two always belong together. A large FUZZ_COUNT makes a set to
be tested by MLXI_TOKENIZER_GOLDEN=OUT_FOLDER and not committed.
"""

import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

SEED = 7
VOCABULARY_SIZE = 640

TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL,
    "llama3": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL,
    "marks": CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + TAIL,
}
# DeepSeek V3 and R1 cut three times; what no match covers is a piece too.
STRETCHES = {
    "digits": r"\p{N}{1,3}",
    "ideographs": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "deepseek": r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"""| ?[\p{P}\p{S}]+[\r\n]*|""" + TAIL,
}

CORPUS = """
The kettle had been singing for a while before anybody noticed that the window was open. She said
it wasn't the wind, they're always saying that, and we'll see; I'd rather you've asked me first.
A quick test of numbers: 1, 12, 123, 1234 and 3.14159, then 2024-11-20 at 17:45 o'clock.
def merge(left, right):\n    return [left] + [right] if left < right else [right, left]\n
for (int i = 0; i < n; ++i) { sum += values[i] * weights[i]; }  // the inner product
Das Mädchen hörte früh die Vögel; größer, schöner, über, für, können, müssen, dürfen.
L'été dernier, nous étions à côté de la forêt où l'âge ne compte guère, déjà, peut-être.
今天天气很好，我们去公园散步吧。你喜欢吃什么？我喜欢吃面条和饺子。人工智能正在改变世界。
佢哋嘅屋企喺嗰度，唔係好遠咁。我哋今日去咗飲茶，好開心呀。
こんにちは、世界。これはテストです。ひらがなとカタカナと漢字が混ざっています。
안녕하세요 세계. 이것은 시험입니다. 한국어 문장을 몇 개 적어 봅니다.
Привет, мир. Это проверка. Как дела сегодня, что нового на работе?
مرحبا بالعالم. هذا اختبار. שלום עולם, זה מבחן.
the the the there their then than that this those these with which while where when what
"""

STRINGS = [
    "", " ", "  ", "   a", "a   ", "\n", "\n\n\n", " \n \n ", "\r\n", "a\r\n\r\nb", "\t\tx\t", "  \n  a",
    "hello world", "Hello, World!", "it's we'RE I'LL you'Ve he'D 'tis 'S", "'\u017f x'\u017f y",
    "don\u2019t l\u2019\u00e9t\u00e9", "1 12 123 1234 12345678901", "\u00b2\u00b3 \u00bd \u2167 \u0663\u0664\u0665 \u4e09",
    "a1b2c3", "foo_bar(baz)[0]->qux::quux;", "...!!!???\n\n", " ...\r\n next", "$5 + \u20ac6 = \u00a311^2",
    "e\u0301 \u00e9 e\u0301\u0302 a\u030a \u212b \u2126", "\u0301 \u0301a x\u0301\u0302y", "\u1100\u1161\u11a8 \uac00\u11a8 \ud55c\uae00",
    "\u0958 \u0915\u093c \u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea\U0001f3fd",
    "\u4f60\u597d\uff0c\u4e16\u754c\uff01", "\u5622\u5514\u5481\u55ba\u4f62\u54cb\u563a", "\u3053\u3093\u306b\u3061\u306f\u3002\u304b\u3099 \u30ab\u3099",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u202eabc\u202c", "x\u0085y \u0085 z", "\u3000\u3000a\u3000b", "a\u00a0b \u00a0 c", "zero\u200bwidth\ufeff.",
    "nul\u0000byte \u0001\u007f", "\u2028line\u2029para", "a" * 300, "ab " * 40, "\u00e4" * 120, "=" * 70, " " * 60 + "x",
    "\n" * 40, "the" * 90, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_end|><|im_end|>", "a <think> b</think>c",
    "<|im_en", "<|im_end|", "x<|im_start|><think>y", "[CLS] a [MASK]. [SEP]", "<mask> lstrip  <mask>  rstrip", "a<alone>b <alone> c<alone>",
    "ma\u00f1ana ma\u0148ana", "caf\u00e9 cafe\u0301", "<caf\u00e9\u4e2d> <cafe\u0301\u4e2d>", "\u01c4\u01c5 \u0130I \u1e9e\u00df \u03a3\u03c3\u03c2", "\u2581 under \u2581\u2581x", "<0x41> <0xE4>", "\ud7a3\U00010348\U0002a6d6\U000e0041",
    "na\u00efve r\u00e9sum\u00e9 \u00dcBER Stra\u00dfe", "unaffable, isn't it?", "can't . do not stop ! ' n't",
]

ALPHABET = (
    list("aabcdest ETS'.,!-_<>|0123   \n\n\r\t") + ["'s", "'ll", "<|im_end|>", "the", " the", "\r\n", "  "]
    + list("\u00e9\u00df\u017f\u0301\u0302\u0323\u00a0\u0085\u3000\u200b\u2019\u00b2\u2167\u0663\u4e2d\u5622\u304b\u3099\u1100\u1161\u11a8\uac00\ud55c\u0905\u093e\u094d\u05d0\u0627\ufffd\u2581")
    + ["\U0001f600", "\U0001f469\u200d\U0001f467", "\U00010348"])


def byte_level(kind):
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    if kind in ("qwen2", "marks"):
        tokenizer.normalizer = normalizers.NFC()
    if kind == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    else:
        patterns = STRETCHES.values() if kind == "deepseek" else [PATTERNS[kind]]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(CORPUS.splitlines(keepends=True), trainer)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([
        AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False),
        AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False),
        AddedToken("<alone>", single_word=True, normalized=False),
        AddedToken("<caf\u00e9\u4e2d>", normalized=True)])
    if kind == "llama3":
        bos = tokenizer.token_to_id("<|endoftext|>")
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|endoftext|> $A", pair="<|endoftext|> $A <|endoftext|> $B", special_tokens=[("<|endoftext|>", bos)])])
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def scalar_level():
    """SentencePiece-like BPE with byte fallback: no words, blanks are a letter."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581?[^\u2581\n]+|\n"), "isolated")
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY_SIZE + 200, special_tokens=special, show_progress=False)
    # The last lines are left out so that their characters fall back to bytes.
    trained.train_from_iterator(CORPUS.splitlines(keepends=True)[:11], trainer)
    state = json.loads(trained.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    state["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    state["model"].update(byte_fallback=True, fuse_unk=True)
    state["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("\n\n\n", normalized=False)])
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    bos = tokenizer.token_to_id("<bos>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", bos)])
    return tokenizer


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY_SIZE, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS.splitlines(keepends=True), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")])
    return tokenizer


def save(tokenizer, kind, folder):
    folder.mkdir(parents=True, exist_ok=True)
    state = json.loads(tokenizer.to_str())
    if kind == "llama3":  # the older form of the merges
        state["model"]["merges"] = [" ".join(pair) for pair in state["model"]["merges"]]
    (folder / "tokenizer.json").write_text(json.dumps(state, ensure_ascii=False, separators=(",", ":")))


def main():
    out = pathlib.Path(sys.argv[1])
    fuzz_count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = random.Random(SEED)
    texts = list(STRINGS)
    for _ in range(fuzz_count):
        texts.append("".join(rng.choice(ALPHABET) for _ in range(rng.randint(1, 24))))
    golden = {"reference": f"tokenizers {tokenizers.__version__}", "texts": texts, "kinds": {}, "words": {}}
    kinds = {kind: byte_level(kind) for kind in PATTERNS}
    kinds["scalars"] = scalar_level()
    kinds["wordpiece"] = word_piece()
    kinds["deepseek"] = byte_level("deepseek")
    for kind, tokenizer in kinds.items():
        save(tokenizer, kind, out / kind)
        size = tokenizer.get_vocab_size()
        random_ids = [[rng.randrange(size) for _ in range(rng.randint(1, 12))] for _ in range(max(fuzz_count // 2, 1))]
        if kind == "scalars":  # runs of byte pieces are the interesting ones
            first = tokenizer.token_to_id("<0x00>")
            random_ids = [[first + rng.choice([0x41, 0xC3, 0xA9, 0xE4, 0xB8, 0xAD, 0xF0, 0xFF]) if rng.random() < 0.8 else i for i in ids]
                          for ids in random_ids]
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        golden["kinds"][kind] = {
            "ids": ids,
            "special": tokenizer.encode("hello <|im_end|>", add_special_tokens=True).ids,
            "decoded": [tokenizer.decode(row, skip_special_tokens=False) for row in ids],
            "random_ids": random_ids,
            "random_decoded": [tokenizer.decode(row, skip_special_tokens=True) for row in random_ids],
        }
    for kind, pattern in (PATTERNS | STRETCHES).items():
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        golden["words"][kind] = {
            "pattern": pattern, "words": [[piece for piece, _ in split.pre_tokenize_str(text)] for text in texts]}
    # Texts that decode to themselves need not be stored twice.
    for answers in golden["kinds"].values():
        answers["decoded"] = [None if text == decoded else decoded for text, decoded in zip(texts, answers["decoded"])]
    (out / "golden.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")))


if __name__ == "__main__":
    main()
