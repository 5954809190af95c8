"""A SLURM cluster on this machine: real daemons, two nodes, two fake GPUs, all in one folder.

The daemons are started and stopped here, with sockets, keys and ports of their own, so that a SLURM
that the machine may have is left alone. Only root may start them. No limit of time is so short that
a busy machine would reach it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE = 600  # seconds, of which a machine that is not busy takes few
SECONDS_TO_END = 15  # for what is asked to end, before it is killed
PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "srun",
    "squeue",
    "sinfo",
    "scancel",
    "scontrol",
)
CONFIGURATION = """
ClusterName=nofreelunch
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmdTimeout=3600
MessageTimeout=100
TCPTimeout=60
BatchStartTimeout=600
UnkillableStepTimeout=600
MinJobAge=86400
SchedulerParameters=batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=9000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=9000 Gres=gpu:2
PartitionName=cpu Nodes=n1 Default={default} MaxTime=60 DefMemPerCPU=500
PartitionName=gpu Nodes=n2 MaxTime=60 DefMemPerCPU=500
"""


def missing() -> str | None:
    """Why no cluster can be started here; None where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"SLURM is not installed ({', '.join(absent)}): apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root may start SLURM's daemons"
    return None


def wait(
    condition: Callable[[], object],
    what: str,
    process: subprocess.Popen | None = None,
    seconds: float = PATIENCE,
) -> object:
    """The first true value of `condition()`.

    AssertionError naming `what` where there is none in time, or `process` ends before.
    """
    limit = time.monotonic() + seconds
    while True:
        ended = process is not None and process.poll() is not None
        if found := condition():
            return found
        assert not ended, f"ended before {what}: {process.communicate()[1][-3000:]}"
        assert time.monotonic() < limit, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


class Cluster:
    """Node n1 in partition `cpu` (the default one), n2 with two GPUs in partition `gpu`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.daemons = folder, {}
        self.guard: subprocess.Popen | None = None
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH"))},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
        }

    def start(self) -> None:
        """Start all daemons and wait until both nodes are idle."""
        for name in ("state", "bin"):
            (self.folder / name).mkdir(parents=True)
        self._write_files()
        # It ends what is left once its input closes: in `stop`, or because the tests were killed.
        self.guard = subprocess.Popen(
            [sys.executable, __file__, self.folder], stdin=subprocess.PIPE, start_new_session=True
        )
        socket_ = f"--socket={self.folder}/munge.socket"
        munge = [
            f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "log", "pid", "seed")
        ]
        self._daemon("munged", "--force", "--foreground", socket_, *munge)
        wait((self.folder / "munge.socket").exists, "munged")
        self._daemon("slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node and wait until the node takes jobs."""
        self._daemon(f"slurmd {node}", "-D", "-N", node)
        wait(lambda: "idle" in self.ask("sinfo", "-hN", "-n", node, "-o%T"), f"node {node}")

    def kill_node(self, node: str) -> None:
        """As where a node loses its power: its daemons and all of its jobs are gone."""
        numbers = self.ask("squeue", "-h", "-w", node, "-o", "%A").split()
        steps = [pid for pid, name in self._steps() if name.split(".")[0] in numbers]
        self.daemons.pop(f"slurmd {node}").kill()
        # Those who would tell the controller how a job ended come first.
        for pid in [*steps, *self.processes(node)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # The controller would see for itself, but much later.
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def processes(self, node: str) -> list[int]:
        """The jobs' processes on a node: what SLURM started there and what these started."""
        marks = f"SLURMD_NODENAME={node}", f"SLURM_CONF={self.folder}/slurm.conf"
        return [pid for pid, given, _ in _running() if all(mark in given for mark in marks)]

    def _steps(self) -> list[tuple[int, str]]:
        """(process, "12.batch" or "12.0") of the daemons that watch over the steps of jobs."""
        found = []
        for pid, given, command in _running():
            if command.startswith("slurmstepd: [") and any(
                str(self.folder) in one for one in given
            ):
                found.append((pid, command.split("[")[1].split("]")[0]))
        return sorted(found, key=lambda step: not step[1].endswith("batch"))

    def ask(self, *command: str) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout.strip()

    def set_default_partition(self, default: bool) -> None:
        """Whether jobs without a partition go to `cpu` or are refused."""
        self.ask("scontrol", "update", "PartitionName=cpu", f"Default={'YES' if default else 'NO'}")

    def stop(self) -> None:
        """Cancel all jobs and stop what was started."""
        if "slurmctld" in self.daemons:
            self.ask("scancel", "--full", "--user=root")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        if self.guard:
            self.guard.communicate()
        for daemon in self.daemons.values():
            daemon.wait()

    def _daemon(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(
                [name.split()[0], *arguments],
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _write_files(self) -> None:
        folder, host = self.folder, socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(folder=folder, host=host, ports=free_ports(3), default="YES")
        (folder / "slurm.conf").write_text(text)
        for number in (0, 1):  # SLURM wants devices, and looks at nothing but their names
            os.mknod(folder / f"gpu{number}", 0o020666, os.makedev(1, 3))
        (folder / "gres.conf").write_text(f"NodeName=n2 Name=gpu File={folder}/gpu[0-1]\n")
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        # Inside a job, Snakemake calls srun without any SLURM_CONF.
        wrapper = folder / "bin" / "srun"
        wrapper.write_text(
            f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        )
        wrapper.chmod(0o755)


def end_all(folder: str) -> None:
    """End all processes that know of the cluster in `folder`: daemons, jobs, Snakemake."""
    begun = time.monotonic()
    while found := [pid for pid, given, _ in _running() if any(folder in one for one in given)]:
        asked = time.monotonic() - begun < SECONDS_TO_END
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if asked else signal.SIGKILL)
        time.sleep(0.5)


def _running() -> Iterator[tuple[int, list[str], str]]:
    """(id, environment, command) of all processes that this user may look into."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            given = (entry / "environ").read_text(errors="replace").split("\0")
            command = (entry / "cmdline").read_text(errors="replace")
        except OSError:  # it has ended
            continue
        yield int(entry.name), given, command


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on, and that no connection is given by chance."""
    free: list[int] = []
    while len(free) < count:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free += [port] if port not in free else []
    return free


if __name__ == "__main__":
    sys.stdin.read()
    end_all(sys.argv[1])
