"""The device that networks train on: its precision, its free memory, and CUDA graphs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from nofreelunch.errors import refused, shown

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "tf32", "bfloat16")
USABLE = 0.9  # share of a device's free memory that a cohort may take
EXHAUSTED = ("can't allocate memory", "out of memory", "ALLOC_FAILED")  # in torch's messages
# For each kind of Linux control group: the files that hold its limit and its use, and the entry of
# memory.stat for files that the system keeps in memory.
CONTROL_GROUPS = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}

log = logging.getLogger(__name__)


def choose(device: str, precision: str = "float32") -> torch.device:
    """The torch device for "auto", "cpu" or "cuda", set up for a precision of matrix products.

    "auto" is CUDA where there is one. Raises ValueError where the device is not available, or
    lacks the precision.
    """
    if device not in DEVICES:
        raise refused("compute.device", shown(device), f"{', '.join(DEVICES)}")
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise refused(
            "compute.device",
            "'cuda', but torch sees no CUDA device",
            "auto, cpu (or install a CUDA build of torch)",
        )
    chosen = torch.device("cuda" if there and device != "cpu" else "cpu")
    if precision not in PRECISIONS:
        raise refused("compute.precision", shown(precision), f"{', '.join(PRECISIONS)}")
    on_cuda = chosen.type == "cuda"
    lacking = {
        "tf32": not (on_cuda and torch.cuda.is_tf32_supported()),
        "bfloat16": on_cuda and not torch.cuda.is_bf16_supported(including_emulation=False),
    }
    if lacking.get(precision):
        allowed = [p for p in PRECISIONS if not lacking.get(p)]
        raise refused(
            "compute.precision",
            f"{precision!r}, which {chosen.type} does not have here",
            f"{', '.join(allowed)}",
        )
    torch.set_flush_denormal(True)  # arithmetic with denormal numbers is slow
    if on_cuda:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # makes products repeat exactly
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    return chosen


def free_memory(device: torch.device) -> float:
    """Bytes on `device` that a cohort may take; infinite if that is not known."""
    if device.type == "cuda":
        torch.cuda.empty_cache()  # memory that torch keeps for reuse counts as taken
        return USABLE * torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as file:
            available = next(line for line in file if line.startswith("MemAvailable"))
        return USABLE * min(1024 * int(available.split()[1]), _granted())
    except (OSError, StopIteration):
        return float("inf")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error means that memory ran out.

    Torch has a class for this error. Errors on a CPU, in a CUDA graph and in cuBLAS are of other
    classes, and only their message tells.
    """
    found: BaseException | None = error
    while found is not None:  # a failed capture of a graph raises another error on top
        if isinstance(found, torch.OutOfMemoryError) or any(w in str(found) for w in EXHAUSTED):
            return True
        found = found.__context__
    return False


def _granted(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """Bytes that the control groups of this process, such as a SLURM job's, may still take.

    A group is also bound by the limits of the groups around it.
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
    """Bytes left in a control group; files that the system keeps in memory count as free."""
    try:
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        sizes = [int((group / name).read_text()) for name in (limit, used)]
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")
    return float(sizes[0] - sizes[1] + int(kept.get(files, 0)))


def captured(step: Callable[[], None], state: Sequence[Tensor]) -> Callable[[], None]:
    """The work of `step` as one CUDA graph, which launches all its kernels together.

    Args:
        step: work on tensors that stay at their addresses; it must not read values back.
        state: the tensors that `step` changes. Capturing leaves their values as they were.

    Returns:
        A function that replays the graph, or `step` itself where capturing fails.
    """
    kept = [tensor.detach().clone() for tensor in state]
    main, side = torch.cuda.current_stream(), _side_stream()
    side.wait_stream(main)
    graph = torch.cuda.CUDAGraph()
    replay = graph.replay
    try:
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries allocate memory and choose algorithms at first use
                step()
        main.wait_stream(side)
        with torch.cuda.graph(graph, stream=side):
            step()
    except RuntimeError as error:
        torch.cuda.set_stream(main)  # a failed capture may leave its own stream current
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
    """The one stream of all captures, because libraries take memory anew for every stream."""
    return torch.cuda.Stream()


def main() -> None:
    """Print the device for arguments such as `auto float32`, or why there is none."""
    try:
        print(choose(*sys.argv[1:]).type)
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main()
