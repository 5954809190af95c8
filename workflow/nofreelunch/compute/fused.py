"""Elementwise work of a large stack on a GPU in few passes over memory, by torch's compiler.

Torch functions read and write memory once each, a dozen times for an update of the optimiser. Once
the products of a step are fast, these passes cost as much. Compiling takes seconds, so small stacks
do without; and where compiling fails, the function runs as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from types import MethodType
from typing import Any

import torch
from torch import Tensor

from nofreelunch.compute import devices

LEAST = 2**22  # numbers in a tensor, from which on a pass takes longer than starting it
BACKEND = "inductor"

log = logging.getLogger(__name__)


def fused(function: Callable[..., Any], *arguments: Any, large: Tensor) -> Any:
    """The result of `function`, compiled if `large`, its largest tensor, is worth that.

    `function` is a function or method of tensors, and of lists and dictionaries of tensors, that
    reads no value back. Results agree with those of the function itself to rounding.
    """
    if not worthwhile(large):
        return function(*arguments)
    if isinstance(function, MethodType):  # the cache must not keep its object
        return _compiled(function.__func__)(function.__self__, *arguments)
    return _compiled(function)(*arguments)


def worthwhile(tensor: Tensor) -> bool:
    """Whether passes over a tensor are worth compiling: it is large, and on a GPU."""
    return tensor.device.type == "cuda" and tensor.numel() >= LEAST


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled = torch.compile(function, fullgraph=True, dynamic=False, backend=BACKEND)
    usable = True

    def run(*arguments: Any) -> Any:
        nonlocal usable
        if usable:
            try:
                return compiled(*arguments)
            except Exception as error:  # of the compiler, which has many kinds, or of the device
                if isinstance(error, RuntimeError) and devices.out_of_memory(error):
                    raise
                usable = False
                reason = str(error).strip().partition("\n")[0]
                log.warning("%s is not compiled, which is slower: %s", function.__name__, reason)
        return function(*arguments)

    return run
