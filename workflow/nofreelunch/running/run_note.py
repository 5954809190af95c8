"""Who is making a study: a note in its folder, from which a second person learns what goes on."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil

NOTE = ".run.json"


def begin_run(results: str | Path) -> None:
    """Note that this process makes the study in `results`."""
    note = {
        "user": _user(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started": psutil.Process().create_time(),
        "numbering": _numbering(),
        "since": time.strftime("%Y-%m-%d %H:%M"),
    }
    Path(results).mkdir(parents=True, exist_ok=True)
    Path(results, NOTE).write_text(json.dumps(note), encoding="utf-8")


def of_other_study(results: str | Path, study: Path, folder: str | Path) -> list[str]:
    """One line where another study's file, of the same name, makes what is in `results`.

    Otherwise notes in `folder`, which stays here when results are copied, that this one does.
    """
    kept = Path(folder, f"{Path(results).name}.study")
    with suppress(OSError):
        other = Path(kept.read_text(encoding="utf-8").strip())
        if Path(results).is_dir() and other.is_file() and not other.samefile(study):
            allowed = f"another file name than {study.name} for {study}, or a folder without them"
            return [f"{results}: found results of {other}; allowed: {allowed}"]
    kept.parent.mkdir(parents=True, exist_ok=True)
    path = study.resolve()
    if path.is_relative_to(Path.cwd()):  # which holds in a copy of this folder, too
        path = path.relative_to(Path.cwd())
    kept.write_text(f"{path}\n", encoding="utf-8")
    return []


def end_run(results: str | Path) -> None:
    """Remove the note of this process."""
    if _is_ours(_read(results)):
        Path(results, NOTE).unlink(missing_ok=True)


def lock_notice(results: str | Path) -> list[str]:
    """One line on another run that has locked the study: whether it goes on or is gone."""
    note = _read(results)
    if not note or _is_ours(note):
        return []
    run = "{user}'s run of {since} on {host} (process {process})".format(**note)
    if (note["host"], note["numbering"]) != (socket.gethostname(), _numbering()):
        return [
            f"{results}: locked by {run}; look there whether it goes on, and only if it does not: "
            "`snakemake --unlock`"
        ]
    if _alive(note):
        return [f"{results}: locked by {run}, which goes on; wait for it, or stop it with Ctrl-C"]
    return [
        f"{results}: locked by {run}, which is gone: `snakemake --unlock`, and then the same "
        "command goes on"
    ]


def _is_ours(note: dict) -> bool:
    ours = os.getpid(), socket.gethostname(), _numbering()
    return (note.get("process"), note.get("host"), note.get("numbering")) == ours and _alive(note)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container, a user may have a number but no name
        return f"user {os.getuid()}"


def _read(results: str | Path) -> dict:
    """The note, or nothing where there is none, it is damaged, or another version wrote it."""
    with suppress(OSError, ValueError):
        note = json.loads(Path(results, NOTE).read_text(encoding="utf-8"))
        if {"user", "host", "process", "started", "numbering", "since"} <= {*note}:
            return note
    return {}


def _numbering() -> str:
    """What numbers processes here: in a container, the numbers are those of other processes."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _alive(note: dict) -> bool:
    """Whether the process goes on. One that started at another time has only its number.

    A process of another user that the system hides counts as going on.
    """
    try:
        return abs(psutil.Process(note["process"]).create_time() - note["started"]) < 2
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return _hidden(note["process"])


def _hidden(process: int) -> bool:
    """Whether there is such a process of another user, where /proc shows only one's own."""
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False
