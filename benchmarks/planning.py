"""Time and memory that it takes to plan a study.

`python benchmarks/planning.py` prints a line per study. Each is planned in processes of its own.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from nofreelunch.study import costs, sweeps

STUDIES = ("laptop", "paper")  # those that exist are planned
DEVICES = ("auto", "cuda")  # `compute.device`, which sets how many networks make a cohort
REPEATS = 3

log = logging.getLogger("benchmarks")


def run() -> dict[str, Any]:
    """Seconds of loading and packing, peak bytes, and what was planned: `rows`, one per plan."""
    rows = []
    for name in (name for name in STUDIES if name in sweeps.study_names()):
        for device in DEVICES:
            command = [sys.executable, __file__, name, device]
            plans = [
                json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                for _ in range(REPEATS)
            ]
            timed = {key: [plan.pop(key) for plan in plans] for key in ("seconds", "peak_bytes")}
            rows.append({"study": name, "device": device} | plans[0] | timed)
            log.info("%s", rows[-1])
    return {"rows": rows}


def plan(name: str, device: str) -> dict[str, Any]:
    """Plan a study in this process."""
    start = time.perf_counter()
    planned = sweeps.load_study(name)
    cohorts = planned.pack(device=device)
    seconds, peak = time.perf_counter() - start, _peak_memory()
    useful = spent = 0.0
    for cohort in cohorts:
        specs = [network.spec for network in cohort.networks]
        needed = sum(spec["steps"] * costs.operations(spec) for spec in specs)
        useful, spent = useful + needed, spent + needed / costs.useful_share(specs)
    return {
        "seconds": seconds,
        "peak_bytes": peak,
        "networks": len(planned.networks),
        "cohorts": len(cohorts),
        "useful_share": useful / spent,
    }


def _peak_memory() -> int:
    """Most bytes that this process has held. On Linux, getrusage would count its parent's too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        json.dump(plan(*sys.argv[1:]), sys.stdout)
    else:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        run()
