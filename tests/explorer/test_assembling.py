"""The page as a file: whole, by itself, and safe against what its texts contain."""

import json
import re

from nofreelunch.explorer import assembling, study_data
from nofreelunch.explorer.columns import COLUMNS

pytest_plugins = "page_fixtures"


def test_everything_is_in_one_file(results):
    data, blocks = study_data.collect_results(results)
    page = assembling.to_html(data, blocks)
    assert "{{" not in page.replace(assembling.plotly.offline.get_plotlyjs(), "")[:5000]
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=\"(?!data:)", page)
    assert "plotly.js v" in page and len(page) < 6_000_000
    for number, network in enumerate(data["networks"]):
        assert f'id="block-{number}">{blocks[network["id"]]}<' in page


def test_texts_cannot_become_markup(results):
    data, blocks = study_data.collect_results(results)
    evil = '</script><script>alert("1")</script> {{style}} été'
    page = assembling.to_html(data | {"title": evil}, blocks)
    assert 'alert("1")</script>' not in page
    held = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(held)["title"] == evil
    assert [column["name"] for column in json.loads(held)["columns"]] == [c.name for c in COLUMNS]


def test_numbers():
    assert assembling.number(1 / 3) == 0.333333
    assert assembling.number(float("nan")) is assembling.number(float("-inf")) is None
