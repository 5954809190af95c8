"""The page in a real browser: every control is used, by mouse and keys; nothing goes wrong."""

import json
import re

import numpy as np
import small_study
from nofreelunch.files import datasets
from nofreelunch.scoring.autocorrelograms import autocorrelograms
from page_views import (
    KINDS,
    NOTHING,
    OVERVIEW,
    TILES,
    UNIT,
    dots,
    ids,
    place_of_dot,
    rows,
    units_shown,
)
from test_study_data import LATTICE, network_of

pytest_plugins = "page_fixtures"


def test_the_overview_has_a_dot_and_a_row_for_each_network(page, study):
    data, _ = study
    lost = network_of(data, place_cell_width=0.2)
    assert {*rows(page)} == {network["id"] for network in data["networks"]}
    assert {*dots(page)} == {*rows(page)} - {lost["id"]}
    assert page.text("#notes") == data["notes"][0]
    assert page.text("#count") == "4 of 4 networks, 1 of them without a dot"
    drawn = page.evaluate("byId('dots').data.find((t) => t.name === 'chance').y")
    known = [n["chance"] for n in data["networks"] if n["errors"][0] is not None]
    np.testing.assert_allclose(sorted(drawn), sorted(100 * chance for chance in known), rtol=1e-6)
    assert page.evaluate("document.title") == "small"


def test_a_click_on_a_dot_opens_its_network(page, study):
    network = network_of(study[0], **LATTICE)
    page.click_at(*place_of_dot(page, network))
    page.wait(TILES)
    assert page.evaluate("location.hash") == f"#{network['id']}"
    assert page.text("#network-title").startswith("DoS · rnn · relu · σ 0.12 m · seed 10")


def test_every_filter_leaves_what_it_names(page, study):
    data, _ = study
    found = ids(data)
    for field, label, left in (
        ("sweep", "cells", {"gru"}),
        ("target", page.evaluate("data.targets.gaussian.name"), {"gaussian"}),
        ("cell", "gru", {"gru"}),
        ("activation", "relu", {*KINDS}),
        ("sigma", "0.20", {"wide"}),
        ("seed", "10", {*KINDS}),
    ):
        page.choose(f"#filter-{field}", label)
        assert {*rows(page)} == {found[key] for key in left}, field
        page.click("#clear")
        assert len(rows(page)) == 4
    page.click("#filter-significant")
    assert {*rows(page)} == {found["lattice"], found["gru"]}
    page.choose("#filter-cell", "gru")
    assert rows(page) == [found["gru"]] == dots(page)
    page.choose("#filter-sweep", "wide")
    assert rows(page) == [] and "No network passes" in page.evaluate(
        "byId('dots').layout.annotations[0].text"
    )
    page.click("#clear")


def test_the_vertical_axis_and_the_order_of_the_table(page, study):
    for label, name in (
        ("active units with p ≤ 0.05", "small_p"),
        ("significant active units", "grid_fraction"),
        ("grid-like units: grid score above 0.8", "share"),
    ):
        page.choose("#measure", label)
        found = page.evaluate(
            "byId('dots').data.filter((t) => t.name !== 'chance')"
            ".flatMap((t) => t.customdata.map((id, i) => [id, t.y[i]]))"
        )
        expected = {n["id"]: n[name] for n in study[0]["networks"]}
        assert {id_: round(y, 3) for id_, y in found} == {
            id_: round(100 * expected[id_], 3) for id_, _ in found
        }
    for column in range(1, page.evaluate("TABLE.length") + 1):
        button = f"#table thead th:nth-child({column}) button"
        page.click(button)
        once = rows(page)
        page.click(button)
        assert sorted(once) == sorted(rows(page))
    errors = [n["errors"][0] for n in study[0]["networks"]]
    page.click("#table thead th:nth-child(6) button")
    shown = [n["errors"][0] for id_ in rows(page) for n in study[0]["networks"] if n["id"] == id_]
    assert shown == [*sorted(e for e in errors if e is not None), None]  # unknown ones last


def test_a_network_shows_its_numbers(page, study):
    network = network_of(study[0], **LATTICE)
    page.click(f'#table tr[data-id="{network["id"]}"] td:nth-child(3)')
    page.wait(TILES)
    said = page.text("#measures")
    for part in ("20 steps5.0 cm", "50 steps10.0 cm", "7 of 7 active units", "1 of 8 units"):
        assert part in said
    assert "place cell width0.12" in page.text("#spec")
    assert page.evaluate("byId('curve').data[0].y")[0] == 100  # cm
    assert len(units_shown(page)) == small_study.UNITS
    painted = "[...byId('tiles').querySelectorAll('canvas')].every((one) => one.width === 16)"
    page.wait(painted)
    page.click("#path #home")
    page.wait(OVERVIEW)


def test_units_in_every_order(page, study):
    network = network_of(study[0], **LATTICE)
    page.open(f"{study[1]}#{network['id']}", TILES)
    labels = page.evaluate("[...byId('sort').options].map((one) => one.text)")
    assert labels == [
        *("grid score", "p-value", "period", "stability", "spatial information", "number")
    ]
    for name, label in zip(
        ("score_60", "p_value", "period", "stability", "spatial_information"), labels, strict=False
    ):
        page.choose("#sort", label)
        page.wait(f"state.sort === '{name}' && byId('tiles').children.length")
        values = page.evaluate(f"""unitsOf(networks.find((n) => n.id === '{network["id"]}'))
            .then((units) => [...units.columns.{name}].map((v) => Number.isNaN(v) ? null : v))""")
        shown = [values[unit] for unit in units_shown(page)]
        known = [value for value in shown if value is not None]
        assert known == sorted(known, reverse=name not in ("p_value", "period"))
        assert shown[: len(known)] == known
    page.choose("#sort", "number")
    page.wait("state.sort === 'number' && byId('tiles').children.length")
    assert units_shown(page) == list(range(small_study.UNITS))
    page.click("#unit-significant")
    page.wait("byId('tiles').children.length === 7")
    assert units_shown(page) == list(range(1, 8))


def test_keys_go_from_all_networks_to_a_unit_and_back(page, study):
    first, second = rows(page)[:2]
    selected = "document.querySelector('#table tr[aria-selected=true]').dataset.id"
    assert page.evaluate(selected) == first
    page.press("ArrowDown")
    assert page.evaluate(selected) == second
    page.press("ArrowUp")
    page.press("ArrowUp")
    assert page.evaluate(selected) == first
    page.press("ArrowRight")
    page.press("Enter")
    page.wait(TILES)
    assert page.evaluate("location.hash") == f"#{second}"
    order = units_shown(page)
    page.press("ArrowRight", 2)
    page.press("ArrowLeft")
    page.press("Enter")
    page.wait(UNIT)
    assert page.evaluate("location.hash") == f"#{second}/{order[1]}"
    page.press("ArrowRight")
    page.wait(f"{UNIT} && location.hash === '#{second}/{order[2]}'")
    page.wait(f"byId('unit-title').textContent.startsWith('unit {order[2]} ')")
    page.press("ArrowLeft")
    page.wait(f"byId('unit-title').textContent.startsWith('unit {order[1]} ')")
    page.press("Escape")
    page.wait(TILES)
    assert page.evaluate("Number(document.activeElement.dataset.unit)") == order[1]
    page.press("Escape")
    page.wait(OVERVIEW)
    assert page.evaluate(selected) == second


def test_arrows_move_among_rows_of_maps(page, study):
    page.resize(500, 900)
    network = network_of(study[0], **LATTICE)
    page.open(f"{study[1]}#{network['id']}", TILES)
    per_row = page.evaluate("tilesPerRow()")
    assert 1 < per_row < small_study.UNITS
    order = units_shown(page)
    page.press("ArrowDown")
    assert page.evaluate("state.unit") == order[per_row]
    page.press("ArrowUp")
    assert page.evaluate("state.unit") == order[0]
    page.resize(1440, 1000)


def test_networks_of_other_arenas_are_told_apart(page):
    space = "{...networks[0], spec: {...networks[0].spec, arena: 1.1, periodic: true}}"
    plain, own = (page.evaluate(f"describe({one})") for one in ("networks[0]", space))
    assert own == plain.replace(" · seed", " · arena 1.1 m · periodic arena · seed")


def test_search(page, study):
    data, _ = study
    gru, lattice = (network_of(data, **KINDS[key]) for key in ("gru", "lattice"))
    page.press("/")
    page.write("gaussian")
    assert rows(page) == [network_of(data, target="gaussian")["id"]]
    page.press("Escape")
    page.click("#clear")
    page.press("/")
    page.write("σ=0.12 gru")
    page.press("Enter")
    page.wait(TILES)
    assert page.evaluate("location.hash") == f"#{gru['id']}"
    page.press("/")
    page.write("5")
    page.press("Enter")
    page.wait(UNIT)
    assert page.evaluate("location.hash") == f"#{gru['id']}/5"
    page.press("/")
    page.write(f"{lattice['id']}/3")
    page.press("Enter")
    page.wait(f"{UNIT} && location.hash === '#{lattice['id']}/3'")
    page.press("/")
    page.write("relu")
    page.press("Enter")
    page.wait(OVERVIEW)
    assert len(rows(page)) == 4


def test_a_unit_has_its_map_ring_lattice_surrogates_and_scores(page, study, results):
    network = network_of(study[0], **LATTICE)
    page.open(f"{study[1]}#{network['id']}", TILES)
    page.click('.tile[data-unit="4"]')
    page.wait(UNIT)
    path = f"{network['cohort']}.nc"
    maps = datasets.load(results / "rate_maps" / path, "rate_maps")["rate_map"]
    rates = maps.sel(network=network["id"]).isel(unit=4).values
    drawn = np.array(page.evaluate("byId('map').data[0].z"), float)
    np.testing.assert_allclose(drawn, rates, atol=np.ptp(rates[~np.isnan(rates)]) / 500)
    found = np.array(page.evaluate("byId('correlations').data[0].z"))
    overlap = np.abs(np.arange(1 - small_study.BINS, small_study.BINS)) < small_study.BINS / 2
    expected = autocorrelograms(rates).values
    np.testing.assert_allclose(found[overlap][:, overlap], expected[overlap][:, overlap], atol=0.01)
    scores = datasets.load(results / "scores" / path, "scores").sel(network=network["id"])
    scores = scores.isel(unit=4)
    radii = page.evaluate("byId('correlations').layout.shapes.map((shape) => shape.x1)")[1::2]
    ring = float(scores["ring_60"].sel(definition="min_max"))
    np.testing.assert_allclose(radii, [0.2 * 2.2, ring * 2.2], rtol=1e-6)
    hexagon = page.evaluate(
        "[byId('correlations').data[2].x[0], byId('correlations').data[2].y[0]]"
    )
    angle = float(scores["orientation"])
    np.testing.assert_allclose(
        hexagon, float(scores["period"]) * np.array([np.cos(angle), np.sin(angle)]), rtol=1e-4
    )
    chance = scores["surrogate_score"].transpose("kind", "surrogate").values
    marks = page.evaluate("byId('surrogates').data.map((t) => t.x)")
    np.testing.assert_allclose(marks, chance, atol=0.0006)
    own = float(scores["score_60"].sel(definition="min_max"))
    lines = page.evaluate("byId('surrogates').layout.shapes.map((s) => s.x0)")
    np.testing.assert_allclose(lines, [own, float(scores["null_95"])], rtol=1e-6)
    assert f"grid score {own:.2f} ★" in page.text("#unit-title")
    table = page.text("#scores")
    assert f"grid score{own:.2f}" in table and f"period{float(scores['period']):.2f} m" in table


def test_the_lattice_of_a_unit_that_is_not_significant_is_not_drawn(page, study):
    page.open(f"{study[1]}#{network_of(study[0], **LATTICE)['id']}/4", UNIT)
    for significant, lines, said in (
        (0, 0, "Not drawn: a lattice of 0.50 m at 6°. The unit is not significant"),
        (1, 2, "Hexagon: the measured lattice, 0.50 m at 6°."),
        (None, 2, "Hexagon: the measured lattice"),  # maps that were not set against chance
    ):
        values = {"period": 0.5, "orientation": 6, "significant": significant}
        value = f"((name) => ({json.dumps(values)})[name])"
        assert page.evaluate(f"lattice({value}).length") == lines
        assert said in page.evaluate(f"correlationsCaption({value}, false)")


def test_a_link_to_a_unit_survives_a_reload(page, study):
    network = network_of(study[0], **LATTICE)
    page.open(f"{study[1]}#{network['id']}/6", UNIT)
    before = page.text("#unit-title")
    page.reload(UNIT)
    assert page.text("#unit-title") == before and before.startswith("unit 6 ")
    place = int(re.match(r"(\d+) of 8 by grid score", page.text("#unit-place"))[1])
    button = "#next" if place < 8 else "#previous"
    page.click(button)
    page.wait(f"byId('unit-title').textContent !== {before!r}")
    page.click("#previous" if place < 8 else "#next")
    page.wait(f"byId('unit-title').textContent === {before!r}")
    page.evaluate("history.back()")
    page.wait(f"byId('unit-title').textContent !== {before!r}")


def test_a_link_to_nothing_says_so(page, study):
    network = study[0]["networks"][0]["id"]
    page.open(f"{study[1]}#none", NOTHING)
    assert page.text("#nothing-text") == "There is no network none in this page."
    for link, said in (
        ("%E0%A4%A", "There is no network %E0%A4%A in this page."),
        (f"{network}/99", "There is no unit 99 in this network."),
        (f"{network}/x", "There is no unit x in this network."),
        (f"{network}/-1", "There is no unit -1 in this network."),
    ):
        page.evaluate(f"location.hash = '#{link}'")
        page.wait(f"byId('nothing-text').textContent === '{said}'")
    page.press("Escape")
    page.press("Escape")
    page.wait(OVERVIEW)


def test_it_fits_a_phone_and_reads_in_grey(page, study, tmp_path):
    """Nothing is wider than the screen."""
    network = network_of(study[0], **LATTICE)
    views = {"overview": ("", OVERVIEW), "network": (f"#{network['id']}", TILES)}
    views["unit"] = (f"#{network['id']}/3", UNIT)
    for name, (link, ready) in views.items():
        for size, shape in {"phone": (390, 844, True), "desktop": (1440, 1000, False)}.items():
            page.resize(*shape)
            page.open(study[1] + link, ready)
            wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], (name, size)
            coloured = page.picture(tmp_path / f"{name}_{size}.png")
            page.colour_blind("achromatopsia")
            assert page.picture(tmp_path / f"{name}_{size}_grey.png") != coloured
            page.colour_blind("none")


def test_the_tests_notice_errors_and_requests(tab, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<script>window.done = true; setTimeout(() => nothing.here)</script>"
        "<img src='http://127.0.0.1:9/picture.png'>"
    )
    tab.open(bad.as_uri(), "window.done")
    tab.wait("true")
    for _ in range(100):
        if tab.problems and tab.requests:
            break
        tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert any("nothing is not defined" in problem for problem in tab.problems)
    assert tab.requests == ["http://127.0.0.1:9/picture.png"]
