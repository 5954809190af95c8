"""Checkpoints, from which a training job that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nofreelunch.errors import DatasetError
from nofreelunch.files import access

log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one output file.

    A checkpoint is a file of plain arrays beside the output. It is written whole or not at all, and
    removed when the output is whole. It records which networks, code and trajectories it belongs
    to, and is ignored by a job with others.

    Args:
        output: the file that the job makes.
        minutes: time between checkpoints; 0 saves after every step.
        code: fingerprint of the code that trains.

    Raises:
        DatasetError: where no file can be written beside `output`.
    """

    def __init__(self, output: str | Path, minutes: float, code: str) -> None:
        self.output, self.minutes, self.code = Path(output), minutes, code
        self.saved = time.monotonic()
        self.stop: int | None = None  # number of the signal that asked to stop
        probe = self.output.with_name(f".{self.output.name}.{os.getpid()}.part")
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise DatasetError(
                f"{self.output.parent}: no checkpoint can be written here ({error.strerror})"
            ) from error

    def path(self, group: str) -> Path:
        """File of the checkpoint of the networks named `group`."""
        return self.output.with_name(f"{self.output.stem}.checkpoint-{group}.npz")

    def due(self) -> bool:
        """Whether it is time to save: the interval is over, or a signal asked to stop."""
        return self.stop is not None or time.monotonic() - self.saved >= 60 * self.minutes

    def save(self, group: str, identity: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Replace the checkpoint of `group` by these arrays.

        Raises DatasetError where the disk refuses them; the earlier checkpoint then stays.
        """
        path = self.path(group)
        part = path.with_name(f".{path.name}.part")
        try:
            with open(part, "wb") as file:
                np.savez(file, header=np.array(self._header(identity, arrays)), **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DatasetError(
                f"{path}: the checkpoint cannot be written ({error.strerror})"
            ) from error
        self.saved = time.monotonic()

    def load(self, group: str, identity: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """The arrays last saved for `group`; None where none are usable.

        Damaged checkpoints, and those of other networks or code, are ignored with a warning.
        Raises DatasetError for one that this process may not read: it may be good.
        """
        path = self.path(group)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = str(arrays.pop("header"))
        except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
            if obstacle := access.obstacle_to_reading(path):
                raise DatasetError(f"{path}: cannot be read ({obstacle})") from error
            log.warning("%s: ignored, it is damaged (%s)", path, type(error).__name__)
            return None
        if header != self._header(identity, arrays):
            log.warning("%s: ignored, it is damaged, or of other networks or code", path)
            return None
        return arrays

    def ignore_others(self, groups: Iterable[str]) -> None:
        """Warn of checkpoints of the output that belong to none of `groups`."""
        known = {self.path(group) for group in groups}
        for path in sorted(self.output.parent.glob(f"{self.output.stem}.checkpoint-*.npz")):
            if path not in known:
                log.warning("%s: ignored, it is of other networks", path)

    def stop_if_asked(self, name: str, done: int) -> None:
        """Raise SystemExit, with the status of the signal, if a signal asked the job to stop."""
        if self.stop is not None:
            log.warning(
                "%s: stopped after step %d; the same command goes on from there", name, done
            )
            raise SystemExit(128 + self.stop)

    def clear(self) -> None:
        """Remove all checkpoints of the output, and the unfinished files of killed jobs."""
        saved = f"{self.output.stem}.checkpoint-*.npz"
        for pattern in (saved, f".{saved}.part", f".{self.output.name}.*.part"):
            for path in self.output.parent.glob(pattern):
                path.unlink(missing_ok=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as requests to save and stop; only a main thread gets signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._asked) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, number: int, frame: Any) -> None:
        self.stop = number

    def _header(self, identity: Mapping[str, Any], arrays: Mapping[str, Any]) -> str:
        """JSON of what the arrays belong to, with a digest of the arrays."""
        content = hashlib.sha256()
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            content.update(f"{name} {array.dtype} {array.shape}".encode())
            content.update(array.reshape(-1).view(np.uint8).data)
        identity = {"code": self.code, "arrays": content.hexdigest(), **identity}
        return json.dumps(identity, sort_keys=True)
