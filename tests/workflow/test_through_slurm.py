"""Studies through a real SLURM: its daemons run on this machine, in a folder of the test."""

import re
import shutil
import signal
from collections import defaultdict
from pathlib import Path

import pytest
import slurm_cluster
import xarray as xr
from conftest import ROOT, Checkout, copy_checkout
from slurm_cluster import wait

WHY_NOT = slurm_cluster.missing()
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]
SLURM = ("--workflow-profile", "profiles/slurm")
PROFILE = "profiles/slurm/config.yaml"
SITE = {  # what a user of this cluster edits, and a shorter wait for short jobs
    "  # slurm_partition: cpu\n": "  slurm_partition: cpu\n",
    "    # slurm_partition: gpu\n": "    slurm_partition: gpu\n",
    "    gpu: 1\n": "    gpu: 1\n",
    "status-checks: 15\n": "status-checks: 3\n",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = slurm_cluster.Cluster(tmp_path_factory.mktemp("slurm") / "cluster")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def checkout(cluster, tmp_path_factory):
    """A checkout with this cluster in its profile."""
    made = copy_checkout(tmp_path_factory.mktemp("slurm") / "checkout")
    for study in ("cluster", "interrupted"):
        shutil.copy2(ROOT / "tests" / "studies" / f"{study}.yaml", made.folder)
    made = Checkout(made.folder, cluster.environment)
    edit(made.path(PROFILE), SITE)
    edit(made.path("config.yaml"), {"checkpoint_minutes: 10": "checkpoint_minutes: 0"})
    return made


def edit(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture
def start(checkout):
    """A function that starts Snakemake, which does not outlive the test."""
    started = []
    yield (
        lambda *arguments, **options: (
            started.append(checkout.start(*arguments, **options)) or started[-1]
        )
    )
    for process in started:
        process.kill()


@pytest.fixture
def settings(checkout):
    """A function that edits the profile or config.yaml until the test ends."""
    before = {p: p.read_text() for p in map(checkout.path, ("config.yaml", PROFILE))}
    yield lambda old, new, name=PROFILE: edit(checkout.path(name), {old: new})
    for path, text in before.items():
        path.write_text(text)


def jobs(cluster, *columns: str) -> dict[str, list[list[str]]]:
    """Rule -> columns of `squeue` for its jobs, ended ones too, in the order of submission."""
    wanted = ",".join(f"{column}:|" for column in ("comment", *columns))
    found = defaultdict(list)
    for line in cluster.ask("squeue", "-h", "-t", "all", "-S", "i", "-O", wanted).splitlines():
        comment, *values, _ = line.split("|")
        found[re.sub("_wildcards_.*", "", comment).removeprefix("rule_")].append(values)
    return found


@pytest.fixture(scope="module")
def finished(cluster, checkout):
    """A study that went through SLURM to its report; its first theory job ran out of memory."""
    path = checkout.path(PROFILE)
    before = path.read_text()
    too_little = "set-resources:\n  theory:\n    mem_mb: 200 * 6 ** (attempt - 1)\n"
    command = "precommand: touch precommand_was_here"
    edit(path, {"set-resources:\n": too_little, "# precommand: module load gcc": command})
    done = checkout.snakemake(*SLURM, study="cluster.yaml")
    path.write_text(before)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    ran = jobs(cluster, "minmemory", "partition", "tres-per-job", "name", "state")
    return done.stdout + done.stderr, ran


def test_a_study_goes_through_slurm_to_its_report(finished, checkout):
    said, ran = finished
    assert checkout.path("results/cluster/report.html").stat().st_size > 100_000
    assert len(ran["figures"]) == 10 and len(ran["report"]) == 1
    assert re.findall(r"^localrule (\w+)", said, re.M) == ["all"]
    assert checkout.path("precommand_was_here").exists()
    again = checkout.snakemake(*SLURM, study="cluster.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_training_alone_asks_for_a_gpu(finished):
    for rule, ran in finished[1].items():
        for _, partition, wanted, name, _ in ran:
            gpu = rule == "training"
            assert (partition, wanted) == (("gpu", "gres:gpu:1") if gpu else ("cpu", "N/A")), rule
            assert name.startswith("nofreelunch_")


def test_a_job_that_ran_out_of_memory_runs_again_with_more(finished):
    tried = [(memory, state) for memory, *_, state in finished[1]["theory"]]
    assert tried == [("200M", "FAILED"), ("1200M", "COMPLETED")]


def training(cluster, state="RUNNING"):
    """Id, memory and time limit of the training job in that state, if there is one."""
    columns = "jobid", "minmemory", "timelimit", "state"
    found = [job[:-1] for job in jobs(cluster, *columns)["training"] if job[-1] == state]
    return found[-1] if found else None


def test_training_survives_scancel_a_lost_node_and_a_lost_head(cluster, checkout, start):
    target = "results/interrupted/networks"
    command = (*SLURM, "--until", "training")
    folder = checkout.path(target)

    def checkpoints():
        return list(folder.glob("*.npz"))

    def resumed():
        logs = checkout.path("results/interrupted/logs/training").glob("*.log")
        return re.findall(r"going on from step (\d+)", "".join(p.read_text() for p in logs))

    # scancel: Snakemake submits it again, with twice the memory and time.
    head = start(*command, study="interrupted.yaml")
    wait(checkpoints, 60, "a checkpoint")
    first = training(cluster)
    (devices,) = {
        value
        for pid in cluster.processes("n2")
        for value in re.findall(
            rb"CUDA_VISIBLE_DEVICES=([^\0]*)", Path(f"/proc/{pid}/environ").read_bytes()
        )
    }
    assert devices in (b"0", b"1")
    cluster.ask("scancel", first[0])
    steps = wait(resumed, 90, "training to go on")
    second = training(cluster)
    assert (first[1:], second[1:]) == (["2000M", "30:00"], ["4000M", "1:00:00"])

    # The node and the head are lost. Nobody may start until what is left of the run is gone.
    head.kill()
    cluster.kill_node("n2")
    head.wait()
    wait(lambda: training(cluster, "PENDING"), 60, "SLURM to put the job back into its queue")
    again = checkout.snakemake(*command, study="interrupted.yaml")
    assert again.returncode == 1 and "Directory cannot be locked" in again.stderr
    assert checkout.snakemake("--unlock", study="interrupted.yaml").returncode == 0
    again = checkout.snakemake(*command, study="interrupted.yaml")
    assert again.returncode == 1
    assert f"`scancel {second[0]}`" in again.stderr.strip().splitlines()[-1]
    cluster.ask("scancel", second[0])
    cluster.start_node("n2")

    # The same command ends where a run ends that nothing happens to.
    done = checkout.snakemake(*command, study="interrupted.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(resumed()[0]) > int(steps[0]) > 0
    assert not checkpoints()
    (path,) = folder.glob("*.nc")
    path.rename(path.with_suffix(".kept"))
    here = checkout.snakemake("--cores", "1", f"{target}/{path.name}", study="interrupted.yaml")
    assert here.returncode == 0, here.stderr[-3000:]
    with xr.open_dataset(path.with_suffix(".kept")) as one, xr.open_dataset(path) as other:
        xr.testing.assert_identical(one.load(), other.load())


def test_ctrl_c_cancels_the_jobs_and_leaves_no_lock(cluster, checkout, start):
    folder = checkout.path("results/endless/networks")
    study = checkout.path("interrupted.yaml").read_text()  # too short for a busy machine
    checkout.path("endless.yaml").write_text(study.replace("steps: 1000\n", "steps: 100000\n"))
    head = start(*SLURM, "--until", "training", study="endless.yaml")
    wait(lambda: list(folder.glob("*.npz")), 90, "a checkpoint")
    head.send_signal(signal.SIGINT)
    head.communicate(timeout=60)
    wait(lambda: not cluster.ask("squeue", "-h"), 60, "the end of the job")
    assert jobs(cluster, "state")["training"][-1] == ["CANCELLED"]
    assert not list(folder.glob("*.nc"))
    assert not list(checkout.path(".snakemake/locks").glob("*"))


def test_what_ends_after_its_run_was_lost_is_not_made_again(finished, cluster, checkout, start):
    (made,) = checkout.path("results/cluster/theory").glob("*.nc")
    made.unlink()
    command = (*SLURM, f"results/cluster/theory/{made.name}")
    head = start(*command, study="cluster.yaml")
    wait(lambda: ["RUNNING"] in jobs(cluster, "state")["theory"], 60, "a running job")
    head.kill()
    wait(lambda: not cluster.ask("squeue", "-h"), 90, "the end of the job")
    assert made.exists()
    assert checkout.snakemake("--unlock", study="cluster.yaml").returncode == 0
    again = checkout.snakemake(*command, study="cluster.yaml")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "  slurm_partition: cpu",
            "  slurm_partition: cpus",
            "default-resources: slurm_partition: found 'cpus'; allowed: cpu, gpu",
        ),
        (
            "    slurm_partition: gpu",
            "    slurm_partition: cpu",
            "set-resources: training: gpu: found 1; allowed: at most 0, which the nodes of "
            "partition 'cpu' have, or slurm_partition: gpu",
        ),
        (
            "    # runtime: 720",
            "    runtime: 720",
            "set-resources: training: runtime: found 720 minutes; allowed: at most 60, the limit "
            "of partition 'gpu'",
        ),
    ],
    ids=["partition", "gpu", "time"],
)
def test_what_the_cluster_lacks_is_one_line_before_any_job(checkout, settings, old, new, line):
    settings(old, new)
    done = checkout.snakemake(*SLURM, "--forceall", study="cluster.yaml")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == f"profiles/slurm/config.yaml: {line}"


def test_a_cluster_that_demands_a_partition_says_which_setting(cluster, checkout, settings):
    settings("  slurm_partition: cpu", "  # slurm_partition: cpu")
    cluster.set_default_partition(False)
    try:
        done = checkout.snakemake(*SLURM, "--forceall", study="cluster.yaml")
    finally:
        cluster.set_default_partition(True)
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == (
        "profiles/slurm/config.yaml: default-resources: slurm_partition: not set, and the cluster "
        "has no default partition; allowed: cpu, gpu"
    )


def test_a_gpu_must_fit_the_device(checkout, settings):
    settings("device: auto", "device: cpu", "config.yaml")
    done = checkout.snakemake(*SLURM, "--forceall", study="cluster.yaml")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == (
        "profiles/slurm/config.yaml: set-resources: training: gpu: found 1; allowed: 0, as "
        "compute.device is cpu"
    )
