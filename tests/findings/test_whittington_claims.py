"""The sentences of Whittington et al., judged on networks of known accuracies."""

import json

import numpy as np
import pytest
import xarray as xr
from nofreelunch.findings.published import claims_of_whittington
from nofreelunch.findings.published.measure_tables import measures_table
from nofreelunch.findings.published.tem_measures import summarise
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE
from published_examples import GRAPHS

AGENTS, SHARES = ["network", "node", "edge", "symbol"], [0.25, 0.75]
EDGE, NODE = np.array([0.2, 0.6]), np.array([0.6, 0.9])
ABOUT = {"paper": "A paper.", "title": "machines", "budget": "minutes", "deviations": ["Small."]}


def measured(link: float, follows: float, p: float, turning: float = 0.0, side: int = 6, seeds=3):
    """Networks whose curves lie between the agents', at `follows` from the edge to the node agent.

    Untrained ones predict nothing.
    """
    random, rows = np.random.default_rng(0), []
    for steps in (0, 3000):
        for seed in range(seeds):
            spec = GRAPHS | {"steps": steps, "seed": seed, "sides": {"least": 4, "most": side}}
            jitter = 0.01 * random.normal()
            curve = EDGE + follows * (NODE - EDGE) + jitter if steps else 0 * EDGE
            curves = np.stack([curve, NODE, EDGE, 0 * EDGE + 0.1])
            turned = np.where(np.arange(20) < 20 * turning + random.integers(2), 0.01, 0.5)
            rows.append(
                xr.Dataset(
                    {
                        "accuracy": ("agent", curves.mean(1)),
                        "link_accuracy": (
                            "agent",
                            [link + jitter if steps else 0.05, 1.0, 0.07, 0.17],
                        ),
                        "link_steps": 100,
                        "accuracy_by_nodes": (("agent", "share"), curves),
                        "accuracy_by_edges": (("agent", "share"), curves),
                        "preserved": ("code", [0.8 + jitter, p] if steps else [np.nan, np.nan]),
                        "diverged": False,
                        "rotation_p": (("size", "unit"), np.stack([turned, turned])),
                        "rotation_score": (("size", "unit"), random.normal(size=(2, 20))),
                        "active": (("size", "unit"), np.ones((2, 20), bool)),
                        "peak_count": (("size", "unit"), np.tile([1, 2, 3, 1, 4], (2, 4))),
                        "node_map": (("size", "unit", "node"), random.normal(size=(2, 20, 4))),
                        "node_position": (("size", "node", "axis"), np.zeros((2, 4, 2))),
                    },
                    {"spec": json.dumps(spec), "network": f"{steps} {seed}"},
                )
            )
    coords = {"agent": AGENTS, "share": SHARES, "code": ["g", "p"], "size": [side - 1, side]}
    made = xr.concat(rows, "network", coords="all").assign_coords(coords)
    return made.assign(node_position=made["node_position"].isel(network=0))


def judged(**keys) -> dict:
    made = {"link": 0.5, "follows": 0.8, "p": 0.3} | keys
    summary = summarise([measured(**made)], ABOUT)
    return {claim.id: claim for claim in (test(summary) for test in claims_of_whittington.TESTS)}


def test_networks_as_in_the_paper_reproduce_it_and_periods_need_larger_graphs():
    found = judged()
    assert [found[name].first.verdict for name in ("Ta", "Tb", "Tc")] == [REPRODUCED] * 3
    assert found["Td"].second.verdict == UNTESTABLE
    assert found["Td"].reason.startswith("Needs 8 nodes along an edge, found 6")
    assert "40 % have one strong wave, as bands have (untrained 40 %)" in found["Td"].reason
    assert (
        "networks 50 %, symbol agent 17.0 %, edge agent 7.0 %, node agent 100 %"
        in found["Ta"].reason
    )
    assert found["Ta"].first.estimate.value == pytest.approx(0.33, abs=0.02)


@pytest.mark.parametrize(
    ("claim", "keys"),
    [("Ta", {"link": 0.01}), ("Tb", {"follows": 0.2}), ("Tc", {"p": 0.95})],
)
def test_networks_of_the_opposite_do_not(claim, keys):
    found = judged(**keys)
    for name in ("Ta", "Tb", "Tc"):
        expected = NOT_REPRODUCED if name == claim else REPRODUCED
        assert found[name].first.verdict == expected


def test_periods_are_judged_where_graphs_are_as_large_as_the_papers():
    assert judged(side=11, turning=0.6)["Td"].second.verdict == REPRODUCED
    assert judged(side=11, turning=0.0)["Td"].second.verdict != REPRODUCED


def test_two_networks_decide_nothing():
    found = judged(seeds=2)
    assert {found[name].first.verdict for name in ("Ta", "Tb", "Tc")} == {UNTESTABLE}


def test_the_summary_shows_the_cells_with_the_largest_scores():
    made = measured(0.5, 0.8, 0.3)
    summary = summarise([made], ABOUT)
    scores = made["rotation_score"].isel(size=-1).values
    np.testing.assert_allclose(summary["shown_rotation"], -np.sort(-scores, 1)[:, :8])
    unit = int(summary["shown_unit"][2, 3])
    np.testing.assert_array_equal(summary["shown_map"][2, 3], made["node_map"][2, -1, unit])
    assert json.loads(summary.attrs["deviations"]) == ["Small."]


def test_the_table_has_links_before_all_steps():
    table = measures_table("whittington_2020", summarise([measured(0.5, 0.8, 0.3)], ABOUT))
    assert "| trained | 3 | 50 % | 17.0 % | 7.0 % | 100 % |" in table


def test_accuracy_below_the_edge_agent_over_all_steps_speaks_against_following_nodes():
    """Whatever the curves say, whose tenths count equally however few their steps are."""
    summary = summarise([measured(0.5, 0.8, 0.3)], ABOUT)
    accuracy = summary["accuracy"].copy()
    own = dict(agent="network")
    accuracy.loc[own] = accuracy.sel(agent="edge") - 0.02 - 0.05 * accuracy.loc[own]
    scatter = 0.001 * np.arange(accuracy.sizes["network"])  # walks differ
    accuracy.loc[dict(agent="node")] += xr.DataArray(scatter, dims="network")
    claim = claims_of_whittington.accuracy_follows_nodes(summary.assign(accuracy=accuracy))
    assert claim.first.verdict == NOT_REPRODUCED
    assert claim.reason.startswith("By accuracy over all steps.")
