"""The environment: one set of pins, all but torch locked by hash, and no half-made installs."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"
CONDA_NAMES = {"matplotlib-base": "matplotlib", "pytorch": "torch", "dask-core": "dask"}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(path: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s\\;]+)", path.read_text(), re.MULTILINE)
    return {normalise(name): pin for name, pin in pins}


def read_names(path: Path) -> set[str]:
    return {normalise(name) for name in re.findall(r"^[\w.-]+", path.read_text(), re.MULTILINE)}


LOCK = read_pins(ENVS / "requirements.txt")
TORCH = read_pins(ENVS / "torch.txt")
DIRECT = read_names(ENVS / "requirements.in")


def read_conda_pins() -> dict[str, str]:
    lines = yaml.safe_load((ENVS / "environment.yaml").read_text())["dependencies"]
    pins = dict(line.split("=") for line in lines if re.fullmatch(r"[\w.-]+=[^=]+", line))
    return {normalise(CONDA_NAMES.get(name, name)): pin for name, pin in pins.items()}


def test_conda_has_the_pins_of_pip() -> None:
    wanted = {name: LOCK[name] for name in DIRECT} | TORCH
    assert read_conda_pins() == wanted


def test_every_locked_package_has_a_hash() -> None:
    text = re.sub(r"^\s*#.*\n", "", (ENVS / "requirements.txt").read_text(), flags=re.MULTILINE)
    requirements = text.replace("\\\n", " ").strip().splitlines()
    assert len(requirements) == len(LOCK) > len(DIRECT)
    assert [line for line in requirements if not HASH.search(line)] == []


def test_lock_leaves_torch_and_its_libraries_to_the_platform() -> None:
    assert list(TORCH) == ["torch"]
    assert [name for name in LOCK if re.match("torch|nvidia|cuda|triton|pytorch", name)] == []


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda path: path.name)
def test_no_address_of_an_index(path: Path) -> None:
    addresses = re.findall(r"\w+://\S*|^--(?:extra-)?index-url.*|^--find-links.*", path.read_text())
    assert addresses == []


def test_these_tests_run_on_the_pins() -> None:
    pins = {name: LOCK[name] for name in DIRECT} | TORCH
    # A build of torch names its platform after a plus: 2.13.0+cpu.
    assert {name: version(name).split("+")[0] for name in pins} == pins


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `make env` reads, and nothing installed."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ENVS, tmp_path / "envs")
    return tmp_path


def make_env(folder: Path, python: Path | str) -> subprocess.CompletedProcess[str]:
    # An outer `make` would pass its own flags and targets on.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", "env", f"PYTHON={python}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def write_python(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_an_old_python_is_refused_in_one_line(checkout: Path) -> None:
    older = "import sys; sys.version_info = (3, 10, 13); exec(sys.argv[1])"
    old = write_python(checkout / "old", f"exec '{sys.executable}' -c '{older}' \"$2\"")
    answer = make_env(checkout, old)
    assert answer.returncode != 0
    said = answer.stderr.splitlines()[0]
    assert said == f"PYTHON={old} is Python 3.10.13: 3.11 or newer is needed"
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_named(checkout: Path) -> None:
    answer = make_env(checkout, "python-of-nobody")
    assert answer.returncode != 0
    assert answer.stderr.startswith("PYTHON=python-of-nobody was not found")


@pytest.mark.parametrize("name", ["My Drive", "it's", "$HOME", 'a"b', "(1)", "käfig-1.0@~"])
def test_a_path_that_the_shell_would_split_is_refused(checkout: Path, name: str) -> None:
    """In one line and before anything is installed; accents are no hindrance."""
    folder = checkout / name
    folder.mkdir()
    for part in ("Makefile", "pyproject.toml", "envs"):
        (checkout / part).rename(folder / part)
    # Where the path is allowed, the next step is the environment; this interpreter makes none.
    python = f'case "$*" in *"-m venv"*) exit 3 ;; esac; exec {sys.executable} "$@"'
    answer = make_env(folder, write_python(checkout / "python", python))
    if name.isascii():
        assert answer.stderr.startswith(f"{folder}: found {re.search('[^A-Za-z]', name)[0]!r} in")
        assert not (folder / ".venv").exists()
    else:
        assert "does not quote" not in answer.stderr and "Installing" in answer.stdout


# Stands for an interpreter: `-m venv` leaves a copy of it as .venv/bin/python, and `-m pip` says
# what it was asked for and fails where the file `broken` names its arguments.
STAND_IN = """\
env | grep '^PIP_' | sort | tr '\\n' ' '
case "$*" in
    *"-m venv"*) echo "$*"; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *"-m pip"*) echo "$*"; ! { [ -f broken ] && echo "$*" | grep -q -f broken; } ;;
esac"""


def test_a_broken_install_starts_again_and_a_whole_one_is_left_alone(checkout: Path) -> None:
    python = write_python(checkout / "python", STAND_IN)
    stamp = checkout / ".venv" / ".ready"

    (checkout / "broken").write_text("require-hashes")
    assert make_env(checkout, python).returncode != 0
    assert not stamp.exists()

    (checkout / "broken").unlink()
    again = make_env(checkout, python)
    assert again.returncode == 0 and stamp.exists()
    assert "-m venv --clear .venv" in again.stdout
    assert again.stdout.index("torch.txt") < again.stdout.index("requirements.txt")

    assert "-m pip" not in make_env(checkout, python).stdout

    later = stamp.stat().st_mtime + 10
    os.utime(checkout / "envs" / "requirements.txt", (later, later))
    (checkout / "broken").write_text("pip check")
    update = make_env(checkout, python)
    assert update.returncode != 0 and "--clear" not in update.stdout
    assert not stamp.exists()


def test_settings_of_the_users_pip_that_install_elsewhere_do_not_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of one's own counts."""
    for name in ("USER", "REQUIRE_VIRTUALENV", "DRY_RUN", "TARGET", "CONSTRAINT", "INDEX_URL"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    said = make_env(checkout, write_python(checkout / "python", STAND_IN)).stdout
    installs = [line for line in said.splitlines() if "-m pip" in line and "install" in line]
    assert len(installs) == 4
    for line in installs:
        words = {*line.split()}
        assert {"PIP_USER=0", "PIP_REQUIRE_VIRTUALENV=0", "PIP_DRY_RUN=0"} <= words
        assert "PIP_TARGET" not in line and "PIP_CONSTRAINT=/dev/null" in words
        assert "PIP_INDEX_URL=1" in line


def test_an_install_that_went_elsewhere_is_named(checkout: Path) -> None:
    elsewhere = STAND_IN.replace("esac", "    *import*nofreelunch*) exit 1 ;;\nesac")
    answer = make_env(checkout, write_python(checkout / "python", elsewhere))
    assert answer.returncode != 0
    assert answer.stderr.startswith(".venv: it lacks what pip was to install there: see target")
    assert not (checkout / ".venv" / ".ready").exists()


def test_a_home_that_cannot_be_written_is_named_before_snakemake_starts(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout / "file" / "cache"))
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".ready").write_text("")
    done = subprocess.run(["make", "study"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith(f"{checkout}/file/cache: found a folder that cannot be written")
    assert "set XDG_CACHE_HOME" in done.stderr.splitlines()[0]
