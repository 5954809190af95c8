"""Who is making a study: a note in its folder, from which a second person learns what goes on."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from pathlib import Path

NOTE = ".run.json"


def begin_run(results: str | Path) -> None:
    """Note that this process makes the study in `results`."""
    note = {
        "user": _user(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "since": time.strftime("%Y-%m-%d %H:%M"),
    }
    Path(results).mkdir(parents=True, exist_ok=True)
    Path(results, NOTE).write_text(json.dumps(note), encoding="utf-8")


def end_run(results: str | Path) -> None:
    """Remove the note of this process."""
    if _read(results).get("process") == os.getpid():
        Path(results, NOTE).unlink(missing_ok=True)


def lock_notice(results: str | Path) -> list[str]:
    """One line on another run that has locked the study: whether it goes on or is gone."""
    note = _read(results)
    if not note or note["process"] == os.getpid():
        return []
    run = "{user}'s run of {since} on {host} (process {process})".format(**note)
    if note["host"] != socket.gethostname():
        return [
            f"{results}: locked by {run}; look there whether it goes on, and only if it does not: "
            "`snakemake --unlock`"
        ]
    if _alive(note["process"]):
        return [f"{results}: locked by {run}, which goes on; wait for it, or stop it with Ctrl-C"]
    return [
        f"{results}: locked by {run}, which is gone: `snakemake --unlock`, and then the same "
        "command goes on"
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container, a user may have a number but no name
        return f"user {os.getuid()}"


def _read(results: str | Path) -> dict:
    try:
        return json.loads(Path(results, NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to somebody else
        return True
    return True
