"""Where networks train: the device, its precision, its memory, and graphs of its kernels."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "tf32", "bfloat16")
USABLE = 0.9  # share of a device's free memory that a cohort may be planned to take

log = logging.getLogger(__name__)


def choose(device: str, precision: str = "float32") -> torch.device:
    """The torch device of "auto", "cpu" or "cuda", set to a precision of matrix products.

    Raises:
        ValueError: where there is no such device, or the device lacks the precision.
    """
    if device not in DEVICES:
        raise ValueError(f"compute.device: found {device!r}, allowed: {', '.join(DEVICES)}")
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError(
            "compute.device: found 'cuda', but torch sees no CUDA device; "
            "allowed here: auto, cpu (or install a CUDA build of torch)"
        )
    chosen = torch.device("cuda" if there and device != "cpu" else "cpu")
    if precision not in PRECISIONS:
        raise ValueError(
            f"compute.precision: found {precision!r}, allowed: {', '.join(PRECISIONS)}"
        )
    on_cuda = chosen.type == "cuda"
    lacking = (precision == "tf32" and not on_cuda) or (
        precision == "bfloat16" and on_cuda and not torch.cuda.is_bf16_supported()
    )
    if lacking:
        allowed = [p for p in PRECISIONS if p != precision and (on_cuda or p != "tf32")]
        raise ValueError(
            f"compute.precision: found {precision!r}, which {chosen.type} does not have here; "
            f"allowed: {', '.join(allowed)}"
        )
    torch.set_flush_denormal(True)  # numbers too small to be normal are several times slower
    if on_cuda:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # products that repeat exactly
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    return chosen


def free_memory(device: torch.device) -> float:
    """Bytes on `device` that a cohort may take; infinite where that is not known."""
    if device.type == "cuda":
        return USABLE * torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as file:
            available = next(line for line in file if line.startswith("MemAvailable"))
        return USABLE * min(1024 * int(available.split()[1]), _granted())
    except (OSError, StopIteration):
        return float("inf")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch ran out of memory; on a CPU it says so in words alone."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _granted() -> float:
    """Bytes that this process's control group may still take, a SLURM job's for example."""
    try:
        group = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2]
        folder = Path(f"/sys/fs/cgroup{group}")
        limit, used = ((folder / f"memory.{name}").read_text() for name in ("max", "current"))
        return float(limit) - float(used)
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")


def captured(step: Callable[[], None], state: Sequence[Tensor]) -> Callable[[], None]:
    """`step` as one CUDA graph, whose kernels are launched together; `step` if that fails.

    Args:
        step: work on tensors that stay where they are, without looking at their values.
        state: the tensors that it changes; they keep their values.
    """
    kept = [tensor.detach().clone() for tensor in state]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    replay = graph.replay
    try:
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries allocate and choose at first use
                step()
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(graph):
            step()
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        log.warning("no CUDA graph, which is slower: %s", str(error).splitlines()[0])
        replay = step
    with torch.no_grad():
        for tensor, value in zip(state, kept, strict=True):
            tensor.copy_(value)
    return replay
