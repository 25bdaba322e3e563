"""Small random Qwen3 checkpoints with goldens, and matrices of every affine format.

usage: python Tools/golden/make_qwen3.py      (writes Tests/Fixtures/{qwen3-*,affine})
"""

import json

import mlx.core as mx
import numpy as np
import torch
import transformers
from mlx_lm.utils import load_model

from checkpoint import FIXTURES, TORCH_DTYPES, Weights, f64, unpack, write_checkpoint, \
    write_golden
from files import write_json
from reference import Decoder, qwen3_weights
from tokenizer_files import AUDIO_TOKENS, CHATML, TEXT_TOKENS, hostile_cases, train, \
    write_tokenizer

PROMPT_TOKENS = 40
GREEDY_TOKENS = 24
FEW_POSITIONS = [0, 1, 2, 5, 12, 23, 31, 39]
THIRD = list(range(0, PROMPT_TOKENS, 3))
MARGIN_MIN = 0.02  # between the best two logits of every greedy step: no rounding decides a token
DISTINCT_MIN = 8  # of the greedy tokens: a loop of one token would prove little
REFERENCE_DIFFERENCE_MAX = 1e-3
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}


def config_of(hidden, layers, inner, vocabulary, width, tied, dtype, **more) -> dict:
    end = vocabulary - 1
    return dict(
        architectures=["Qwen3ForCausalLM"], attention_bias=False, attention_dropout=0.0,
        bos_token_id=end - 1, eos_token_id=end, head_dim=width, hidden_act="silu",
        hidden_size=hidden, initializer_range=0.02, intermediate_size=inner,
        max_position_embeddings=4096, max_window_layers=layers, model_type="qwen3",
        num_attention_heads=4, num_hidden_layers=layers, num_key_value_heads=2, rms_norm_eps=1e-6,
        rope_scaling=None, rope_theta=1000000.0, sliding_window=None, tie_word_embeddings=tied,
        torch_dtype=TORCH_DTYPES[dtype], transformers_version="4.51.0", use_cache=True,
        use_sliding_window=False, vocab_size=vocabulary) | more


def quantize_all(weights: Weights, bits: int, group: int, overrides: dict | None = None) -> dict:
    """Quantize what mlx-lm would (every matrix) and return the config section."""
    section = {"group_size": group, "bits": bits}
    overrides = overrides or {}
    for name in sorted(weights.tensors):
        path = name.removesuffix(".weight")
        if weights.tensors[name].ndim != 2 or overrides.get(path) is False:
            continue
        layer = overrides.get(path, section)
        weights.quantize(path, layer["bits"], layer["group_size"])
    return section | overrides


def mlx_logits(directory, ids) -> np.ndarray:
    """The directory as mlx-lm opens it, computed in float32."""
    model, _ = load_model(directory)
    model.set_dtype(mx.float32)
    return f64(model(mx.array([ids]))[0])


def transformers_logits(config: dict, weights: Weights, ids) -> np.ndarray:
    """transformers in float32 on the dequantized weights."""
    plain = {k: v for k, v in config.items() if not k.startswith("quantization")}
    plain["rope_parameters"] = {"rope_theta": config["rope_theta"], "rope_type": "default"}
    if plain.pop("rope_scaling"):
        plain["rope_parameters"] |= config["rope_scaling"]
    model = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(
        **plain, attn_implementation="eager")).float().eval()
    paths = {n.rpartition(".")[0] for n in weights.tensors}
    state = {p + ".weight": torch.tensor(weights.exact(p).astype(np.float32)) for p in paths}
    if config["tie_word_embeddings"]:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().numpy()


def find_prompt(model: Decoder, seed: int, vocabulary: int, end: int):
    """A random prompt whose greedy continuation is stable, varied and does not stop."""
    random = np.random.default_rng(seed)
    for _ in range(200):
        ids = random.integers(0, vocabulary, PROMPT_TOKENS).tolist()
        greedy, margin = model.greedy(model.embedding[ids], GREEDY_TOKENS)
        if margin > MARGIN_MIN and len(set(greedy)) >= DISTINCT_MIN and max(greedy) < end:
            return ids, greedy, margin
    raise SystemExit(f"no stable prompt with seed {seed}")


def write_goldens(directory, config: dict, weights: Weights, seed: int, positions: list[int],
                  prompt_vocabulary: int, more: dict):
    exact, fast = Decoder(config, weights), Decoder(config, weights, fast=True)
    ids, greedy, margin = find_prompt(exact, seed, prompt_vocabulary, prompt_vocabulary)
    trace = exact(exact.embedding[ids])
    logits = trace["logits"]
    references = {"mlx_lm": mlx_logits(directory, ids),
                  "transformers": transformers_logits(config, weights, ids)}
    differences = {k: float(np.abs(v - logits).max()) for k, v in references.items()}
    assert max(differences.values()) < REFERENCE_DIFFERENCE_MAX, differences
    error = fast(fast.embedding[ids])["logits"] - logits
    kind = "int8" if weights.quantized else "bf16"
    facts = dict(
        prompt=ids, positions=positions, greedy=greedy,
        greedy_margin_min=round(margin, 4), logit_std=round(float(logits.std()), 4))
    if weights.quantized or weights.dtype == "bf16":
        facts |= {f"{kind}_rms": round(float(np.sqrt((error**2).mean())), 5),
                  f"{kind}_max": round(float(np.abs(error).max()), 5),
                  f"{kind}_greedy": fast.greedy(fast.embedding[ids], GREEDY_TOKENS)[0]}
    facts["reference_difference_max"] = {k: float(f"{v:.2g}") for k, v in differences.items()}
    tensors = {n: trace[n][positions] for n in ("embedding", "layer0", "final_norm", "logits")}
    write_golden(directory, tensors, facts | more)
    size = sum(f.stat().st_size for f in directory.iterdir())
    shown = {k: v for k, v in facts.items() if not isinstance(v, list)}
    print(f"{directory.name:16} {size / 1e3:6.0f} kB  {json.dumps(shown)}", flush=True)


def make(name: str, seed: int, config: dict, dtype: str, quantization=None, overrides=None,
         positions=FEW_POSITIONS, shards: int = 1, tokens: int | None = None):
    weights = Weights(seed, dtype)
    qwen3_weights(weights, config)
    if quantization:
        section = quantize_all(weights, *quantization, overrides)
        config = config | {"quantization": section, "quantization_config": section}
    directory = FIXTURES / name
    more, prompt_vocabulary = {}, config["vocab_size"] - 2
    if tokens:
        names = TEXT_TOKENS + AUDIO_TOKENS
        tokenizer = train(tokens, names)
        first = tokenizer.token_to_id("<|endoftext|>")
        config |= dict(bos_token_id=first, eos_token_id=first + 2)
        directory.mkdir(parents=True, exist_ok=True)
        write_tokenizer(directory, tokenizer, names, CHATML)
        write_json(directory / "generation_config.json", dict(
            bos_token_id=first, do_sample=True, eos_token_id=[first + 2, first],
            pad_token_id=first, temperature=0.6, top_k=20, top_p=0.95, transformers_version="4.51.0"))
        prompt_vocabulary = first
        more = chat_goldens(directory, tokenizer)
    write_checkpoint(directory, config, weights, shards)
    write_goldens(directory, config, weights, seed, positions, prompt_vocabulary, more)


def chat_goldens(directory, tokenizer) -> dict:
    """Hostile strings, and one conversation through the directory's template, by transformers."""
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=CHATML)
    messages = [{"role": "system", "content": "You are terse."},
                {"role": "user", "content": "Fix: its a  test, 3 words \u5605"}]
    chats = []
    for options in ({}, {"enable_thinking": False}):
        text = fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **options)
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        chats.append(dict(messages=messages, options=options, text=text, ids=ids))
    return dict(tokenizer=hostile_cases(tokenizer), chat=chats)


def affine_matrices():
    """Every bits x group x scale type: packed matrix, codes, values, and a product."""
    directory, rows, width = FIXTURES / "affine", 2, 256
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    x = random.standard_normal((3, width)).astype(np.float32)
    tensors = {"x": mx.array(x)}
    formats = [(b, g, "bf16") for b in (2, 3, 4, 5, 6, 8) for g in (32, 64, 128)]
    formats += [(b, 64, "f16") for b in (2, 3, 4, 5, 6, 8)] + [(4, 64, "f32")]
    for bits, group, dtype in formats:
        weights = Weights(1000 * bits + group, dtype)
        weights.linear("m", rows, width, gain=2)
        weights.quantize("m", bits, group)
        exact = weights.exact("m")
        reference = mx.dequantize(*(weights.tensors[f"m.{k}"].astype(mx.float32) if k != "weight"
                                    else weights.tensors["m.weight"]
                                    for k in ("weight", "scales", "biases")), group, bits)
        assert np.abs(f64(reference) - exact).max() < 1e-6
        name = f"b{bits}g{group}.{dtype}"
        for kind in ("weight", "scales", "biases"):
            tensors[f"{name}.{kind}"] = weights.tensors["m." + kind]
        codes = unpack(np.array(weights.tensors["m.weight"]), bits)
        tensors[name + ".codes"] = mx.array(codes.astype(np.uint8))
        tensors[name + ".dequantized"] = mx.array(exact.astype(np.float32))
        tensors[name + ".product"] = mx.array((x @ exact.T).astype(np.float32))
    mx.save_safetensors(str(directory / "matrices.safetensors"), tensors, metadata={"format": "mlx"})
    print("affine           ", (directory / "matrices.safetensors").stat().st_size // 1000, "kB")


def main():
    affine_matrices()
    make("qwen3-bf16", 1, config_of(48, 2, 80, 200, 32, True, "bf16"), "bf16", positions=list(range(PROMPT_TOKENS)))
    make("qwen3-f16", 2, config_of(32, 2, 48, 128, 16, False, "f16"), "f16")
    make("qwen3-f32", 3, config_of(32, 1, 48, 128, 16, True, "f32"), "f32")
    make("qwen3-yarn", 4, config_of(32, 1, 48, 128, 32, True, "f16", rope_scaling=YARN,
                                  max_position_embeddings=256), "f16")
    make("qwen3-q4", 5, config_of(128, 2, 192, 512, 32, True, "bf16"), "bf16", (4, 64),
         positions=THIRD, tokens=504)
    make("qwen3-q2", 6, config_of(128, 1, 128, 160, 32, True, "bf16"), "bf16", (2, 128))
    make("qwen3-q3", 7, config_of(64, 1, 64, 160, 32, True, "bf16"), "bf16", (3, 64))
    make("qwen3-q5", 8, config_of(64, 1, 64, 160, 32, False, "bf16"), "bf16", (5, 32))
    make("qwen3-q6", 29, config_of(64, 1, 64, 160, 32, True, "f16"), "f16", (6, 64))
    make("qwen3-q8", 10, config_of(64, 1, 64, 160, 32, True, "bf16"), "bf16", (8, 32))
    overrides = {
        "lm_head": False,
        "model.embed_tokens": {"group_size": 64, "bits": 8},
        "model.layers.0.mlp.down_proj": {"group_size": 64, "bits": 6},
        "model.layers.1.self_attn.v_proj": {"group_size": 32, "bits": 8, "mode": "affine"},
        "model.layers.1.mlp.gate_proj": {"group_size": 32, "bits": 3}}
    make("qwen3-mixed", 11, config_of(64, 2, 64, 192, 32, False, "bf16"), "bf16", (4, 64), overrides,
         shards=2)


if __name__ == "__main__":
    main()
