"""Small random embedding checkpoints with the vectors that they must give.

usage: python Tools/golden/make_embed.py [NAME...]     (writes Tests/Fixtures/{bert,qwen3embed}-*)
"""

import json
import sys

import mlx.core as mx
import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from checkpoint import FIXTURES, Weights, write_checkpoint, write_golden
from files import write_json
from make_families import common, decoder_weights, quantize_all

TEXTS = [
    "the weather in the city", "", "Hello, world! [SEP] it's 7 o'clock.", "你好,世界。 嗰度",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 2, "caf\u00e9 na\u00efve", "one", "one",
]
TASK = "Given a web search query, retrieve relevant passages that answer the query"


def bert_config(**more) -> dict:
    return dict(
        model_type="bert", hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=640, max_position_embeddings=96, type_vocab_size=2,
        layer_norm_eps=1e-12, hidden_act="gelu", position_embedding_type="absolute") | more


def bert_weights(weights: Weights, config: dict, prefix: str, old_norms: bool):
    hidden, inner = config["hidden_size"], config["intermediate_size"]

    def norm(name):
        scale, shift = ("gamma", "beta") if old_norms else ("weight", "bias")
        weights.vector(f"{name}.{scale}", hidden, 0.6, 1.4)
        weights.vector(f"{name}.{shift}", hidden, -0.2, 0.2)

    def dense(name, out, width):
        weights.linear(name, out, width, 1.5)
        weights.vector(f"{name}.bias", out, -0.2, 0.2)

    embeddings = prefix + "embeddings."
    weights.linear(embeddings + "word_embeddings", config["vocab_size"], hidden, 8)
    weights.linear(embeddings + "position_embeddings", config["max_position_embeddings"], hidden, 3)
    weights.linear(embeddings + "token_type_embeddings", 2, hidden, 2)
    norm(embeddings + "LayerNorm")
    for index in range(config["num_hidden_layers"]):
        layer = f"{prefix}encoder.layer.{index}."
        for part in ("query", "key", "value"):
            dense(f"{layer}attention.self.{part}", hidden, hidden)
        dense(layer + "attention.output.dense", hidden, hidden)
        norm(layer + "attention.output.LayerNorm")
        dense(layer + "intermediate.dense", inner, hidden)
        dense(layer + "output.dense", hidden, inner)
        norm(layer + "output.LayerNorm")
    dense(prefix + "pooler.dense", hidden, hidden)


def plain_state(weights: Weights, prefix: str) -> dict:
    state = {}
    for name in weights.tensors:
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        quantized = kind == "weight" and path in weights.quantized
        plain = np.array(weights.tensors[name].astype(mx.float32))
        exact = weights.exact(path) if quantized else plain
        here = name.removeprefix(prefix).replace(".gamma", ".weight").replace(".beta", ".bias")
        state[here] = torch.tensor(np.asarray(exact, np.float32))
    return state


def bert_states(config: dict, weights: Weights, prefix: str, ids) -> np.ndarray:
    plain = {k: v for k, v in config.items() if k not in ("model_type", "position_embedding_type")}
    made = transformers.BertConfig(**plain, attn_implementation="eager")
    model = transformers.BertModel(made).double().eval()
    missing = model.load_state_dict(
        {k: v.double() for k, v in plain_state(weights, prefix).items()}, strict=False).missing_keys
    assert not missing, missing
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0].numpy()


def qwen_states(config: dict, weights: Weights, prefix: str, ids) -> np.ndarray:
    plain = {k: v for k, v in config.items() if not k.startswith("quantization")}
    theta = plain.pop("rope_theta")
    plain.pop("rope_scaling", None)
    plain.pop("model_type")
    made = transformers.Qwen3Config(
        **plain, rope_parameters={"rope_theta": theta, "rope_type": "default"}, attn_implementation="eager")
    model = transformers.Qwen3Model(made).double().eval()
    model.load_state_dict({k: v.double() for k, v in plain_state(weights, prefix).items()})
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0].numpy()


def pooled(states: np.ndarray, pooling: str, dimensions: int | None = None) -> np.ndarray:
    vector = {"mean": lambda: states.mean(0), "cls": lambda: states[0], "max": lambda: states.max(0),
              "last-token": lambda: states[-1]}[pooling]()
    vector = vector[:dimensions]
    return vector / np.linalg.norm(vector)


def sentence_files(directory, pooling: str, prompts: dict | None, tokens_max: int | None):
    (directory / "1_Pooling").mkdir(exist_ok=True)
    names = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens", "last-token": "lasttoken"}
    modes = {f"pooling_mode_{v}": k == pooling for k, v in names.items()}
    write_json(directory / "1_Pooling" / "config.json", {"word_embedding_dimension": 64} | modes)
    kinds = ["Transformer", "Pooling", "Normalize"]
    paths = ["", "1_Pooling", "2_Normalize"]
    write_json(directory / "modules.json", [
        {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{k}"}
        for i, (k, p) in enumerate(zip(kinds, paths))])
    if tokens_max:
        write_json(directory / "sentence_bert_config.json", {"max_seq_length": tokens_max, "do_lower_case": False})
    if prompts is not None:
        write_json(directory / "config_sentence_transformers.json",
                   {"prompts": prompts, "default_prompt_name": None, "similarity_fn_name": "cosine"})


def make_bert(name: str, seed: int, dtype: str, pooling: str, prefix="", bits=None, old_norms=False,
              files=True, prompts=None, tokens_max=64, **more):
    config = bert_config(**more)
    weights = Weights(seed, dtype)
    bert_weights(weights, config, prefix, old_norms)
    written = config
    if bits:
        written = config | {"quantization": quantize_all(weights, *bits)}
    directory = FIXTURES / name
    write_checkpoint(directory, written, weights)
    source = json.loads((FIXTURES / "tokenizer/wordpiece/tokenizer.json").read_text())
    # What published tokenizers carry and nobody must heed.
    source["truncation"] = dict(direction="Right", max_length=8, strategy="LongestFirst", stride=0)
    source["padding"] = dict(strategy={"Fixed": 16}, direction="Right", pad_to_multiple_of=None,
                             pad_id=0, pad_type_id=0, pad_token="[PAD]")
    (directory / "tokenizer.json").write_text(json.dumps(source, ensure_ascii=False))
    write_json(directory / "tokenizer_config.json", {"model_max_length": 96, "pad_token": "[PAD]"})
    if files:
        sentence_files(directory, pooling, prompts, tokens_max)
    tokenizer = Tokenizer.from_str(json.dumps(source | {"truncation": None, "padding": None}))
    write_vectors(name, directory, tokenizer, pooling, prompts or {},
                  lambda ids: bert_states(config, weights, prefix, ids))


def write_vectors(name, directory, tokenizer, pooling, prompts, states, end=None):
    ids, rows, short = [], [], []
    cases = [(text, "") for text in TEXTS] + [(text, prompts["query"]) for text in TEXTS if "query" in prompts]
    for text, prompt in cases:
        encoded = tokenizer.encode(prompt + text).ids
        if end is not None and encoded[-1:] != [end]:
            encoded.append(end)
        hidden = states(encoded)
        ids.append(encoded)
        rows.append(pooled(hidden, pooling))
        short.append(pooled(hidden, pooling, 16))
    facts = dict(pooling=pooling, texts=[t for t, _ in cases], prompts=[p for _, p in cases],
                 tokens=[json.dumps(i) for i in ids])
    write_golden(directory, {"vectors": np.array(rows), "short": np.array(short)}, facts)
    size = sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())
    print(f"{name:16} {size / 1e3:5.0f} kB", flush=True)


def make_qwen(name: str, seed: int, prefix: str, bits, ends: bool, files: bool):
    config = common("qwen3", "bf16", vocab_size=512)
    weights = Weights(seed, "bf16")
    decoder_weights(weights, config, "model.", gemma=False, head_norms=True, bias=False)
    weights.tensors = {prefix + k.removeprefix("model."): v for k, v in weights.tensors.items()}
    written = config
    if bits:
        section = quantize_all(weights, *bits)
        written = config | {"quantization": section, "quantization_config": section}
    directory = FIXTURES / name
    write_checkpoint(directory, written, weights)
    source = json.loads((FIXTURES / "qwen3-q4/tokenizer.json").read_text())
    end = next(t["id"] for t in source["added_tokens"] if t["content"] == "<|endoftext|>")
    if ends:
        source["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [end], "tokens": ["<|endoftext|>"]}}}
    (directory / "tokenizer.json").write_text(json.dumps(source, ensure_ascii=False))
    write_json(directory / "tokenizer_config.json",
               {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "model_max_length": 131072})
    prompts = {"query": f"Instruct: {TASK}\nQuery:", "document": ""}
    if files:
        sentence_files(directory, "last-token", prompts, None)
    write_vectors(name, directory, Tokenizer.from_str(json.dumps(source)), "last-token", prompts,
                  lambda ids: qwen_states(config, weights, prefix, ids), end)


def main():
    makers = {
        "bert-f32": lambda n: make_bert(n, 61, "f32", "mean", prefix="bert.", old_norms=True),
        "bert-bf16": lambda n: make_bert(n, 62, "bf16", "max", files=True, tokens_max=None),
        "bert-q4": lambda n: make_bert(n, 63, "bf16", "cls", bits=(4, 64), prompts={
            "query": "represent this for search: ", "passage": ""}),
        "bert-bare": lambda n: make_bert(n, 64, "f16", "mean", files=False, hidden_size=32, intermediate_size=48),
        "qwen3embed-q4": lambda n: make_qwen(n, 65, "model.", (4, 64), True, True),
        "qwen3embed-bf16": lambda n: make_qwen(n, 66, "", None, False, False),
    }
    for name, make in makers.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            make(name)


if __name__ == "__main__":
    main()
