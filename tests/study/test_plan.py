"""The plan of a study on disk: the same cohorts, for the same study, code and settings alone."""

import shutil

import pytest
from nofreelunch.study import plan as plans
from nofreelunch.study import sweeps
from nofreelunch.study.config import check_config
from nofreelunch.study.estimates import hours_of_patterns, results_size

SIZE, DEVICE = "auto", "auto"


@pytest.fixture
def mine(tmp_path):
    return shutil.copy(sweeps.FOLDER / "smoke.yaml", tmp_path / "mine.yaml")


@pytest.fixture
def made(mine):
    return plans.make_plan(sweeps.load_study(mine), SIZE, DEVICE)


def test_a_saved_plan_is_the_plan(mine, made, tmp_path):
    path = plans.plan_file(tmp_path, mine, SIZE, DEVICE)
    plans.save_plan(made, path)
    again = plans.load_plan(path)
    assert list(again.cohorts) == list(made.cohorts) and len(again.cohorts) > 5
    assert dict(again.cohorts) == dict(made.cohorts)
    for part in ("name", "defaults", "trajectories", "targets", "sweeps"):
        assert getattr(again, part) == getattr(made, part)


def test_networks_are_made_when_their_cohort_is_asked_for(mine, made, tmp_path):
    path = plans.plan_file(tmp_path, mine, SIZE, DEVICE)
    plans.save_plan(made, path)
    again = plans.load_plan(path).cohorts
    list(again)
    assert not again.made
    name = next(iter(again))
    assert again[name] is again[name] and list(again.made) == [name]


def test_another_study_or_setting_has_another_plan(mine, tmp_path):
    paths = {
        plans.plan_file(tmp_path, mine, *parts)
        for parts in [(SIZE, "cpu"), (SIZE, "cuda"), (4, "cpu")]
    }
    before = plans.plan_file(tmp_path, mine, SIZE, DEVICE)
    mine.write_text(mine.read_text() + "# a comment\n")
    assert len(paths | {before, plans.plan_file(tmp_path, mine, SIZE, DEVICE)}) == 5


def test_a_new_plan_replaces_the_earlier_one_of_its_study(mine, made, tmp_path):
    kept = tmp_path / "plans" / "other-0123456789abcdef.json"
    before = plans.plan_file(kept.parent, mine, SIZE, DEVICE)
    plans.save_plan(made, before)
    kept.touch()
    after = plans.plan_file(kept.parent, mine, 4, DEVICE)
    plans.save_plan(made, after)
    assert sorted(kept.parent.iterdir()) == sorted([after, kept])


def test_without_a_plan_on_disk_there_is_none(made, tmp_path):
    assert plans.load_plan(tmp_path / "absent.json") is None
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"name": "min')
    assert plans.load_plan(damaged) is None
    plans.save_plan(
        made, damaged / "inside a file.json"
    )  # says nothing: it is made again where needed


def test_bins_have_to_fill_every_arena_and_are_counted_in_each(tmp_path):
    def planned_with(arena):
        path = tmp_path / "arenas.yaml"
        path.write_text(f"sweeps: {{one: {{arena: {arena}, steps: 1}}}}")
        settings = check_config({"study": str(path)})
        return plans.planned(settings, tmp_path, kept=False)[0]

    with pytest.raises(ValueError, match=r"a whole fraction of the arena \(1\.05 m\)"):
        planned_with("[2.2, 1.05]")
    small, large = (results_size(planned_with(arena), 0.1, 0) for arena in (1.1, 3.3))
    units = 256
    assert large - small == pytest.approx(4 * units * (33**2 - 11**2))


def test_patterns_of_many_targets_take_longer_than_those_of_few():
    """A core grows and scores some five targets a minute: those of `paper` in about an hour."""
    assert hours_of_patterns(0) == 0
    assert 0.5 < hours_of_patterns(sum(map(len, sweeps.load_study("paper").targets.values()))) < 2
