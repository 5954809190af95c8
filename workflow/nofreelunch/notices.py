"""What a user should know before a study runs: which results other code or libraries made."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nofreelunch.layout import LAYOUT

MATTERING = ("torch", "numpy", "scipy")  # libraries whose versions may move the last digits


def of_code(
    results: str | Path, planned: Mapping[str, Mapping[str, str]], recorded: Callable[[Path], bool]
) -> list[str]:
    """A line per stage on files of another code than today's, and one on files without a record.

    Args:
        results: folder of the study.
        planned: stage -> file name -> fingerprint of today's code. Of the files that share one,
            the first that is there stands for all.
        recorded: whether it is known with which settings and code a file was made, so that a
            change of them makes it again.
    """
    lines, unknown = [], []
    for stage, files in planned.items():
        folder, rule = Path(results) / stage, {"networks": "training"}.get(stage, stage)
        groups: dict[tuple[str, bool], list[str]] = {}
        for name, code in files.items():
            path = folder / f"{name}.nc"
            if path.exists():
                groups.setdefault((code, recorded(path)), []).append(name)
        for (code, known), names in groups.items():
            found = _first(folder, names)
            then = found and found.get("code_fingerprint")
            some = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} like it"
            if then and then != code and known:
                lines.append(
                    f"{stage}: the code has changed since {some} was made ({then}, now {code}), "
                    "so it will be made again"
                )
            elif then and then != code:
                lines.append(
                    f"{stage}: {some} was made by other code ({then}, now {code}) and is not made "
                    "again, as there is no record of it in .snakemake; "
                    f"--forcerun {rule} makes it again"
                )
            elif not known:
                unknown += [f"{stage}/{name}.nc" for name in names]
    if unknown:
        lines.append(
            f"{results}: there is no record in .snakemake of {len(unknown)} files, {unknown[0]} "
            "first (copied in, or their run was lost): they are used, and later changes do not "
            "make them again"
        )
    return lines


def of_layout(results: str | Path, stages: Iterable[str]) -> list[str]:
    """One line for the first stage whose files another version of this project wrote."""
    for stage in stages:
        files = sorted((Path(results) / stage).glob("*.nc"))
        found = _first(Path(results) / stage, [path.stem for path in files])
        if found and found.get("layout") != str(LAYOUT):
            return [
                f"{results}/{stage}: found files of layout {found.get('layout')}, allowed: "
                f"{LAYOUT}; another version of this project made them: move {results} away, or "
                "check that version out"
            ]
    return []


def of_versions(results: str | Path, stage: str, names: Iterable[str]) -> list[str]:
    """One line where the first file of a stage was made with other versions of libraries."""
    found = _first(Path(results) / stage, names)
    made = json.loads(found["versions"]) if found and "versions" in found else {}
    changed = [
        f"{name} {made[name]} (now {now})"
        for name in MATTERING
        if name in made and made[name] != (now := importlib.metadata.version(name))
    ]
    if not changed:
        return []
    return [
        f"{results} was made with {', '.join(changed)}: that alone runs nothing again; "
        "--forcerun training trains anew"
    ]


def of_space(results: str | Path, needed: float) -> list[str]:
    """One line where the disk has less room (bytes) than the results may take."""
    folder = Path(results).absolute()
    while not folder.exists():
        folder = folder.parent
    present = sum(path.stat().st_size for path in Path(results).rglob("*.nc"))
    free = shutil.disk_usage(folder).free
    if needed - present <= free:
        return []
    return [
        f"{results}: found {free / 1e9:.1f} GB of free disk, allowed: at least "
        f"{(needed - present) / 1e9:.1f} GB, which the results of this study may take"
    ]


def _first(folder: Path, names: Iterable[str]) -> dict[str, str] | None:
    """Attributes of the first of the files that is there and can be read."""
    import netCDF4  # takes long to import, and a study that has not begun does not need it

    for name in names:
        path = folder / f"{name}.nc"
        if path.exists():
            try:
                with netCDF4.Dataset(path) as file:
                    return {key: str(file.getncattr(key)) for key in file.ncattrs()}
            except OSError:
                return None
    return None
