"""The model of Whittington et al. in the study: its job, sizes and what is refused."""

import pytest
import yaml
from nofreelunch.networks.published.whittington_sizes import Sizes, weight_shapes
from nofreelunch.study import published_models
from nofreelunch.study.published_models import NOT_OF_NETWORKS, load_models, operations, weights
from nofreelunch.study.sweeps import StudyError

NAME = "whittington_2020"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A function that loads the model alone, after a change of its keys at a budget."""
    text = (published_models.FOLDER / f"{NAME}.yaml").read_text()
    study = tmp_path / "study.txt"
    study.write_text(f"models: [{NAME}]")
    monkeypatch.setattr(published_models, "FOLDER", tmp_path)

    def load(budget="minutes", **keys):
        values = yaml.safe_load(text)
        values["parts"]["links"][budget] |= keys
        (tmp_path / f"{NAME}.yaml").write_text(yaml.safe_dump(values))
        return load_models(study, budget)[NAME]

    return load


@pytest.mark.parametrize("budget", published_models.BUDGETS)
def test_one_job_trains_all_networks_beside_those_that_are_not_trained(model, budget):
    [job] = model(budget)["jobs"].values()
    assert job["kind"] == "graph_memory" and job["walks"] == {}
    steps = [spec["steps"] for spec in job["networks"]]
    assert steps.count(0) == len(steps) / 2 == 3
    assert not any(key in spec for spec in job["networks"] for key in NOT_OF_NETWORKS)
    assert {spec["units"] for spec in job["networks"]} == {45 if budget == "minutes" else 120}


def test_the_budget_of_the_paper_has_its_sizes(model):
    [job] = model("paper")["jobs"].values()
    size = Sizes.of(job["networks"][0])
    assert (size.grid, size.code, size.place) == (120, 10, 400)
    assert [block.stop - block.start for block in size.blocks] == [100, 100, 80, 60, 60]


def test_other_graphs_are_other_jobs(model):
    jobs = model(graph=["square", "triangular"])["jobs"].values()
    assert [{spec["graph"] for spec in job["networks"]} for job in jobs] == [
        {"square"},
        {"triangular"},
    ]


def test_the_estimate_counts_what_is_largest(model):
    drawn, trained = (model()["jobs"]["links_1"]["networks"][k] for k in (0, -1))
    assert operations(drawn) == 0
    hours = operations(trained) / 0.1e12 / 3600  # at the rate of a CPU
    assert 0.02 < hours < 0.1  # measured: 0.06
    shapes = weight_shapes(Sizes.of(trained)).values()
    assert weights(trained) == pytest.approx(sum(a * b for a, b in shapes), rel=0.6)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"graph": "cube"}, "links.graph: found 'cube'; allowed: square, triangular"),
        ({"sides": {"least": 1, "most": 5}}, "sides.least: found 1; allowed: a whole number >= 2"),
        ({"sides": {"least": 6, "most": 5}}, "links.sides: found least 6; allowed: least <= most"),
        ({"stays": {"least": 3, "most": 2}}, "links.stays: found least 3; allowed: least <= most"),
        ({"modules": [[]]}, "links.modules: found []; allowed: a list of at least 1, each a whole"),
        ({"phases": [[6, 5]]}, "links.phases: found [6, 5]; allowed: as many numbers as modules"),
        ({"phases": [[6, 5, 40]]}, "phases: found [6, 5, 40]; allowed: as many numbers as modules"),
        ({"ramps": {"latent": 3}}, "links.ramps.forgetting: missing; allowed: a whole number >= 1"),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(model, keys, said):
    with pytest.raises(StudyError) as caught:
        model(**keys)
    assert said in str(caught.value) and "\n" not in str(caught.value)
