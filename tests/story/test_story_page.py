"""The story as a page: whole, offline, small, readable without sight and without colours."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import synthetic_summary
from nofreelunch.findings import html_pages
from nofreelunch.findings.claims import page
from nofreelunch.findings.corrections import sheet
from nofreelunch.running.captions import read_captions
from nofreelunch.story import sections, story_page
from nofreelunch.story.sections import Story

TEXTS = Path(__file__).parents[2] / "workflow" / "report"
CAPTIONS = TEXTS / "figures.rst"
CORRECTIONS = sheet.read(TEXTS / "corrections.json")
CONFIG = {"thresholds": {"position_error": 0.1, "position_error_horizon": 20, "grid_cells": 0.8}}
FIGURES = ("overview", *(f"result_{number}" for number in range(1, 7)))
VOID = {"meta", "img", "br", "link", "input", "hr", "mspace"}
LARGEST = 6_000_000  # bytes


class Parser(HTMLParser):
    """Every element with its attributes; fails where an end does not fit its start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("figures")
    svg, png = folder / "a.svg", folder / "a.png"
    svg.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    png.write_bytes(b"\x89PNG" + bytes(400_000))
    return {name: html_pages.embedded(svg, png) for name in FIGURES}


def told(summary, theory=()) -> Story:
    return sections.tell(page.evaluate(summary, theory), summary)


@pytest.fixture(scope="module")
def pages(images) -> dict[str, str]:
    full, tiny = synthetic_summary.make("full"), synthetic_summary.make("tiny", learnt=False)
    none = tiny.assign(diverged=tiny["diverged"] | True)
    captions = read_captions(CAPTIONS, images, CONFIG)
    studies = {
        "full": told(full),
        "tiny": told(tiny),
        "one network": told(tiny.isel(network=[0])),
        "all diverged": told(none),
    }
    return {
        name: story_page.render(story, images, captions, CORRECTIONS)
        for name, story in studies.items()
    }


NAMES = ["full", "tiny", "one network", "all diverged"]


@pytest.mark.parametrize("name", NAMES)
def test_elements_are_nested_and_names_are_unique(name, pages):
    parser = Parser(pages[name])
    ids = [attributes["id"] for _, attributes in parser.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in parser.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert [tag for tag, _ in parser.found].count("section") == 14


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(name, pages):
    parser = Parser(pages[name])
    assert not parser.all("script") and not parser.all("link") and not parser.all("iframe")
    assert all(image["src"].startswith("data:image/") for image in parser.all("img"))
    assert not [a for _, a in parser.found if any(key.startswith("on") for key in a)]
    assert "url(" not in pages[name] and "@import" not in pages[name]
    links = {link["href"] for link in parser.all("a") if not link["href"].startswith("#")}
    assert links == {
        *("claims.html", "corrections.html", "explorer.html", "report.html", "summary.csv")
    }


def test_figures_and_drawings_have_words_for_those_who_do_not_see_them(pages):
    parser = Parser(pages["full"])
    shown = [image["alt"] for image in parser.all("img")]
    assert len(shown) == len(FIGURES) and len(set(shown)) == len(FIGURES)
    assert all(len(alt) > 80 for alt in shown)
    plots = parser.all("svg")
    assert len(plots) > 15
    assert all(plot["role"] == "img" for plot in plots)
    assert all(re.match(r"(R\d|T|C)[a-h]: .*\. (Talk|Reference): ", p["aria-label"]) for p in plots)
    assert parser.all("html")[0]["lang"] == "en"


def test_a_phone_is_told_its_width_and_a_printer_what_is_folded(pages):
    parser = Parser(pages["full"])
    assert any(meta.get("name") == "viewport" for meta in parser.all("meta"))
    assert "@media print" in pages["full"] and "details-content" in pages["full"]
    assert len(parser.all("math")) >= 10


def test_text_of_a_study_is_text(images):
    story = told(synthetic_summary.make("tiny"))._replace(study="<b>&", answer="1 < 2 & 3.")
    text = story_page.render(story, {}, {}, {})
    assert "&lt;b&gt;&amp;" in text and "1 &lt; 2 &amp; 3." in text
    assert not Parser(text).all("img")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_small(name, pages, images):
    text = len(pages[name].encode()) - sum(map(len, images.values()))
    # Seven vectors of the largest size that is shown, in base64.
    assert text + len(FIGURES) * html_pages.LARGEST_VECTOR * 4 / 3 < LARGEST


def test_a_small_drawing_is_shown_as_a_vector_and_a_large_one_as_pixels(tmp_path):
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    svg.write_bytes(b"<svg/>")
    png.write_bytes(b"pixels")
    assert html_pages.embedded(svg, png) == (
        f"data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()}"
    )
    svg.write_bytes(bytes(html_pages.LARGEST_VECTOR + 1))
    assert html_pages.embedded(svg, png).startswith("data:image/png;base64,")


def test_the_section_of_a_claim_names_the_sweep_that_is_lacking(pages):
    text = "".join(Parser(pages["one network"]).text)
    _, _, section = text.partition("Result 2")
    section, _, _ = section.partition("Result 3")
    assert "{seed: [0, 1, 2], target: polar}" in section


def test_the_page_has_no_date(pages):
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", pages["full"])


def test_the_corrections_are_told_with_names_of_settings_as_code(pages):
    text = pages["full"]
    told = text[text.index('<section id="corrections">') : text.index('<section id="methods">')]
    shown = " ".join(Parser(told).text)
    assert all(correction.title in shown for correction in CORRECTIONS.values())
    assert "<code>width_ratio</code>" in told and "`" not in told
