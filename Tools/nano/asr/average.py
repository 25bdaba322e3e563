"""Averages the weights of checkpoints of one run, which are better together than each alone.

    python average.py --out AVERAGE.pt 0.7:asr.pt 0.3:asr-before.pt

The running averages, which are exported, and the weights that training goes on from; the rest of the
optimizer's state is that of the first. Two runs side by side on a core each, which go on from
their average now and then, take one and a half times as many steps as one run on both cores.
"""

import argparse

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("parts", nargs="+", help="SHARE:CHECKPOINT, the last of the run first")
    arguments = parser.parse_args()
    parts = [part.split(":", 1) for part in arguments.parts]
    states = [torch.load(path, map_location="cpu") for _, path in parts]
    for kind in ("average", "master"):
        for name, value in states[0]["optimizer"][kind].items():
            each = [state["optimizer"][kind][name].float() for state in states]
            value.copy_(sum(float(share) * one for (share, _), one in zip(parts, each)))
    torch.save(states[0], arguments.out)


if __name__ == "__main__":
    main()
