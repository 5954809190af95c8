"""Notices before a run: results by other code, layouts or libraries, and too little disk space.

Each function returns lines to print, and none if there is nothing to say.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nofreelunch.files.contract import LAYOUT, STAGES

OF_COHORTS = tuple(stage for stage, made in STAGES.items() if "{cohort}" in made.files)
TRIGGERS = ("input", "mtime", "params")
LARGEST_RESULT = 100 * 10**9  # bytes; larger files are compared by their time alone
MATTERING = ("torch", "numpy", "scipy")  # libraries whose versions may change the last digits


def of_code(
    results: str | Path, planned: Mapping[str, Mapping[str, str]], recorded: Callable[[Path], bool]
) -> list[str]:
    """One line per group of files that other code made, and one on files without a record.

    Args:
        results: folder of the study.
        planned: stage -> file name -> fingerprint of the code as it is. Among files of one
            fingerprint, the first that exists stands for all.
        recorded: whether Snakemake knows with which settings and code a file was made. If it does
            not, a change of them does not make the file again.
    """
    lines, unknown = [], []
    for stage, files in planned.items():
        folder = Path(results) / STAGES[stage].folder
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
                    f"{folder.name}: the code has changed since {some} was made "
                    f"({then}, now {code}), so it will be made again"
                )
            elif then and then != code:
                lines.append(
                    f"{folder.name}: {some} was made by other code ({then}, now {code}) and is "
                    "not made again, as there is no record of it in .snakemake; "
                    f"--forcerun {stage} makes it again"
                )
            elif not known:
                unknown += [f"{folder.name}/{name}.nc" for name in names]
    if unknown:
        lines.append(
            f"{results}: there is no record in .snakemake of {len(unknown)} files, {unknown[0]} "
            "first (copied in, or their run was lost): they are used, and later changes do not "
            "make them again"
        )
    return lines


def of_layout(results: str | Path) -> list[str]:
    """One line on the first stage whose files have another layout, from another version."""
    for stage in OF_COHORTS:
        folder = Path(results) / STAGES[stage].folder
        found = _first(folder, [path.stem for path in sorted(folder.glob("*.nc"))])
        if found and found.get("layout") != str(LAYOUT):
            return [
                f"{folder}: found files of layout {found.get('layout')}; allowed: {LAYOUT}; "
                f"another version of this project made them: move {results} away, or check that "
                "version out"
            ]
    return []


def of_versions(results: str | Path, stage: str, names: Iterable[str]) -> list[str]:
    """One line if the first file of a stage was made with other versions of libraries."""
    found = _first(Path(results) / STAGES[stage].folder, names)
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


def of_triggers(triggers: Iterable[str], checksum_size: int) -> list[str]:
    """One line if Snakemake's own rules on what runs again are not those of profiles/default.

    Another profile and an outer workflow do not inherit that one.

    Args:
        triggers: names of `--rerun-triggers`.
        checksum_size: `--max-checksum-file-size`, bytes.
    """
    found = {*triggers}
    because = []
    if "code" in found:
        because.append("a fresh checkout or a touched script makes everything again")
    if missing := {*TRIGGERS} - found:
        because.append(f"changes of {' and '.join(sorted(missing))} go unseen")
    if checksum_size < LARGEST_RESULT:
        because.append("a copied or touched file counts as changed")
    if not because:
        return []
    return [
        f"what runs again: {'; '.join(because)}: add `--rerun-triggers {' '.join(TRIGGERS)} "
        f"--max-checksum-file-size {LARGEST_RESULT // 10**9}GB`, or the lines of "
        "profiles/default/config.yaml to your own profile"
    ]


def of_space(results: str | Path, needed: float) -> list[str]:
    """One line if the disk has less room than the results may take: `needed` bytes in all."""
    folder = Path(results).absolute()
    while not folder.exists():
        folder = folder.parent
    present = sum(path.stat().st_size for path in Path(results).rglob("*.nc"))
    free = shutil.disk_usage(folder).free
    if needed - present <= free:
        return []
    return [
        f"{results}: found {free / 1e9:.1f} GB of free disk; allowed: at least "
        f"{(needed - present) / 1e9:.1f} GB, which the results of this study may take"
    ]


def _first(folder: Path, names: Iterable[str]) -> dict[str, str] | None:
    """Attributes of the first file that exists; None if there is none, or it cannot be read."""
    import netCDF4  # slow to import, and not needed before there are results

    for name in names:
        path = folder / f"{name}.nc"
        if path.exists():
            try:
                with netCDF4.Dataset(path) as file:
                    return {key: str(file.getncattr(key)) for key in file.ncattrs()}
            except OSError:
                return None
    return None
