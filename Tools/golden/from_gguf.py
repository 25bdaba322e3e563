"""A GGUF file as a folder of safetensors in the transformers layout, bfloat16: real weights to check.

    python from_gguf.py model.gguf OUT                       # llama, qwen2 and gemma3
    python -m mlx_lm convert --hf-path OUT --mlx-path OUT-q8 -q --q-bits 8
    python from_gguf.py --reference OUT --tokens 1500 text.txt

The last line prints what transformers (f32) makes of the first tokens of a text: their mean negative
log-likelihood, and writes their ids to OUT/ids.json for `mlxi perplexity --tokens`. Gemma's embeddings
are scaled as in MLX, by a number rounded to bfloat16.
"""

import argparse
import json
import os

import numpy as np
import torch

NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
GEMMA_NAMES = NAMES | {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def name_of(name, names):
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{names[part]}.{kind}"


def halves(matrix, heads):
    """Rows of each head in the order of transformers: GGUF pairs dimension i with i + 1."""
    pairs = matrix.reshape(heads, -1, 2, *matrix.shape[1:])
    return pairs.swapaxes(1, 2).reshape(matrix.shape)


def convert(path, out):
    import gguf
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoTokenizer

    folder, file = os.path.split(os.path.abspath(path))
    AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(out)
    config = AutoConfig.from_pretrained(folder, gguf_file=file)
    config.dtype = "bfloat16"
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.save_pretrained(out)
    is_gemma = config.model_type.startswith("gemma")
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    tensors = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")[-2]
        name = name_of(tensor.name, GEMMA_NAMES if is_gemma else NAMES)
        if config.model_type == "llama" and part in heads:
            values = halves(values, heads[part])
        if is_gemma and "norm" in name:
            values = values - 1
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values)).bfloat16()
    save_file(tensors, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})


def reference(folder, text, count):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with open(text) as file:
        ids = AutoTokenizer.from_pretrained(folder)(file.read())["input_ids"][:count]
    with open(os.path.join(folder, "ids.json"), "w") as file:
        json.dump(ids, file)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    embedding = model.get_input_embeddings()
    if hasattr(embedding, "embed_scale"):
        embedding.embed_scale = embedding.embed_scale.bfloat16().float()
    with torch.no_grad():
        scores = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    found = scores[:-1].gather(1, torch.tensor(ids[1:])[:, None]).double()
    print(f"{len(ids)} tokens, negative log-likelihood {-float(found.mean()):.6f} nats a token")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="the GGUF file, or with --reference the text")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--reference", metavar="FOLDER")
    parser.add_argument("--tokens", type=int, default=1500)
    arguments = parser.parse_args()
    if arguments.reference:
        reference(arguments.reference, arguments.file, arguments.tokens)
    elif arguments.out:
        convert(arguments.file, arguments.out)
    else:
        parser.error("want the folder to write")


if __name__ == "__main__":
    main()
