"""The study of published models: its budgets, jobs and walks, and what is refused in one line."""

import pytest
import yaml
from nofreelunch.study import estimates, plan, published_models
from nofreelunch.study.published_models import load_models
from nofreelunch.study.sweeps import FOLDER, StudyError, load_study

STUDY = FOLDER / "published.yaml"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A function that changes a copy of a model's file, and loads the study with it."""
    for path in published_models.FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(published_models, "FOLDER", tmp_path)

    def load(name, change, budget="minutes"):
        path = tmp_path / f"{name}.yaml"
        values = yaml.safe_load(path.read_text())
        change(values)
        path.write_text(yaml.safe_dump(values))
        return load_models(STUDY, budget)

    return load


@pytest.mark.parametrize("budget", published_models.BUDGETS)
def test_every_network_is_in_one_job_of_networks_that_stack(budget):
    models = load_models(STUDY, budget)
    assert set(models) == set(published_models.model_names())
    for model in models.values():
        specs = [spec for job in model["jobs"].values() for spec in job["networks"]]
        assert len({repr(spec) for spec in specs}) == len(specs)
        for job in model["jobs"].values():
            assert {spec["kind"] for spec in job["networks"]} == {job["kind"]}
            for key in ("units", "shape", "stillness", "activation", "batch_size"):
                assert len({spec.get(key) for spec in job["networks"]}) == 1, key
        assert len(model["deviations"]) >= 3


def test_networks_of_other_walks_or_kinds_never_share_a_job(model):
    """However many may train side by side."""

    def edit(values):
        for part in values["parts"].values():
            if "cohort_size" in part["minutes"]:
                part["minutes"]["cohort_size"] = 1000

    jobs = model("cueva_wei_2018", edit)["cueva_wei_2018"]["jobs"].values()
    for job in jobs:
        for key in ("shape", "stillness"):
            assert len({spec[key] for spec in job["networks"]}) == 1
    assert max(len(job["networks"]) for job in jobs) == 2 * 2 * 4


def test_the_factorial_crosses_all_ingredients_with_all_seeds():
    jobs = load_models(STUDY, "minutes")["cueva_wei_2018"]["jobs"].values()
    specs = [s for job in jobs for s in job["networks"] if s["part"] == "ingredients"]
    keys = ("stillness", "noise", "metabolic_cost", "seed")
    assert len({tuple(spec[key] for key in keys) for spec in specs}) == len(specs) == 8 * 4


def test_a_bottleneck_that_is_larger_than_its_lstm_is_told():
    """As in the paper's networks, so it is no error."""
    assert published_models.large_bottlenecks(load_models(STUDY, "minutes")) == []
    lines = published_models.large_bottlenecks(load_models(STUDY, "paper"))
    assert (
        "banino_2018: dropout: a bottleneck of 512 units over an LSTM of 128 has at most 128 "
        in (lines[0])
    )
    assert all(line.startswith("banino_2018: ") for line in lines)


def test_factorisations_of_one_size_share_a_job():
    jobs = load_models(STUDY, "minutes")["sorscher_2019"]["jobs"].values()
    found = [job["networks"] for job in jobs if job["networks"][0]["kind"] == "factorisation"]
    assert sorted(len(networks) for networks in found) == [8, 8, 8, 24]
    assert all(len({spec["units"] for spec in networks}) == 1 for networks in found)


def test_longer_walks_are_ten_times_as_long_and_all_walks_have_other_seeds():
    for model in load_models(STUDY, "minutes").values():
        for job in model["jobs"].values():
            if job["walks"]:
                training, maps, longer = job["walks"].values()
                assert longer["steps"] == 10 * training["steps"]
                assert len({training["seed"], maps["seed"], longer["seed"]}) == 3
                assert training["steps"] == maps["steps"] == job["networks"][0]["sequence_length"]


def test_the_published_budget_is_said_to_cost_more():
    config = {"study": "published", "budget": "minutes"}
    said = {}
    for budget in published_models.BUDGETS:
        settings = {
            **config,
            "budget": budget,
            "compute": {"cohort_size": "auto", "device": "auto"},
        }
        settings["rate_maps"] = {"bin_size": 0.1}
        made, _ = plan.planned(settings, "nowhere", kept=False)
        said[budget] = estimates.describe_plan(made, 0.1, 400, "auto")
        assert made.networks == [] and set(made.models) == set(published_models.model_names())
    assert "5 models at the budget of minutes" in said["minutes"]
    assert "GPU-hours" in said["paper"] and "GB" in said["paper"]


def test_each_budget_has_a_plan_of_its_own(tmp_path):
    paths = [plan.plan_file(tmp_path, "published", "auto", "cpu", b) for b in ("minutes", "paper")]
    assert paths[0] != paths[1]


def test_a_plan_that_was_kept_is_the_plan(tmp_path):
    made = plan.plan_of_models(STUDY, "minutes")
    plan.save_plan(made, tmp_path / "published-0123456789abcdef.json")
    assert plan.load_plan(tmp_path / "published-0123456789abcdef.json").models == made.models


def test_networks_of_a_job_have_as_many_units_as_each_other():
    jobs = load_models(STUDY, "minutes")["sorscher_2019"]["jobs"]
    sizes = [{network["units"] for network in job["networks"]} for job in jobs.values()]
    assert all(len(found) == 1 for found in sizes) and {9} in sizes and {16} in sizes


LSTM, CROSSED = "parts.square_lstm", "parts.ingredients"
REFUSED = [
    ("ingredients", "shape", "circle", f"{CROSSED}.shape: found 'circle'; allowed: square, hex"),
    ("ingredients", "stillness", 1.0, f"{CROSSED}.stillness: found 1.0; allowed: a number >= 0"),
    ("ingredients", "noise", [0.1, -1], f"{CROSSED}.noise: found -1; allowed: a number >= 0"),
    ("arenas", "metabolic_cost", None, "parts.arenas.metabolic_cost: missing; allowed: a number"),
    ("square_lstm", "place_cell_width", 3.0, f"{LSTM}.place_cell_width: found 3.0; allowed: a nu"),
    ("factorisations", "method", "pca", "factorisations.method: found 'pca'; allowed: svd, nmf"),
    ("rectification", "hidden", 3, "parts.rectification.hidden: unknown key; allowed: target"),
]


@pytest.mark.parametrize(("part", "key", "value", "said"), REFUSED)
def test_what_no_model_can_have_or_be_without_is_one_line(model, part, key, value, said):
    name = "cueva_wei_2018" if part in ("ingredients", "arenas") else "sorscher_2019"

    def edit(values):
        keys = values["parts"][part]["all"]
        keys[key] = value
        if value is None:
            del keys[key]

    with pytest.raises(StudyError) as caught:
        model(name, edit)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_budget_or_a_model_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(StudyError, match="config: budget: found 'hours'; allowed: minutes, paper"):
        load_models(STUDY, "hours")
    mine = tmp_path / "mine.yaml"
    for text, said in (
        ("models: [banino]", "models: found 'banino'; allowed: banino_2018, cueva_wei_2018, n"),
        ("models: []", "models: found []; allowed: a list of one or more models"),
        ("models: [sorscher_2019]\nseed: 3", "seed: found an unknown key; allowed: models"),
    ):
        mine.write_text(text)
        with pytest.raises(StudyError) as caught:
            load_models(mine, "minutes")
        assert said in str(caught.value)


def test_python_says_that_such_a_study_is_for_the_workflow():
    with pytest.raises(StudyError, match=r"models: found .*; allowed: sweeps; only the"):
        load_study("published")
