"""What keeps this process from a file, where the content of the file is not to blame."""

from __future__ import annotations

import errno
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, where files are not locked in this way
    fcntl = None  # type: ignore[assignment]

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
TOO_MANY = (errno.EMFILE, errno.ENFILE)
PROBE = bytes(2**16)  # a full disk may still have room for less


def obstacle_to_reading(path: str | Path) -> str:
    """Why `path` cannot be read, with what helps; empty if it can, so that its content is to blame.

    HDF5 reports a lock, a missing permission and damage by one and the same error.
    """
    try:
        with open(path, "rb") as file:
            file.read(1)
            _lock(file.fileno(), shared=True)
    except OSError as error:
        return _in_words(error)
    return ""


def obstacle_to_writing(path: str | Path) -> str:
    """Why nothing can be written to `path`, with what helps; empty if it can. Extends the file."""
    try:
        with open(path, "ab") as file:
            file.write(PROBE)
            file.flush()
            os.fsync(file.fileno())
            _lock(file.fileno(), shared=False)
    except OSError as error:
        return _in_words(error)
    return ""


def _lock(descriptor: int, shared: bool) -> None:
    """Lock a file as HDF5 does, and free it again; OSError where that is refused."""
    if fcntl is None or os.environ.get("HDF5_USE_FILE_LOCKING", "").upper() in ("FALSE", "0"):
        return
    fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def _in_words(error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return "another program has it open: close it there and run again"
    if error.errno in NO_LOCKS:
        return (
            f"{error.strerror}: this file system refuses locks; set HDF5_USE_FILE_LOCKING=FALSE "
            "and run again"
        )
    if error.errno in TOO_MANY:
        return f"{error.strerror}: allow more, as `ulimit -n 4096` does, and run again"
    return error.strerror or str(error)
