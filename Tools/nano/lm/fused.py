"""The element-wise parts of a block as compiled loops (fused.c), for training in bfloat16.

On one core they took more than half of a step when every operation passed over memory by itself.
The library is built with the C compiler at the first use; without one, `READY` is false and the
network computes as it is written in model.py.
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import torch

FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-shared", "-fPIC"]


def built():
    """The loaded library, or None."""
    folder = tempfile.mkdtemp()
    library = str(Path(folder) / "fused.so")
    source = str(Path(__file__).parent / "fused.c")
    try:
        subprocess.run(["cc", *FLAGS, source, "-o", library, "-lm"], check=True)
        return ctypes.CDLL(library)
    except (OSError, subprocess.CalledProcessError):
        return None


LIBRARY = built()
READY = LIBRARY is not None


def call(name, *arguments):
    """Runs a function of the library: tensors go as addresses, int as long, float as float."""
    given = []
    for value in arguments:
        if isinstance(value, torch.Tensor):
            assert value.is_contiguous()
            given.append(ctypes.c_void_p(value.data_ptr()))
        else:
            given.append(ctypes.c_float(value) if isinstance(value, float) else ctypes.c_long(value))
    getattr(LIBRARY, name)(*given)


class Norm(torch.autograd.Function):
    """RMS norm of f32 [..., size] to bfloat16."""

    @staticmethod
    def forward(ctx, x, weight, eps):
        x = x.float().contiguous()
        y = torch.empty_like(x, dtype=torch.bfloat16)
        call("norm_forward", x, weight, y, x.numel() // x.shape[-1], x.shape[-1], eps)
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dx, dweight = torch.empty_like(x), torch.zeros_like(weight)
        call("norm_backward", x, weight, dy.bfloat16().contiguous(), dx, dweight,
             x.numel() // x.shape[-1], x.shape[-1], ctx.eps)
        return dx, dweight, None


class Head(torch.autograd.Function):
    """Norm of every head of bfloat16 [batch, length, heads, size] and rotary positions."""

    @staticmethod
    def forward(ctx, x, weight, cos, sin, eps):
        x, cos, sin = x.contiguous(), cos.contiguous(), sin.contiguous()
        batch, length, heads, size = x.shape
        y = torch.empty_like(x)
        call("head_forward", x, weight, cos, sin, y, batch * length * heads, heads, length, size, eps)
        ctx.save_for_backward(x, weight, cos, sin)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight, cos, sin = ctx.saved_tensors
        batch, length, heads, size = x.shape
        dx, dweight = torch.empty_like(x), torch.zeros_like(weight)
        call("head_backward", x, weight, cos, sin, dy.contiguous(), dx, dweight,
             batch * length * heads, heads, length, size, ctx.eps)
        return dx, dweight, None, None, None


class Gate(torch.autograd.Function):
    """silu(gate) * up in bfloat16."""

    @staticmethod
    def forward(ctx, gate, up):
        gate, up = gate.contiguous(), up.contiguous()
        y = torch.empty_like(gate)
        call("gate_forward", gate, up, y, gate.numel())
        ctx.save_for_backward(gate, up)
        return y

    @staticmethod
    def backward(ctx, dy):
        gate, up = ctx.saved_tensors
        dgate, dup = torch.empty_like(gate), torch.empty_like(up)
        call("gate_backward", gate, up, dy.contiguous(), dgate, dup, gate.numel())
        return dgate, dup
