"""Dry runs in a process that has already imported Snakemake, which takes longer than they do.

python tests/dry_runs.py

It reads one JSON object per line, {"arguments", "environment", "folder", "output", "errors"}; forks
a process that is `python -m snakemake` with these arguments, in that folder, which writes to those
two files; and prints its exit status.
"""

import json
import os
import sys
import traceback

import jsonschema  # noqa: F401 (what the workflow imports, too)
import pandas  # noqa: F401
import snakemake.cli
import xarray  # noqa: F401


def run(given: dict) -> None:
    """Be Snakemake, to the end of this process."""
    status = 1
    try:
        for stream, name in ((1, "output"), (2, "errors")):
            os.dup2(os.open(given[name], os.O_WRONLY), stream)
        os.chdir(given["folder"])
        os.environ.clear()
        os.environ.update(given["environment"])
        sys.argv = ["snakemake", *given["arguments"]]
        snakemake.cli.main(given["arguments"])
    except SystemExit as end:  # as Python does at its end
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        else:
            status = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        process = os.fork()
        if not process:
            run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
