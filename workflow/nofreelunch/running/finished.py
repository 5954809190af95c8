"""What `make` says at its end: where the report of the study is."""

import sys
from pathlib import Path

from nofreelunch.errors import InvalidFile
from nofreelunch.study.config import read_config
from nofreelunch.study.sweeps import study_file


def report(study: str = "") -> Path:
    """The report of a study, or of the one that config.yaml names, in the folder `results`."""
    name = study_file(study or read_config("config.yaml")["study"]).stem
    return Path("results") / name / "report.html"


def announce() -> None:
    """Print the path of the report; fail where it was not made."""
    try:
        path = report(*sys.argv[1:])
    except InvalidFile as error:
        sys.exit(str(error))
    if not path.is_file():
        sys.exit(f"{path} was not made")
    print(f"Report: {path}")


if __name__ == "__main__":
    announce()
