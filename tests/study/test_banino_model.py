"""The file of Banino et al.: its networks, walks, cost, and what is refused in one line."""

import pytest
import yaml
from nofreelunch.study import published_models
from nofreelunch.study.published_models import load_models
from nofreelunch.study.sweeps import StudyError

NAME = "banino_2018"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A function that changes a copy of the model's file, and loads a study of it alone."""
    study = tmp_path / "study.yaml"
    study.write_text(f"models: [{NAME}]")
    values = yaml.safe_load((published_models.FOLDER / f"{NAME}.yaml").read_text())
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(published_models, "FOLDER", folder)

    def load(budget="minutes", **keys):
        values["parts"]["dropout"]["all"] |= keys
        (folder / f"{NAME}.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        return load_models(study, budget)[NAME]

    return load


@pytest.mark.parametrize("budget", published_models.BUDGETS)
def test_seeds_with_and_without_dropout_and_untrained(model, budget):
    found = model(budget)
    jobs = found["jobs"]
    assert list(jobs) == ["dropout_1", "dropout_2", "untrained_1"]
    drawn = 3 if budget == "minutes" else 5
    for job, rate, count in zip(jobs.values(), (0.5, 0.0, 0.5), (5, 5, drawn), strict=True):
        assert [spec["dropout"] for spec in job["networks"]] == [rate] * count
        assert [spec["seed"] for spec in job["networks"]] == [10, 11, 12, 13, 14][:count]
        assert {walk["motion"] for walk in job["walks"].values()} == {"foraging"}
        assert [walk["steps"] for walk in job["walks"].values()] == [100, 100, 1000]
    assert {spec["steps"] for spec in jobs["untrained_1"]["networks"]} == {0}
    spec = jobs["dropout_1"]["networks"][0]
    assert (spec["units"], spec["steps"]) == ((128, 3000) if budget == "minutes" else (512, 300000))
    assert 2.2 / found["bin_size"] == pytest.approx(32)


def test_operations_count_the_heads_only_where_the_loss_is_computed(model):
    spec = model("paper")["jobs"]["dropout_1"]["networks"][0]
    every = 4 * 128**2 + 512 * (128 + 268)
    assert published_models.operations(spec) == 6.0 * 300000 * 1000 * every
    fourth = published_models.weights(spec | {"loss_every": 4})
    assert fourth == 4 * 128**2 + 512 * (128 + 268) // 4


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("dropout", 1.0, "dropout: found 1.0; allowed: a number"),
        ("clip_scope", "none", "clip_scope: found 'none'; allowed: all, heads"),
        ("decay_scope", "all", "decay_scope: found 'all'; allowed: heads, none"),
        ("concentration", 0, "concentration: found 0; allowed: a number"),
        ("momentum", 0.9, "momentum: unknown key"),
    ],
)
def test_what_no_network_can_have_is_one_line(model, key, value, said):
    with pytest.raises(StudyError) as caught:
        model(**{key: value})
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_bottleneck_may_be_larger_than_its_lstm_as_in_the_paper(model):
    specs = model("paper")["jobs"]["dropout_1"]["networks"]
    assert all(spec["units"] > spec["lstm_units"] for spec in specs)
