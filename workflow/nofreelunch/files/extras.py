"""Libraries that only some users need: they come with an extra of the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from nofreelunch.errors import MissingLibrary, refused


@contextmanager
def from_extra(where: Any, extra: str = "exchange") -> Iterator[None]:
    """Around the import of a library of an extra: MissingLibrary, if absent, says what to install.

    >>> with from_extra("maps.nwb"):
    ...     import h5py

    Args:
        where: the file or argument that needs the library, for the message.
        extra: of pyproject.toml, with which the library comes.
    """
    try:
        yield
    except ImportError as error:
        library = str(error.name).partition(".")[0]
        allowed = f"it, from the extra {extra}: `pip install -e '.[{extra}]'`"
        raise refused(where, f"no library {library}", allowed, MissingLibrary) from error


def installed_version(library: str) -> str | None:
    """The version of a library that is installed, or None; it is not imported."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
