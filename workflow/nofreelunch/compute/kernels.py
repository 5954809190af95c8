"""Everything in a training step on a CPU except matrix products, in C, compiled on first use.

Torch functions need several sweeps over memory for the place-cell code, the cross-entropy and the
optimiser's update; `kernels.c` needs one. Without a compiler, and on a GPU, torch does them.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import socket
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = (
    *("-std=c11", "-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno"),
    *("-fno-trapping-math", "-fvisibility=hidden", "-shared", "-fPIC"),
)
WIDE = "-mprefer-vector-width=512"  # makes full use of AVX-512; not every compiler knows it

log = logging.getLogger(__name__)


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels; None without a compiler, or if NOFREELUNCH_KERNELS is 0.

    Callers then do the same with torch functions. The library is kept in the user's cache.
    """
    if os.environ.get("NOFREELUNCH_KERNELS") == "0":
        return None
    compiler = os.environ.get("CC") or "cc"
    try:
        loaded = _load(compiler)
    # RuntimeError: no home folder; ValueError: an open quote in CC.
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip().partition("\n")[0]
        log.info("training without compiled kernels, which is slower: %s", reason)
        return None
    integer, real, pointer = ctypes.c_long, ctypes.c_float, ctypes.c_void_p
    loaded.encode.restype = loaded.update.restype = None
    loaded.encode.argtypes = (ctypes.c_int, *[integer] * 4, pointer, pointer, real, *[pointer] * 3)
    loaded.cross_entropy.restype = ctypes.c_double
    loaded.cross_entropy.argtypes = (*[integer] * 3, *[pointer] * 4)
    loaded.update.argtypes = (integer, *[real] * 6, *[pointer] * 4)
    return loaded


def keep_memory() -> None:
    """Let this process keep the memory that it frees, where its C library allows that.

    Every training step frees and takes the same megabytes. By default they go back to the system in
    between, which has to clear every page again.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    m_trim_threshold, m_mmap_threshold = -1, -3  # of glibc's malloc.h
    mallopt(m_mmap_threshold, 2**25)
    mallopt(m_trim_threshold, 2**31 - 1)


def usable(*tensors: Tensor) -> bool:
    """Whether the kernels take these tensors: contiguous float32 tensors on the CPU."""
    return library() is not None and all(
        t.device.type == "cpu" and t.dtype == torch.float32 and t.is_contiguous() for t in tensors
    )


def _load(compiler: str) -> ctypes.CDLL:
    """The shared library from the user's cache; compiled first if it is not there."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nofreelunch"
    parts = (SOURCE.read_bytes(), " ".join((compiler, *FLAGS, WIDE)).encode(), _processor())
    path = cached / f"kernels-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}.so"
    if _whole(path):
        with suppress(OSError):  # made by another system that shares this home
            return ctypes.CDLL(str(path))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        _compile(compiler, made)
        _keep(made, path)
        if _whole(path):
            with suppress(OSError):  # a folder for temporary files may forbid programs
                return ctypes.CDLL(str(path))
        return ctypes.CDLL(str(made))


def _keep(made: Path, path: Path) -> None:
    """Copy a library, with its digest behind it, to the cache, if that can be written.

    A loader overlooks the digest. A crash leaves no half of a file under the name of a whole one.
    """
    part = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}")
    content = made.read_bytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(content + hashlib.sha256(content).digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink()


def _whole(path: Path) -> bool:
    """Whether the library is in the cache, as `_keep` wrote it. Half of one ends its process."""
    try:
        kept = path.read_bytes()
    except OSError:
        return False
    size = hashlib.sha256().digest_size
    return kept[-size:] == hashlib.sha256(kept[:-size]).digest()


def _compile(compiler: str, path: Path) -> None:
    command = [*shlex.split(compiler), *FLAGS, str(SOURCE), "-o", str(path), "-lm"]
    options: dict[str, Any] = {"check": True, "capture_output": True, "text": True}
    try:
        subprocess.run([*command, WIDE], **options)
    except subprocess.CalledProcessError:
        subprocess.run(command, **options)


def _processor() -> bytes:
    """What the compiled instructions depend on: the kind and abilities of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}".encode()
    return "".join(x for x in lines[:40] if x.startswith(("flags", "Features", "model"))).encode()
