"""Small random checkpoints of the other decoder families, with goldens.

usage: python Tools/golden/make_families.py [NAME...]
       (writes Tests/Fixtures/{qwen2,llama3,qwen3moe,gemma3}-*)
"""

import sys

import mlx.core as mx
import numpy as np
import torch
import transformers

from checkpoint import FIXTURES, TORCH_DTYPES, Weights, write_checkpoint, write_golden
from make_qwen3 import DISTINCT_MIN, GREEDY_TOKENS, MARGIN_MIN, REFERENCE_DIFFERENCE_MAX, \
    mlx_logits
from reference import Decoder, Gemma3

PROMPT_TOKENS = 40
POSITIONS = [0, 1, 2, 5, 12, 23, 31, 39]
LLAMA3_ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
YARN_ROPE = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LINEAR_ROPE = {"rope_type": "linear", "factor": 8.0}
MODES = {"mxfp4": (4, 32), "mxfp8": (8, 32), "nvfp4": (4, 16)}


def common(kind: str, dtype: str, **more) -> dict:
    return dict(
        model_type=kind, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6, vocab_size=160,
        max_position_embeddings=2048, rope_theta=10000.0, rope_scaling=None,
        tie_word_embeddings=True, head_dim=16, bos_token_id=158, eos_token_id=159,
        torch_dtype=TORCH_DTYPES[dtype]) | more


def norm(weights: Weights, name: str, size: int, low: float, high: float, offset: float):
    weights.vector(name + ".weight", size, low - offset, high - offset)


def decoder_weights(weights: Weights, config: dict, prefix: str, *, head_norms: bool, bias: bool,
                    gemma: bool = False):
    """As `qwen3_weights`, with the parts that a family has; Gemma's norms are stored minus 1."""
    hidden, inner, width = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = (config[f"num_{k}_heads"] * width for k in ("attention", "key_value"))
    offset = 1.0 if gemma else 0.0
    # Gemma's look-up is scaled by sqrt(hidden): a smaller one lets the layers count.
    weights.linear(prefix + "embed_tokens", config["vocab_size"], hidden, 1.2 if gemma else 2.5)
    for i in range(config["num_hidden_layers"]):
        path = f"{prefix}layers.{i}."
        norm(weights, path + "input_layernorm", hidden, 0.4, 1.6, offset)
        after = (1.5, 4.0) if gemma else (0.4, 1.6)  # outweighs the token's own embedding
        norm(weights, path + "post_attention_layernorm", hidden, *after, offset)
        if gemma:
            norm(weights, path + "pre_feedforward_layernorm", hidden, 0.4, 1.6, offset)
            norm(weights, path + "post_feedforward_layernorm", hidden, *after, offset)
        if head_norms:
            for k in "qk":
                norm(weights, f"{path}self_attn.{k}_norm", width, 0.3, 2.2, offset)
        for k, rows in (("q", queries), ("k", keys), ("v", keys)):
            weights.linear(f"{path}self_attn.{k}_proj", rows, hidden)
            if bias:
                weights.vector(f"{path}self_attn.{k}_proj.bias", rows, -0.5, 0.5)
        weights.linear(path + "self_attn.o_proj", hidden, queries, gain=1.5)
        if "num_experts" in config and i not in config["mlp_only_layers"]:
            stack = (config["num_experts"],)
            weights.linear(path + "mlp.gate", config["num_experts"], hidden, gain=2)
            mlp, inner_here = path + "mlp.switch_mlp.", config["moe_intermediate_size"]
        else:
            stack, mlp, inner_here = (), path + "mlp.", inner
        weights.linear(mlp + "gate_proj", inner_here, hidden, 1.5, stack)
        weights.linear(mlp + "up_proj", inner_here, hidden, 1.0, stack)
        weights.linear(mlp + "down_proj", hidden, inner_here, 1.5, stack)
    norm(weights, prefix + "norm", hidden, 0.6, 1.4, offset)
    if not config["tie_word_embeddings"]:
        weights.linear(prefix.removesuffix("model.") + "lm_head", config["vocab_size"], hidden, 2.5)


def quantize_all(weights: Weights, bits: int, group: int, mode: str = "affine") -> dict:
    """What mlx-lm would quantize, and the section of the configuration."""
    section = {"group_size": group, "bits": bits} | ({"mode": mode} if mode != "affine" else {})
    overrides = {}
    for name in sorted(weights.tensors):
        path = name.removesuffix(".weight")
        if weights.tensors[name].ndim < 2:
            continue
        if path.endswith("mlp.gate"):
            overrides[path] = {"group_size": 64, "bits": 8}
            weights.quantize(path, 8, 64)
        else:
            weights.quantize(path, bits, group, mode)
    return section | overrides


def transformers_model(config: dict):
    plain = {k: v for k, v in config.items() if not k.startswith("quantization")}
    theta, scaling = plain.pop("rope_theta"), plain.pop("rope_scaling")
    rope = {"rope_theta": theta, "rope_type": "default"} | (scaling or {})
    kind = plain.pop("model_type")
    if kind == "gemma3_text":
        local = {"rope_theta": plain.pop("rope_local_base_freq"), "rope_type": "default"}
        rope = {"full_attention": rope, "sliding_attention": local}
        pattern = plain.pop("sliding_window_pattern")
        plain["layer_types"] = ["sliding_attention" if (i + 1) % pattern else "full_attention"
                                for i in range(plain["num_hidden_layers"])]
    names = {"qwen2": "Qwen2", "llama": "Llama", "qwen3_moe": "Qwen3Moe", "gemma3_text": "Gemma3Text"}
    made = getattr(transformers, names[kind] + "Config")(
        **plain, rope_parameters=rope, attn_implementation="eager")
    model = getattr(transformers, names[kind].removesuffix("Text") + "ForCausalLM")
    return model(made).float().eval()


def transformers_logits(config: dict, weights: Weights, prefix: str, ids) -> np.ndarray:
    model = transformers_model(config)
    state = {}
    for name, tensor in weights.tensors.items():
        path, _, kind = name.rpartition(".")
        if kind in ("scales", "biases"):
            continue
        values = weights.exact(path) if kind == "weight" else np.array(tensor.astype(mx.float32))
        here = name.removeprefix(prefix.removesuffix("model."))
        state[here] = torch.tensor(np.asarray(values, np.float32))
    for name in [n for n in state if "switch_mlp.gate_proj" in n]:
        base = name.split("switch_mlp")[0]
        parts = {k: state.pop(f"{base}switch_mlp.{k}_proj.weight") for k in ("gate", "up", "down")}
        state[base + "experts.gate_up_proj"] = torch.cat([parts["gate"], parts["up"]], 1)
        state[base + "experts.down_proj"] = parts["down"]
    if "lm_head.weight" not in state:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state)
    if config["model_type"] == "gemma3_text":  # rounded in bf16, in which the models were trained
        scale = torch.tensor(config["hidden_size"] ** 0.5).bfloat16().float()
        model.model.embed_tokens.embed_scale.copy_(scale)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().numpy()


def find_prompt(model: Decoder, seed: int, vocabulary: int):
    random = np.random.default_rng(seed)
    for _ in range(300):
        ids = random.integers(0, vocabulary, PROMPT_TOKENS).tolist()
        greedy, margin = model.greedy(model.embedding[ids], GREEDY_TOKENS)
        if margin > MARGIN_MIN and len(set(greedy)) >= DISTINCT_MIN:
            return ids, greedy, margin
    raise SystemExit(f"no stable prompt with seed {seed}")


def make(name: str, seed: int, config: dict, dtype: str, quantization=None, shards: int = 1,
         wrapped: bool = False, **parts):
    gemma = config["model_type"] == "gemma3_text"
    prefix = "language_model.model." if wrapped else "model."
    weights = Weights(seed, dtype)
    decoder_weights(weights, config, prefix, gemma=gemma, **parts)
    written = config
    if quantization:
        section = quantize_all(weights, *quantization)
        written = config | {"quantization": section, "quantization_config": section}
    if wrapped:
        quantized = {k: v for k, v in written.items() if k.startswith("quantization")}
        text = {k: v for k, v in config.items() if k != "vocab_size"}
        written = dict(model_type="gemma3", text_config=text, vocab_size=config["vocab_size"],
                       torch_dtype=config["torch_dtype"]) | quantized
    directory = FIXTURES / name
    write_checkpoint(directory, written, weights, shards)

    kind = Gemma3 if gemma else Decoder
    exact, fast = kind(config, weights, prefix=prefix), kind(config, weights, True, prefix)
    ids, greedy, margin = find_prompt(exact, seed, config["vocab_size"] - 2)
    trace = exact(exact.embedding[ids])
    logits = trace["logits"]
    references = {"mlx_lm": mlx_logits(directory, ids),
                  "transformers": transformers_logits(config, weights, prefix, ids)}
    differences = {k: float(np.abs(v - logits).max()) for k, v in references.items()}
    assert max(differences.values()) < REFERENCE_DIFFERENCE_MAX, (name, differences)
    error = fast(fast.embedding[ids])["logits"] - logits
    facts = dict(
        prompt=ids, positions=POSITIONS, greedy=greedy, greedy_margin_min=round(margin, 4),
        logit_std=round(float(logits.std()), 4))
    if weights.quantized or dtype == "bf16":
        rounding = "int8" if weights.quantized else "bf16"
        facts[rounding + "_rms"] = round(float(np.sqrt((error**2).mean())), 5)
    facts["reference_difference_max"] = {k: float(f"{v:.2g}") for k, v in differences.items()}
    names = ("embedding", "layer0", "final_norm", "logits")
    write_golden(directory, {n: trace[n][POSITIONS] for n in names}, facts)
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{name:16} {size / 1e3:5.0f} kB  {facts['reference_difference_max']}", flush=True)


def gemma(dtype: str, **more) -> dict:
    return common(
        "gemma3_text", dtype, num_hidden_layers=3, sliding_window=8, sliding_window_pattern=3,
        rope_local_base_freq=10000.0, rope_theta=1e6, rope_scaling=LINEAR_ROPE,
        query_pre_attn_scalar=24, hidden_activation="gelu_pytorch_tanh", **more)


def moe(dtype: str, **more) -> dict:
    return common("qwen3_moe", dtype, **(dict(
        num_experts=6, num_experts_per_tok=2, moe_intermediate_size=64, norm_topk_prob=True,
        decoder_sparse_step=1, mlp_only_layers=[1], num_hidden_layers=3,
        tie_word_embeddings=False) | more))


def checkpoints() -> dict:
    qwen = dict(head_norms=True, bias=False)
    plain = dict(head_norms=False, bias=False)
    biased = dict(head_norms=False, bias=True)
    small = dict(hidden_size=32, intermediate_size=48, head_dim=8)
    made = {
        "qwen2-q4": (41, common("qwen2", "bf16"), "bf16", (4, 32), biased),
        "qwen2-f16": (42, common("qwen2", "f16", tie_word_embeddings=False, **small), "f16", None, biased),
        "qwen2-yarn": (53, common("qwen2", "f16", rope_scaling=YARN_ROPE, **small), "f16", None, biased),
        "llama3-q4": (43, common("llama", "bf16", rope_scaling=LLAMA3_ROPE), "bf16", (4, 64), plain),
        "llama3-bf16": (44, common("llama", "bf16", tie_word_embeddings=False, **small), "bf16", None, plain),
        "qwen3moe-q4": (45, moe("bf16"), "bf16", (4, 64), qwen),
        "qwen3moe-f16": (46, moe("f16", **small), "f16", None, qwen),
        "qwen3moe-mxfp4": (54, moe("bf16", num_experts=4, num_hidden_layers=2, intermediate_size=64), "bf16",
                           (4, 32, "mxfp4"), qwen),
        "gemma3-q4": (47, gemma("bf16"), "bf16", (4, 64), qwen),
        "gemma3-bf16": (48, gemma("bf16", **small), "bf16", None, qwen),
        "gemma3-wrapped": (49, gemma("bf16", tie_word_embeddings=False), "bf16", (8, 32),
                           qwen | {"wrapped": True, "shards": 2}),
    }
    for number, (mode, (bits, group)) in enumerate(MODES.items()):
        made[f"llama3-{mode}"] = (
            50 + number, common("llama", "bf16"), "bf16", (bits, group, mode), plain)
    return made


def main():
    wanted = sys.argv[1:]
    for name, (seed, config, dtype, quantization, parts) in checkpoints().items():
        if not wanted or name in wanted:
            make(name, seed, config, dtype, quantization, **parts)


if __name__ == "__main__":
    main()
