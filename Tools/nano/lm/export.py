"""Writes a training checkpoint as an mlx-community model folder, and checks it with mlx-lm.

    python export.py --work DIR --out Models/nano-lm [--bits 8] [--corpus CORPUS.txt --check 20]

Quantization is mlx-lm's own (affine, groups of 64). The check renders the chat template, decodes
greedily in f32 with mlx-lm, and compares the text with that of the torch network.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from data import PLAIN_ADDED, SPECIAL, load_corpus
from evaluate import generate, held_out_pairs, load_model, prefix_cache
from prompts import CHAT_TEMPLATE, PROOFREAD_SYSTEM, proofread_user

GROUP_SIZE = 64
# Nats by which a change must be likelier than what the transcript has (fidelity.py says which).
# Chosen for this network; the program reads them.
MARGINS = {"alike": 0, "frequent": 2.5, "other": 20, "mark": 1.5}


def architecture(model, end, pad):
    """config.json of the unquantized network."""
    shape = model.shape.as_dict()
    return {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_act": "silu",
            "attention_bias": False, "attention_dropout": 0.0, "tie_word_embeddings": True,
            "rope_scaling": None, "sliding_window": None, "use_sliding_window": False,
            "use_cache": True, "initializer_range": 0.02, "torch_dtype": "bfloat16",
            "bos_token_id": pad, "eos_token_id": end, "pad_token_id": pad, **shape}


def write_text_files(folder, work, tokenizer):
    """Tokenizer, its configuration, the chat template and the generation defaults."""
    end, pad = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    shutil.copyfile(Path(work) / "tokenizer.json", folder / "tokenizer.json")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    added = {str(token["id"]): {k: v for k, v in token.items() if k != "id"}
             for token in json.loads(tokenizer.to_str())["added_tokens"]}
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added,
        "additional_special_tokens": SPECIAL[1:], "bos_token": None,
        "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
        "model_max_length": 4096, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None})
    write_json(folder / "generation_config.json", {
        "bos_token_id": pad, "pad_token_id": pad, "do_sample": False, "eos_token_id": [end, pad]})


def write_json(path, value):
    path.write_text(json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False) + "\n")


def quantize(plain, out, bits):
    """Reads the plain checkpoint with mlx-lm, quantizes it and saves it to `out`."""
    from mlx_lm.utils import load_model as load_mlx
    from mlx_lm.utils import quantize_model, save_config, save_model

    network, config = load_mlx(plain)
    network, config = quantize_model(network, config, GROUP_SIZE, bits)
    save_model(out, network, donate_model=True)
    config["mlxi"] = {"proofread_margins": MARGINS}
    save_config(config, config_path=out / "config.json")


def write_checksums(folder):
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}"
             for p in sorted(folder.iterdir()) if p.name != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def check(folder, model, tokenizer, corpus, count):
    """Share of held-out paragraphs on which mlx-lm and torch write the same text."""
    import mlx.core as mx
    from mlx_lm import load
    from mlx_lm.generate import generate_step

    network, wrapped = load(str(folder))
    network.set_dtype(mx.float32)
    end = tokenizer.token_to_id("<|im_end|>")
    past = prefix_cache(model, tokenizer)
    same = 0
    for heard, right in held_out_pairs(load_corpus(corpus)[1], count):
        messages = [{"role": "system", "content": PROOFREAD_SYSTEM},
                    {"role": "user", "content": proofread_user(heard)}]
        ids = wrapped.apply_chat_template(messages, add_generation_prompt=True)
        expected = tokenizer.encode(wrapped.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False)).ids
        if ids != expected:
            raise SystemExit("the template's ids differ from the tokenizer's")
        out = []
        for token, _ in generate_step(mx.array(ids), network, max_tokens=len(ids)):
            if token == end:
                break
            out.append(token)
        ours, theirs = generate(model, tokenizer, past, proofread_user(heard)), tokenizer.decode(out)
        same += ours == theirs
        if ours != theirs:
            print(f"torch {ours}\nmlx   {theirs}\n")
    print(f"{same} of {count} outputs of mlx-lm equal torch's")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--corpus", default="")
    parser.add_argument("--check", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.work)
    tokenizer = Tokenizer.from_file(str(Path(options.work) / "tokenizer.json"))
    out = Path(options.out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    end, pad = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch)
        tensors = {f"model.{k}": v.bfloat16().contiguous() for k, v in model.state_dict().items()}
        save_file(tensors, plain / "model.safetensors", metadata={"format": "pt"})
        write_json(plain / "config.json", architecture(model, end, pad))
        quantize(plain, out, options.bits)
    write_text_files(out, options.work, tokenizer)
    write_checksums(out)
    print(sum(p.stat().st_size for p in out.iterdir()), "bytes in", out)
    if options.corpus:
        check(out, model, tokenizer, options.corpus, options.check)


if __name__ == "__main__":
    main()
