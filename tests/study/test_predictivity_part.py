"""The model of Nayebi et al. as a study plans it: its jobs, variants and populations."""

import pytest
import yaml
from nofreelunch.study import published_models
from nofreelunch.study.published_models import TO_ZONE, load_models, operations, weights
from nofreelunch.study.sweeps import FOLDER, StudyError

NAME = "nayebi_2021"


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that changes the keys of a part of the model, and loads it."""
    values = yaml.safe_load((published_models.FOLDER / f"{NAME}.yaml").read_text())
    study = tmp_path / "mine.yaml"
    study.write_text(f"models: [{NAME}]")
    monkeypatch.setattr(published_models, "FOLDER", tmp_path)

    def with_keys(part="predictivity", budget="minutes", **keys):
        values["parts"][part]["all"] |= keys
        (tmp_path / f"{NAME}.yaml").write_text(yaml.safe_dump(values))
        return load_models(study, budget)[NAME]

    return with_keys


def test_networks_of_other_cells_variants_or_targets_never_share_a_job(load):
    for budget in published_models.BUDGETS:
        for name, job in load(budget=budget)["jobs"].items():
            for key in ("cell", "variant", "target", "activation", "steps"):
                assert len({repr(spec[key]) for spec in job["networks"]}) == 1, (name, key)


def test_only_the_training_of_the_reward_variant_goes_to_the_zone(load):
    jobs = load()["jobs"]
    for job in jobs.values():
        zone = [purpose for purpose, walks in job["walks"].items() if "to_zone" in walks]
        reward = job["networks"][0]["variant"] == "reward"
        assert zone == (["training"] if reward else [])
    assert jobs["reward_1"]["walks"]["training"]["to_zone"] == TO_ZONE == 0.625


def test_every_trained_kind_is_also_there_untrained(load):
    for budget in published_models.BUDGETS:
        specs = [spec for job in load(budget=budget)["jobs"].values() for spec in job["networks"]]
        kinds = {
            state: {
                (spec["cell"], spec["activation"], spec["seed"])
                for spec in specs
                if spec["part"].startswith(state)
            }
            for state in ("trained", "untrained")
        }
        assert kinds["trained"] and kinds["trained"] <= kinds["untrained"]


def test_gates_cost_more(load):
    networks = {
        job["networks"][0]["cell"]: job["networks"][0]
        for name, job in load()["jobs"].items()
        if name.startswith("trained_") and "tanh" not in name
    }
    cost = {cell: operations(spec | {"steps": 100}) for cell, spec in networks.items()}
    assert cost["srnn"] < cost["ugrnn"] < cost["gru"]
    # Encoder, embedding, dense layer, decoder, kernels of two gates, and biases.
    units, cells = 128, 256
    biases = units + units + units + cells + 2 * units
    kernels = 2 * units * cells + 2 * units + units**2 + 2 * 2 * units**2
    assert weights(networks["ugrnn"]) == kernels + biases


def test_the_part_on_predictivity_has_no_jobs(load):
    model = load(units=32)
    assert not any(name.startswith("predictivity") for name in model["jobs"])
    assert model["predictivity"]["recordings"] is None
    assert model["predictivity"]["populations"]["no_grid"] == {"border": 20, "irregular": 40}


def test_a_model_without_such_a_part_predicts_nothing():
    found = load_models(FOLDER / "published.yaml", "minutes")["sorscher_2019"]
    assert found["predictivity"] == {}


@pytest.mark.parametrize(
    ("part", "keys", "said"),
    [
        ("predictivity", {"components": 0}, "components: found 0; allowed"),
        ("predictivity", {"minutes": 0}, "predictivity.minutes: found 0; allowed: a number > 0"),
        ("predictivity", {"populations": {}}, "predictivity.populations: found {}; allowed"),
        ("predictivity", {"populations": {"a": {"place": 3}}}, "populations.a.place: unknown key"),
        ("predictivity", {"recordings": 3}, "predictivity.recordings: found 3; allowed"),
        ("trained", {"variant": "cues"}, "trained.variant: found 'cues'; allowed: plain, cue"),
        ("trained", {"initializer": "torch_default"}, "initializer: found 'torch_default'; allow"),
    ],
)
def test_what_is_not_allowed_is_one_line(load, part, keys, said):
    with pytest.raises(StudyError) as caught:
        load(part, **keys)
    assert said in str(caught.value) and "\n" not in str(caught.value)
