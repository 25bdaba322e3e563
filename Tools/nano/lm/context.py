"""Lets the copying circuit of copying.py see farther back, for text in which words recur.

It compares the last three tokens. Where those recur ("... the vector gives", "... the vector of") it
reads on at the wrong place: nine tenths of the words that nano-lm changed by mistake were lost like
that. Here two heads of the first layer, in dimensions of their own, note two blends of the tokens
before each place, and the heads that look for the place to copy from compare these too.

`grown` puts this into a network without it, trained or not: everything old stays as it was, and what
is new starts planted (the first two layers) or silent (the others).
"""

import dataclasses
import math

import torch

OLD_HIDDEN, OLD_HEADS, OLD_KV_HEADS = 256, 4, 2
TAG_SIZE = 32
WINDOWS = (2, 8), (8, 20)  # how many tokens back each blend goes
BLENDS = (1.0, 1.0)
OUTSIDE = -9.0         # what tokens outside a window get, in nats
FARTHEST, FITS, RIDGE = 700, 200, 1e-3
NOTE_SIZE = 0.3        # length of a note in the stream, an embedding being about 1.2 long
DUMP = 31              # the lowest rotary frequency, left out of keys to take up spare length


def tags(table, twins):
    """[TAG_SIZE, hidden] that gives each token a random name of unit variance in every component:
    blind to what tokens that differ in case or spaces do not share, and to what all share."""
    groups = {}
    for token, twin in enumerate(twins):
        groups.setdefault(twin, []).append(token)
    means = torch.stack([table[members].mean(0) for members in groups.values()])
    inner = torch.cat([table[m] - table[m].mean(0) for m in groups.values() if len(m) > 1])
    centred = means - means.mean(0)
    noise = inner.T @ inner / len(inner) + 1e-5 * torch.eye(table.shape[1])
    noise += 30 * torch.outer(means.mean(0), means.mean(0))
    root = torch.linalg.cholesky(noise)
    half = torch.linalg.solve_triangular(root, centred.T, upper=False)
    _, vectors = torch.linalg.eigh(half @ half.T)
    best = vectors[:, -TAG_SIZE:].T @ torch.linalg.inv(root)
    spread = best @ centred.T @ centred @ best.T / len(centred)
    values, turn = torch.linalg.eigh(spread)
    return (turn / values.sqrt()).T @ best


def window(first, last, norms, theta):
    """The query of a head that looks at the places `first` to `last` back and nowhere else, by
    position alone; keys are ones in the first half. `norms`: weights of query and key norm."""
    half = len(theta)
    query_norm, key_norm = norms
    size = math.sqrt(2 * half / (half - 1)) * key_norm[:half]
    size[DUMP] = 0
    back = torch.arange(FARTHEST, dtype=torch.float64)
    angles = back[:, None] * theta
    columns = torch.cat([angles.cos() * size, -angles.sin() * size], 1) / math.sqrt(2 * half)
    columns = torch.cat([columns, torch.ones(FARTHEST, 1)], 1).double()
    inside = (back >= first) & (back <= last)
    weight = torch.where(inside, 8.0, torch.where(back < last + 20, 2.0, 1.0)).double().sqrt()
    if last > first:
        weight[(back == first - 1) | ((back > last) & (back < last + 4))] = 0.1
    ridge = RIDGE * torch.eye(columns.shape[1], dtype=torch.float64)
    ridge[-1, -1] = 0
    system = columns * weight[:, None]
    inverse = torch.linalg.inv(system.T @ system + ridge) @ system.T
    wanted = torch.where(inside, 0.0, OUTSIDE).double()
    for _ in range(FITS):
        solution = inverse @ (wanted * weight)
        found = columns @ solution
        wanted = torch.where(inside, 0.0, found.clamp(max=OUTSIDE))
    query = solution[:-1].float()
    query /= query_norm
    query[DUMP] = query[DUMP + half] = 0
    spare = 2 * half - query.square().sum()
    if spare > 0:
        query[DUMP] = spare.sqrt()
    return query


def plant_context(model, twins, seed=0):
    """Writes the circuit into the heads and dimensions beyond the OLD ones, and lets the two heads
    that compare three tokens compare the blends as well."""
    shape, generator = model.shape, torch.Generator().manual_seed(seed + 2)
    size, half = shape.head_dim, shape.head_dim // 2
    old, theta = OLD_HIDDEN, shape.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    table = model.embed_tokens.weight[:, :old]
    name = tags(table, twins)
    length = table.square().mean(1).sqrt().mean()
    rows = slice(OLD_KV_HEADS * size, (OLD_KV_HEADS + 1) * size)

    norm, layer = model.layers[0].input_layernorm.weight, model.layers[0].self_attn
    constant = (table / length).mean(0) / norm[:old]
    constant /= constant.norm() * (table / length).mean(0).norm()
    norms = layer.q_norm.weight, layer.k_norm.weight
    key = torch.cat([torch.ones(half), torch.zeros(half)])
    key[DUMP] = 0
    layer.k_proj.weight[rows] = 0
    layer.k_proj.weight[rows, :old] = torch.outer(key, constant)
    layer.v_proj.weight[rows] = 0
    layer.v_proj.weight[rows.start:rows.start + TAG_SIZE, :old] = name * length / norm[:old]
    matching = model.layers[1].self_attn
    slots = torch.cat((torch.arange(half - TAG_SIZE // 2, half),
                       torch.arange(size - TAG_SIZE // 2, size)))
    group = OLD_HEADS // OLD_KV_HEADS
    for index, (first, last) in enumerate(WINDOWS):
        head = slice((OLD_HEADS + index) * size, (OLD_HEADS + index + 1) * size)
        note = slice(old + index * TAG_SIZE, old + (index + 1) * TAG_SIZE)
        scale = NOTE_SIZE * ((last - first + 1) / TAG_SIZE) ** 0.5
        query = window(first, last, norms, theta)
        layer.q_proj.weight[head] = 0
        layer.q_proj.weight[head, :old] = torch.outer(query, constant)
        layer.o_proj.weight[:, head] = 0
        layer.o_proj.weight[note, head.start:head.start + TAG_SIZE] = scale * torch.eye(TAG_SIZE)
        turn = torch.linalg.qr(torch.randn(TAG_SIZE, TAG_SIZE, generator=generator))[0]
        for kv in range(OLD_KV_HEADS):
            for weight, start in ((matching.k_proj.weight, kv * size),
                                  (matching.q_proj.weight, kv * group * size)):
                weight[(start + slots)[:, None], torch.arange(note.start, note.stop)] = (
                    BLENDS[index] * turn)


@torch.no_grad()
def grown(model, twins, kind, seed=0):
    """A network of `kind` (Qwen3) with more dimensions and heads that does what `model` does, and
    has the circuit above."""
    shape = dataclasses.replace(
        model.shape, hidden_size=OLD_HIDDEN + 2 * TAG_SIZE, num_attention_heads=OLD_HEADS + 2,
        num_key_value_heads=OLD_KV_HEADS + 1)
    larger = kind(shape, seed)
    share = math.sqrt(OLD_HIDDEN / shape.hidden_size)
    old, fresh = dict(model.named_parameters()), dict(larger.named_parameters())
    for name, target in fresh.items():
        source = old[name]
        if source.shape == target.shape:
            target.copy_(source)
        elif target.dim() == 1:
            target.fill_(share)
            target[:len(source)] = source * share
        else:
            rows, columns = source.shape
            if name.endswith(("o_proj.weight", "down_proj.weight", "embed_tokens.weight")):
                target.zero_()
            target[:rows, columns:] = 0
            target[:rows, :columns] = source
    plant_context(larger, twins, seed)
    return larger
