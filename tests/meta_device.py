"""A device of tensors without values, which shows what code would do on a GPU.

Nothing can look at a value there, as nothing may in a CUDA graph; and operations on tensors of
several devices, which a GPU refuses and torch's own meta device mostly takes, are refused here.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

META = torch.device("meta")


class OneDevice(TorchDispatchMode):
    """Refuse operations on several devices, but for copies and single numbers, as CUDA does."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        devices = {x.device for x in tensors if x.dim()}
        if len(devices) > 1 and operation is not torch.ops.aten.copy_.default:
            raise RuntimeError(f"{operation} of tensors on {devices}")
        return operation(*args, **(kwargs or {}))
