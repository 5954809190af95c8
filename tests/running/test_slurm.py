"""What a cluster is asked for in vain, from what SLURM's commands print."""

import sys

import pytest
from nofreelunch.running import preflight, slurm
from nofreelunch.running.slurm import Asked

SAID = """\
cpu*|2-00:00:00|(null)
cpu*|2-00:00:00|(null)
gpu|1:00:00|gpu:a100:2(S:0-1),tmpdisk:9
gpu|1:00:00|gpu:a100:4,gpu:v100:1
old|infinite|gpu:2
"""
FOUND = slurm.partitions(SAID)


def test_partitions_are_read_from_what_sinfo_prints():
    assert list(FOUND) == ["cpu", "gpu", "old"]
    assert [p.default for p in FOUND.values()] == [True, False, False]
    assert [p.minutes for p in FOUND.values()] == [2880, 60, float("inf")]
    assert [p.gpus for p in FOUND.values()] == [{}, {"a100": 4, "v100": 1}, {"": 2}]


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ("(null)", []),
        ("gpu", [("", 1)]),
        ("gpu:a100", [("a100", 1)]),
        ("gpu:2,tmpdisk:9", [("", 2)]),
        ("gpu:a100:4(S:0-1),gpu:1080:1", [("a100", 4), ("1080", 1)]),
    ],
)
def test_gpus(resources, found):
    assert slurm.gpus(resources) == found


@pytest.mark.parametrize(
    ("resources", "chosen_by_file", "partition"),
    [
        ({}, False, ""),
        ({"slurm_partition": "gpu"}, False, "gpu"),
        ({"slurm_partition": "gpu"}, True, "gpu"),
        ({}, True, None),
        ({"slurm_partition": "gpu", "clusters": "other"}, False, None),
        ({"slurm_cluster": "other"}, False, None),
    ],
)
def test_what_another_cluster_or_a_file_decides_is_not_judged(resources, chosen_by_file, partition):
    assert slurm.partition_asked(resources, chosen_by_file) == partition
    jobs = [("training", {**resources, "gpu": 9, "runtime": 10_000})]
    asked = preflight.most_asked(jobs, chosen_by_file)
    assert bool(slurm.refusals(FOUND, asked, "profile")) == (partition is not None)
    assert slurm.time_limit(FOUND, None) == float("inf")


@pytest.mark.parametrize(
    ("options", "gpus"),
    [
        ("--gpus-per-node=a100:2", 2),
        ("--gpus-per-task 1 --qos=high", 1),
        ("-G 3", 3),
        ("--gpus-per-node=a100", 1),
        ("--qos=gpu --constraint=G4", 0),
        ("--comment=A-G 3", 0),
    ],
)
def test_gpus_among_the_options_of_a_site_count(options, gpus):
    assert slurm.gpus_of_options(options) == gpus
    [wish] = preflight.most_asked([("training", {"slurm_extra": options})])
    assert wish.gpus == gpus


@pytest.mark.parametrize(
    ("said", "minutes"), [("30:00", 30), ("12:30:00", 750), ("1-02:00:00", 1560)]
)
def test_limits_of_time(said, minutes):
    assert slurm.partitions(f"a|{said}|(null)")["a"].minutes == minutes


@pytest.mark.parametrize(
    "wish",
    [
        Asked("theory", "", 30, 0),
        Asked("training", "gpu", 60, 4),
        Asked("training", "gpu", 60, 1, "v100"),
        Asked("training", "old", 10_000, 2),
        Asked("training", "cpu,gpu", 60, 4),  # the second suffices
        Asked("training", "gpu, old", 10_000, 1),
        Asked("training", "cpu", 30, 0, "a100"),  # no GPU, so its model does not matter
    ],
)
def test_what_is_there_is_not_refused(wish):
    assert slurm.refusals(FOUND, [wish], "profile") == []


@pytest.mark.parametrize(
    ("wish", "line"),
    [
        (Asked("training", "", 30, 1), "gpu: found 1; allowed: at most 0, which"),
        (Asked("training", "", 30, 1), "or slurm_partition: gpu or old"),
        (Asked("training", "gpu", 30, 8), "gpu: found 8; allowed: at most 4"),
        (
            Asked("training", "gpu", 30, 2, "h100"),
            "gpu_model: found 'h100'; allowed: a100, v100, in partition 'gpu'",
        ),
        (Asked("training", "gpu", 90, 1), "runtime: found 90 minutes; allowed: at most 60"),
        (Asked("training", "cpu,gpu", 90, 9), "gpu: found 9; allowed: at most"),
        (Asked("training", "gpu,x", 30, 1), "slurm_partition: found 'x'; allowed: cpu, gpu, old"),
        (Asked("training", "x", 30, 1), "slurm_partition: found 'x'; allowed: cpu, gpu, old"),
    ],
)
def test_what_is_not_there_is_one_line(wish, line):
    (said,) = slurm.refusals(FOUND, [wish], "profile")
    assert said.startswith("profile: set-resources: training:") and line in said
    assert "\n" not in said


def test_a_cluster_that_demands_a_partition():
    nowhere = slurm.partitions("cpu|infinite|(null)\n")
    asked = [Asked(rule, "", 30, 0) for rule in ("theory", "summary")]
    (said,) = slurm.refusals(nowhere, asked, "profile")
    assert said == (
        "profile: default-resources: slurm_partition: not set, and the cluster has no default "
        "partition; allowed: cpu"
    )


def test_the_time_limit_is_that_of_the_partition():
    assert slurm.time_limit(FOUND, "") == 2880
    assert slurm.time_limit(FOUND, "gpu") == 60
    assert slurm.time_limit(FOUND, "gpu,cpu") == 2880
    assert slurm.time_limit(FOUND, "absent") == float("inf")


def test_jobs_that_outlived_their_run():
    said = "7|rule_training_wildcards_a|/here\n8|rule_training_wildcards_b|/here\n"
    said += "9|rule_training_wildcards_a|/there\n10|a|odd|comment|/here\n"
    names = ["rule_training_wildcards_a"]
    assert slurm.survivors(said, "/here", names) == ["7"]
    assert slurm.survivors("", "/here", names) == []


def test_a_command_that_is_missing_fails_or_hangs_says_nothing(monkeypatch):
    assert slurm.say(["echo", "a"]) == "a\n"
    monkeypatch.setattr(slurm, "SECONDS_TO_ANSWER", 0.2)
    assert slurm.say(["no-such-command-of-slurm"]) is None
    assert slurm.say([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert slurm.say(["sleep", "5"]) is None


def test_a_driver_is_sought_where_it_would_be(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "GPU_DRIVERS", (f"{tmp_path}/gpus/*", f"{tmp_path}/kfd"))
    assert not slurm.has_gpu_driver()
    (tmp_path / "gpus").mkdir()
    assert not slurm.has_gpu_driver()
    (tmp_path / "gpus" / "0000:01:00.0").mkdir()
    assert slurm.has_gpu_driver()
