"""The wheel by itself: installed in an environment of its own, used from another folder."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import nofreelunch
import numpy as np
import pytest
from synthetic_maps import hexagonal

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {
    **{"sklearn": "scikit-learn", "yaml": "PyYAML"},
    **{"hdmf": "pynwb", "ndx_rate_maps": "ndx-rate-maps"},
}


def names(requirements):
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


def test_every_library_that_is_imported_is_declared():
    imported = set()
    for path in (ROOT / "workflow" / "nofreelunch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    others = imported - set(sys.stdlib_module_names) - {"nofreelunch"}
    found = {DISTRIBUTIONS.get(name, name) for name in others}
    extras = PROJECT["optional-dependencies"]
    asked = [one for extra in ("exchange", "ndx", "topology") for one in extras[extra]]
    assert found - names(asked) == names(PROJECT["dependencies"])


def test_what_is_declared_is_locked():
    locked = (ROOT / "envs" / "requirements.in").read_text().lower()
    optional = PROJECT["optional-dependencies"].items()
    # What benchmarks compare with is for whoever measures, an extension of NWB for whoever uses it,
    # and persistent homology for one claim; the site of the docs has a lock of its own.
    apart = ("benchmark", "docs", "ndx", "topology")
    extras = [one for name, extra in optional if name not in apart for one in extra]
    for name in names([*PROJECT["dependencies"], *extras]) - {"torch"}:
        assert re.search(rf"^{name.lower()}\b", locked, re.M), name


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel's program, in an environment that borrows the libraries of this one."""
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"
    subprocess.run(["git", "-C", ROOT, "rev-parse"], check=True, capture_output=True)
    (source / "workflow").mkdir(parents=True)
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        (source / part).write_bytes((ROOT / part).read_bytes())
    for part in ("nofreelunch", "models", "studies", "schemas"):
        for path in (ROOT / "workflow" / part).rglob("*"):
            if path.is_file() and path.suffix in (".py", ".c", ".css", ".html", ".js", ".yaml"):
                copy = source / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    install = ["install", "--no-deps", "--prefix", folder / "venv", "--ignore-installed", wheel]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    return folder / "venv" / "bin" / "python", wheel


def run(installed, *arguments, cwd):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [installed[0], "-m", "nofreelunch", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_the_wheel_that_runs(installed, tmp_path):
    code = "import nofreelunch; print(nofreelunch.__file__)"
    said = subprocess.run([installed[0], "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert Path(said.stdout.strip()).is_relative_to(installed[0].parents[1])
    assert run(installed, "--version", cwd=tmp_path) == f"nofreelunch {nofreelunch.__version__}\n"


def test_it_holds_every_module_study_and_schema(installed):
    held = set(zipfile.ZipFile(installed[1]).namelist())
    modules = ROOT / "workflow" / "nofreelunch"
    for path in (path for kind in ("py", "html", "css") for path in modules.rglob(f"*.{kind}")):
        assert path.relative_to(ROOT / "workflow").as_posix() in held
    for part in ("models", "studies", "schemas"):
        for path in (ROOT / "workflow" / part).glob("*.yaml"):
            assert f"nofreelunch/{part}/{path.name}" in held
    assert "nofreelunch/compute/kernels.c" in held
    for path in (ROOT / "workflow" / "nofreelunch" / "explorer").iterdir():
        assert path.is_dir() or f"nofreelunch/explorer/{path.name}" in held


def test_it_scores_maps(installed, tmp_path):
    np.savez(tmp_path / "maps.npz", rate_map=hexagonal(44, 0.6))
    said = run(installed, "score", "maps.npz", "--bin-size", "0.05", cwd=tmp_path)
    assert "period" in said.splitlines()[0] and len(said.splitlines()) == 2


def test_it_plans_the_laptop_study(installed, tmp_path):
    said = run(installed, "plan", "laptop", cwd=tmp_path)
    assert re.match(r"laptop: \d+ networks in \d+ cohorts", said)


def test_it_lists_the_targets(installed, tmp_path):
    assert run(installed, "targets", cwd=tmp_path).startswith("cartesian ")


@pytest.mark.parametrize("command", ["score", "explore", "plan", "forecast", "targets", "prune"])
def test_every_command_has_an_example(installed, command, tmp_path):
    said = " ".join(run(installed, command, "--help", cwd=tmp_path).split())
    assert f"Example: nofreelunch {command}" in said
