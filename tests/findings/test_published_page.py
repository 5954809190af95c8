"""docs/published_results.md is made from the networks of the study `published` as it is."""

from pathlib import Path

import pytest
from nofreelunch.study.published_models import cohort_of, load_models
from nofreelunch.study.sweeps import FOLDER

import results as docs_results

PAGE = Path(__file__).parents[2] / "docs" / "published_results.md"


@pytest.mark.skipif(not PAGE.exists(), reason="docs/published_results.md is not written yet")
def test_the_page_is_that_of_the_study_as_it_is():
    text = PAGE.read_text(encoding="utf-8")
    models = load_models(FOLDER / "published.yaml", "minutes")
    ids = [
        network.id
        for model in models.values()
        for name, job in model["jobs"].items()
        for network in cohort_of(name, job).networks
    ]
    assert docs_results.read_stamp(text) == docs_results.stamp("published", ids)
    for model in models.values():
        assert model["paper"] in text
        for deviation in model["deviations"]:
            assert deviation in text
    for figure in ("side_by_side", *models):
        assert PAGE.with_name(f"published_{figure}.png").stat().st_size > 10_000
