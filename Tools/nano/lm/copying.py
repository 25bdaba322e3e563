"""Starts a network with the copying circuit in place instead of waiting for it to appear.

Copying needs two heads in a row: layer 0 writes the identity of the tokens before into registers
of the residual stream, layer 1 looks for the place whose registers hold the tokens just written
and brings the token found there. Gradient descent finds this by itself, but only after many
thousand examples; writing it down takes a page and leaves everything trainable.

The stream is split, in a random orthonormal basis, into: a constant direction that every embedding
shares (so that queries and keys can depend on position alone), three registers (empty in the
embeddings) for the tokens one, two and three places back, the tag (the part of an embedding that
is compared), flags (capitalised, all capitals, leading space) and the rest. Tokens that differ
only in flags share everything else, so copying finds its place whatever happened to the case, and
the tags of punctuation are weak, so it finds its place when a comma was added or lost.
"""

import math

import torch

TAG_SIZE = 32          # compared in the low-frequency half of the rotary pairs
DEPTH = 3              # tokens back that are compared
FADE = 0.5             # weight of each token back relative to the one after it
POSITION_PAIRS = 8     # highest rotary frequencies, which tell neighbours apart
CONSTANT = 0.6
EMBEDDING_STD = 0.08
FLAG = 0.35
PUNCTUATION_TAG = 0.35
POSITION_SHARPNESS = 3.0
MATCH_SHARPNESS = 2.0
REGISTER_GAIN, COPY_GAIN = 0.1, 1.0


def basis(size, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator))[0]


class Split:
    """The named parts of the stream; rows are orthonormal."""

    def __init__(self, hidden, seed):
        rows = basis(hidden, seed).T
        self.constant = rows[0]
        self.registers = [rows[1 + k * TAG_SIZE:1 + (k + 1) * TAG_SIZE] for k in range(DEPTH)]
        free = rows[1 + DEPTH * TAG_SIZE:]
        self.tag, self.flags, self.content = free[:TAG_SIZE], free[TAG_SIZE:TAG_SIZE + 3], free


def embeddings(split, pieces, seed):
    """Table [V, hidden] for the decoded texts `pieces` of all tokens (None: no text)."""
    generator = torch.Generator().manual_seed(seed + 1)
    bases, table = {}, []
    for index, piece in enumerate(pieces):
        word = (piece or "").strip(" ")
        key = word.lower() if word and "\ufffd" not in word else index
        if key not in bases:
            bases[key] = EMBEDDING_STD * torch.randn(len(split.content), generator=generator)
            bases[key][TAG_SIZE:TAG_SIZE + 3] = 0
            if word and not any(c.isalnum() for c in word):
                bases[key][:TAG_SIZE] *= PUNCTUATION_TAG
        flags = torch.tensor([word[:1].isupper(), len(word) > 1 and word.isupper(),
                              (piece or "").startswith(" ")]).float() * 2 - 1
        table.append(bases[key] @ split.content + FLAG * (flags @ split.flags) +
                     CONSTANT * split.constant)
    return torch.stack(table)


@torch.no_grad()
def plant_copying(model, pieces, seed=0):
    """Overwrites the embeddings and the attention of the first two layers of `model`."""
    shape = model.shape
    split = Split(shape.hidden_size, seed)
    model.embed_tokens.weight.copy_(embeddings(split, pieces, seed))
    plant_registers(model.layers[0].self_attn, shape, split)
    plant_match(model.layers[1].self_attn, shape, split)


def plant_registers(attention, shape, split):
    """Head h looks h + 1 tokens back; the first DEPTH heads write that token's tag."""
    size, pairs = shape.head_dim, shape.head_dim // 2
    group = shape.num_attention_heads // shape.num_key_value_heads
    theta = shape.rope_theta ** (-torch.arange(POSITION_PAIRS) / pairs)

    def by_position(offset):
        vector = torch.zeros(size)
        vector[:POSITION_PAIRS] = (-offset * theta).cos()
        vector[pairs:pairs + POSITION_PAIRS] = (-offset * theta).sin()
        return torch.outer(vector, split.constant)

    attention.q_proj.weight.copy_(
        torch.cat([by_position(1 + h) for h in range(shape.num_attention_heads)]))
    attention.k_proj.weight.copy_(torch.cat([by_position(0)] * shape.num_key_value_heads))
    attention.q_norm.weight.fill_(POSITION_SHARPNESS)
    attention.k_norm.weight.fill_(POSITION_SHARPNESS)
    root = math.sqrt(REGISTER_GAIN)
    for kv in range(shape.num_key_value_heads):
        attention.v_proj.weight[kv * size:kv * size + TAG_SIZE] = root * split.tag
    for head in range(min(DEPTH, group * shape.num_key_value_heads)):
        attention.o_proj.weight[:, head * size:head * size + TAG_SIZE] = (
            root * split.registers[head].T)


def plant_match(attention, shape, split):
    """The first head of each group compares the last DEPTH tokens and brings what followed."""
    size, pairs = shape.head_dim, shape.head_dim // 2
    group = shape.num_attention_heads // shape.num_key_value_heads
    slots = torch.cat((torch.arange(pairs - TAG_SIZE // 2, pairs),
                       torch.arange(size - TAG_SIZE // 2, size)))
    written = [split.tag] + split.registers[:DEPTH - 1]
    query = sum(FADE ** k * part for k, part in enumerate(written))
    key = sum(FADE ** k * part for k, part in enumerate(split.registers))
    root = math.sqrt(COPY_GAIN)
    for kv in range(shape.num_key_value_heads):
        head, values = kv * group, slice(kv * size, (kv + 1) * size)
        attention.k_proj.weight[values] = 0
        attention.k_proj.weight[kv * size + slots] = key
        attention.q_proj.weight[head * size:(head + 1) * size] = 0
        attention.q_proj.weight[head * size + slots] = query
        carried = split.content[kv * size:(kv + 1) * size]
        attention.v_proj.weight[values] = root * carried
        attention.o_proj.weight[:, head * size:(head + 1) * size] = root * carried.T
    attention.q_norm.weight.fill_(MATCH_SHARPNESS)
    attention.k_norm.weight.fill_(MATCH_SHARPNESS)
