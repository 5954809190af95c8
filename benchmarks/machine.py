"""The machine under a benchmark: its hardware and load, and the timing of a step."""

from __future__ import annotations

import datetime
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nofreelunch
import numpy as np
import torch

LOOK = 0.1  # s between looks at the clock; before each, the GPU has to catch up


def cores() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def hardware() -> dict[str, Any]:
    """The kind of machine: processor, its instructions, cores, GPU (None where torch sees none)."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    instructions = torch.backends.cpu.get_cpu_capability()
    return {"cpu": _processor(), "instructions": instructions, "cores": cores(), "gpu": gpu}


def kind(of: dict[str, Any]) -> str:
    """One name, fit for a file, for all machines with the same hardware."""
    parts = f"{of['cpu']} {of['instructions']} {of['cores']} cores {of['gpu'] or ''}"
    parts = re.sub(r"\((R|TM|C)\)|@.*?Hz", " ", parts)
    return re.sub(r"[^a-z0-9]+", "-", parts.lower()).strip("-")


def conditions() -> dict[str, Any]:
    """Date, versions, and how busy the machine was before anything was timed."""
    versions = {"nofreelunch": nofreelunch.__version__, "python": platform.python_version()}
    versions |= {"torch": torch.__version__, "numpy": np.__version__}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"date": datetime.date.today().isoformat(), "load": load, "versions": versions}


def timed(
    step: Callable[[], object], seconds: float, wait: Callable[[], object] | None = None
) -> float:
    """Steps per second over at least `seconds`; `wait` returns when the device has caught up."""
    wait = wait or (lambda: None)
    wait()
    start = time.perf_counter()
    step()
    wait()
    some = max(1, round(LOOK / max(time.perf_counter() - start, 1e-9)))
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        for _ in range(some):
            step()
        wait()
        done += some
    return done / spent


def median(values: list[float]) -> float:
    return float(np.median(values))


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
