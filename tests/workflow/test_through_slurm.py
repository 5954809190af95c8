"""Studies through a real SLURM: its daemons run on this machine, in a folder of the test."""

import re
import shutil
import signal
from collections import defaultdict
from pathlib import Path

import held_training
import pytest
import slurm_cluster
import xarray as xr
from checkouts import ROOT, Checkout, copy_checkout, shorten
from held_training import hold, release, steps_done
from slurm_cluster import wait

WHY_NOT = slurm_cluster.missing()
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]
SLURM = ("--workflow-profile", "profiles/slurm")
PROFILE = "profiles/slurm/config.yaml"
BEFORE_AND_AFTER = ("summary.nc", "claims.md", "report.html")
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
    """A checkout with this cluster in its profile, and one figure."""
    folder = tmp_path_factory.mktemp("slurm") / "checkout"
    made = held_training.prepare(copy_checkout(folder))
    for study in ("cluster", "cancelled"):
        shutil.copy2(ROOT / "tests" / "studies" / "one_network.yaml", folder / f"{study}.yaml")
    edit(made.path(PROFILE), SITE)
    slow = {"SECONDS_TO_ANSWER = 10\n": "SECONDS_TO_ANSWER = 600\n"}  # of a busy machine
    edit(made.path("workflow/nofreelunch/running/slurm.py"), slow)
    shorten(made, "overview")
    return Checkout(folder, cluster.environment)


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

    def start(*arguments, study):
        started.append(checkout.start(*SLURM, *arguments, study=study))
        return started[-1]

    yield start
    release(checkout)
    for process in started:
        process.kill()


@pytest.fixture
def training_of(checkout, finished, start):
    """A function that starts the training of a study, and waits until it is held after a step."""

    def training_of(study):
        results = checkout.path(f"results/{study}")
        # The walks of the finished study are those of all studies here.
        shutil.copytree(checkout.path("results/cluster/trajectories"), results / "trajectories")
        hold(checkout)
        head = start("--until", "training", study=f"{study}.yaml")
        wait(lambda: steps_done(results / "networks"), "a checkpoint", head)
        return head, results / "networks"

    return training_of


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
    stages = "training rate_maps scores theory lesions summary claims figures".split()
    stages += ["patterns", "corrections", "story", "explorer", "report"]
    walks = ["training_trajectories", "evaluation_trajectories"]
    assert {rule: len(each) for rule, each in ran.items()} == {
        **dict.fromkeys(stages + walks, 1),
        "theory": 2,  # the first ran out of memory
    }
    # The job of the report, which reads the workflow again, has not made the summary again.
    written = [checkout.path(f"results/cluster/{n}").stat().st_mtime_ns for n in BEFORE_AND_AFTER]
    assert written == sorted(written)
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


def test_training_survives_scancel_a_lost_node_and_a_lost_head(cluster, checkout, training_of):
    def resumed():
        logs = checkout.path("results/interrupted/logs/training").glob("*.log")
        return re.findall(r"going on from step (\d+)", "".join(p.read_text() for p in logs))

    # scancel: Snakemake submits it again, with twice the memory and time.
    head, folder = training_of("interrupted")
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
    wait(lambda: steps_done(folder) == 2, "training to go on", head)
    assert resumed() == ["1"]
    second = training(cluster)
    assert (first[1:], second[1:]) == (["2000M", "30:00"], ["4000M", "1:00:00"])

    # The node and the head are lost. Nobody may start until what is left of the run is gone.
    head.kill()
    cluster.kill_node("n2")
    head.wait()
    wait(lambda: training(cluster, "PENDING"), "SLURM to put the job back into its queue")
    command = (*SLURM, "--until", "training")
    assert checkout.snakemake("--unlock", study="interrupted.yaml").returncode == 0
    again = checkout.snakemake(*command, study="interrupted.yaml")
    assert again.returncode == 1
    assert f"`scancel {second[0]}`" in again.stderr.strip().splitlines()[-1]
    cluster.ask("scancel", second[0])
    cluster.start_node("n2")

    # The same command ends where a run ends that nothing happens to.
    release(checkout)
    done = checkout.snakemake(*command, study="interrupted.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert resumed() == ["2"]
    (path,) = folder.iterdir()
    (whole,) = checkout.path("results/cluster/networks").iterdir()
    with xr.open_dataset(path) as one, xr.open_dataset(whole) as other:
        xr.testing.assert_identical(one.load(), other.load())


def test_ctrl_c_cancels_the_jobs_and_leaves_no_lock(cluster, checkout, training_of):
    head, folder = training_of("cancelled")
    head.send_signal(signal.SIGINT)
    head.communicate()
    wait(lambda: not cluster.ask("squeue", "-h"), "the end of the job")
    assert jobs(cluster, "state")["training"][-1] == ["CANCELLED"]
    assert not list(folder.glob("*.nc"))
    assert not list(checkout.path(".snakemake/locks").glob("*"))


def test_what_ends_after_its_run_was_lost_is_not_made_again(finished, cluster, checkout, start):
    (made,) = checkout.path("results/cluster/theory").glob("*.nc")
    made.unlink()
    target = f"results/cluster/theory/{made.name}"
    before = len(jobs(cluster, "state")["theory"])
    head = start(target, study="cluster.yaml")
    wait(lambda: len(jobs(cluster, "state")["theory"]) > before, "a job in the queue", head)
    head.kill()
    wait(lambda: not cluster.ask("squeue", "-h"), "the end of the job")
    assert made.exists()
    assert checkout.snakemake("--unlock", study="cluster.yaml").returncode == 0
    again = checkout.snakemake(*SLURM, target, study="cluster.yaml")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr


DEFAULT = "profiles/slurm/config.yaml: default-resources: slurm_partition:"
TRAINING = "profiles/slurm/config.yaml: set-resources: training:"


def refused(checkout) -> set[str]:
    """The lines with which a run ends that asks the cluster for things in vain."""
    done = checkout.snakemake(*SLURM, "--forceall", study="cluster.yaml")
    assert done.returncode == 1
    return {line for line in done.stderr.splitlines() if line.startswith("profiles/")}


def test_what_the_cluster_lacks_is_one_line_each_before_any_job(checkout, settings):
    settings("  slurm_partition: cpu", "  slurm_partition: cpus")
    settings("    slurm_partition: gpu", "    slurm_partition: cpu")
    settings("device: auto", "device: cpu", "config.yaml")
    assert refused(checkout) == {
        f"{TRAINING} gpu: found 1; allowed: 0, as compute.device is cpu",
        f"{DEFAULT} found 'cpus'; allowed: cpu, gpu",
        f"{TRAINING} gpu: found 1; allowed: at most 0, which the nodes of partition 'cpu' have, "
        "or slurm_partition: gpu",
    }


def test_a_cluster_that_demands_a_partition_says_which_setting(cluster, checkout, settings):
    settings("  slurm_partition: cpu", "  # slurm_partition: cpu")
    settings("    # runtime: 720", "    runtime: 720")
    cluster.set_default_partition(False)
    try:
        lines = refused(checkout)
    finally:
        cluster.set_default_partition(True)
    assert lines == {
        f"{DEFAULT} not set, and the cluster has no default partition; allowed: cpu, gpu",
        f"{TRAINING} runtime: found 720 minutes; allowed: at most 60, the limit of partition 'gpu'",
    }
