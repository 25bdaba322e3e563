"""Muon for the weight matrices, Adam for everything else, with float32 master copies.

Reference: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), and
the update scale of "Muon is scalable for LLM training" (2025), sqrt(longer side) times a constant,
so that both parts share one learning rate; the constant is larger here, for short runs. The model
itself may be bfloat16.
"""

import torch

MUON_MOMENTUM, MUON_SCALE = 0.95, 0.4
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.98), 1e-9
WEIGHT_DECAY = 0.05
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
AVERAGE_DECAY = 0.994
AVERAGE_EVERY = 4


def orthogonalise(matrices):
    """Nearest semi-orthogonal matrices, roughly, of a batch [n, rows, columns], bfloat16."""
    x = matrices.bfloat16()
    if transposed := x.shape[1] > x.shape[2]:
        x = x.transpose(1, 2)
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.transpose(1, 2)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.transpose(1, 2) if transposed else x


class Optimizer:
    def __init__(self, model):
        self.named = dict(model.named_parameters())
        self.master = {name: p.detach().float().clone() for name, p in self.named.items()}
        self.average = {name: value.clone() for name, value in self.master.items()}
        self.first = {name: torch.zeros_like(p).detach() for name, p in self.named.items()}
        self.second, self.shapes, self.steps = {}, {}, 0
        for name, value in self.master.items():
            if value.ndim == 2 and "embed" not in name and not name.startswith("ctc"):
                self.shapes.setdefault(tuple(value.shape), []).append(name)
            else:
                self.first[name], self.second[name] = torch.zeros_like(value), value * 0

    def state_dict(self):
        kinds = ("master", "average", "first", "second")
        return {kind: getattr(self, kind) for kind in kinds} | {"steps": self.steps}

    def load_state_dict(self, state):
        for kind in ("master", "average", "first", "second"):
            for name, value in getattr(self, kind).items():
                if name in state[kind] and state[kind][name].shape == value.shape:
                    value.copy_(state[kind][name])
        self.steps = state["steps"]
        self.publish()

    @torch.no_grad()
    def publish(self, values=None):
        """Copies the master weights (or other `values`) into the model."""
        for name, parameter in self.named.items():
            parameter.copy_((values or self.master)[name])

    @torch.no_grad()
    def step(self, rate, clip=1.0):
        """One update; returns the norm of the gradients that Adam handles, before clipping.

        What Adam handles and the loss did not use stays as it is.
        """
        self.steps += 1
        used = [name for name in self.second if self.named[name].grad is not None]
        gradients = {name: self.named[name].grad.float() for name in used}
        norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
        scale = float(clip / torch.clamp(norm, min=clip))
        for names in self.shapes.values():
            for name in names:
                self.first[name].lerp_(self.named[name].grad, 1 - MUON_MOMENTUM)
            update = [self.named[n].grad.lerp(self.first[n], MUON_MOMENTUM) for n in names]
            update = orthogonalise(torch.stack(update))
            size = MUON_SCALE * max(update.shape[1:]) ** 0.5
            for name, direction in zip(names, update):
                value = self.master[name]
                value.mul_(1 - rate * WEIGHT_DECAY).add_(direction, alpha=-rate * size)
        early, late = ADAM_BETAS
        for name in used:
            gradient, second = gradients[name].mul_(scale), self.second[name]
            first = self.first[name].lerp_(gradient, 1 - early)
            second.lerp_(gradient * gradient, 1 - late)
            deviation = (second / (1 - late**self.steps)).sqrt_().add_(ADAM_EPSILON)
            self.master[name].addcdiv_(first, deviation, value=-rate / (1 - early**self.steps))
        if self.steps % AVERAGE_EVERY == 0:
            decay = min(AVERAGE_DECAY, self.steps / (self.steps + 20)) ** AVERAGE_EVERY
            for name, value in self.average.items():
                value.lerp_(self.master[name], 1 - decay)
        self.publish()
        return float(norm)
