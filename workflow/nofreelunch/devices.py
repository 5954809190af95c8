"""Where networks train: the device, its precision, its memory, and graphs of its kernels."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "tf32", "bfloat16")
USABLE = 0.9  # share of a device's free memory that a cohort may be planned to take
EXHAUSTED = ("can't allocate memory", "out of memory", "ALLOC_FAILED")  # in what torch says
# Files with the limit and the use of a control group, and what files take in it, by controllers.
CONTROL_GROUPS = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}

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
    lacking = {
        "tf32": not (on_cuda and torch.cuda.is_tf32_supported()),
        "bfloat16": on_cuda and not torch.cuda.is_bf16_supported(including_emulation=False),
    }
    if lacking.get(precision):
        allowed = [p for p in PRECISIONS if not lacking.get(p)]
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
        torch.cuda.empty_cache()  # what torch keeps for itself counts as taken
        return USABLE * torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as file:
            available = next(line for line in file if line.startswith("MemAvailable"))
        return USABLE * min(1024 * int(available.split()[1]), _granted())
    except (OSError, StopIteration):
        return float("inf")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch ran out of memory; a CPU, a CUDA graph and cuBLAS say so in words alone."""
    found: BaseException | None = error
    while found is not None:  # ending a capture that failed raises an error of its own
        if isinstance(found, torch.OutOfMemoryError) or any(w in str(found) for w in EXHAUSTED):
            return True
        found = found.__context__
    return False


def _granted(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """Bytes that this process's control groups may still take, a SLURM job's for example.

    Each group also keeps to the limits of those it is in.
    """
    try:
        groups = [line.split(":", 2)[1:] for line in own.read_text().splitlines()]
    except OSError:
        return float("inf")
    granted = [float("inf")]
    for controllers, group in groups:
        if controllers in CONTROL_GROUPS:
            parts = Path(group.strip("/")).parts
            inside = [root / controllers / Path(*parts[:k]) for k in range(len(parts) + 1)]
            granted += [_left_in(folder, *CONTROL_GROUPS[controllers]) for folder in inside]
    return min(granted)


def _left_in(group: Path, limit: str, used: str, files: str) -> float:
    """Bytes left in a control group; files that the system merely keeps in memory count as free."""
    try:
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        sizes = [int((group / name).read_text()) for name in (limit, used)]
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")
    return float(sizes[0] - sizes[1] + int(kept.get(files, 0)))


def captured(step: Callable[[], None], state: Sequence[Tensor]) -> Callable[[], None]:
    """`step` as one CUDA graph, whose kernels are launched together; `step` if that fails.

    Args:
        step: work on tensors that stay where they are, without looking at their values.
        state: the tensors that it changes; they keep their values.
    """
    kept = [tensor.detach().clone() for tensor in state]
    main, side = torch.cuda.current_stream(), _side_stream()
    side.wait_stream(main)
    graph = torch.cuda.CUDAGraph()
    replay = graph.replay
    try:
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries allocate and choose at first use
                step()
        main.wait_stream(side)
        with torch.cuda.graph(graph, stream=side):
            step()
    except RuntimeError as error:
        torch.cuda.set_stream(main)  # a capture that fails may leave its own
        main.wait_stream(side)
        if out_of_memory(error):
            raise
        log.warning("no CUDA graph, which is slower: %s", str(error).splitlines()[0])
        replay = step
    with torch.no_grad():
        for tensor, value in zip(state, kept, strict=True):
            tensor.copy_(value)
    return replay


@cache
def _side_stream() -> torch.cuda.Stream:
    """The stream of all captures: for every new one, libraries take memory of their own."""
    return torch.cuda.Stream()
