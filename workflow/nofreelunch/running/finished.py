"""What `make` says at its end: where the story of the study is."""

import sys
from pathlib import Path

from nofreelunch.errors import InvalidFile
from nofreelunch.study.config import read_config
from nofreelunch.study.sweeps import study_file


def story(study: str = "") -> Path:
    """The story of a study, or of the one that config.yaml names, in the folder `results`."""
    name = study_file(study or read_config("config.yaml")["study"]).stem
    return Path("results") / name / "index.html"


def announce() -> None:
    """Print the path of the story; fail where it was not made."""
    try:
        path = story(*sys.argv[1:])
    except InvalidFile as error:
        sys.exit(str(error))
    if not path.is_file():
        sys.exit(f"{path} was not made")
    print(f"Open in a browser: {path}")


if __name__ == "__main__":
    announce()
