"""Libraries that only some users need: they come with an extra of the package."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from nofreelunch.errors import MissingLibrary, refused


def needed(library: str, where: Any, extra: str = "exchange") -> ModuleType:
    """The library, imported. Raises MissingLibrary, which says what to install.

    Args:
        library: name of a module, such as "h5py".
        where: the file or argument that needs it, for the message.
        extra: of pyproject.toml, with which the library comes.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        install = f"pip install -e '.[{extra}]'"
        allowed = f"it, from the extra {extra}: `{install}`"
        raise refused(where, f"no library {library}", allowed, MissingLibrary) from error
