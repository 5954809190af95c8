"""What the tests of the page look at: its views, rows, dots and maps; kinds of networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser import Browser
from nofreelunch.explorer import assembling
from nofreelunch.files import datasets
from test_study_data import LATTICE, network_of

# Expressions that are true once a view is there.
SHOWN = "document.body.dataset.shown === location.hash"
OVERVIEW = f"{SHOWN} && !byId('overview').hidden && byId('dots').data"
NETWORK = f"{SHOWN} && !byId('network').hidden"
TILES = f"{NETWORK} && byId('tiles').children.length"
UNIT = f"{SHOWN} && !byId('unit').hidden && byId('map').data"
NOTHING = f"{SHOWN} && !byId('nothing').hidden"
KINDS = {
    "lattice": LATTICE,
    "gaussian": {"target": "gaussian"},
    "gru": {"cell": "gru"},
    "wide": {"place_cell_width": 0.2},
}


def ids(data: dict[str, Any]) -> dict[str, str]:
    """Kind of network -> id of the only one of that kind in the small study."""
    return {kind: network_of(data, **spec)["id"] for kind, spec in KINDS.items()}


def write_page(folder: Path, data: dict[str, Any], blocks: dict[str, str]) -> str:
    """Address of a page that is written below `folder`."""
    path = folder / "page.html"
    datasets.write_text(path, assembling.to_html(data, blocks))
    return path.as_uri()


def rows(page: Browser) -> list[str]:
    """Ids of the networks in the table."""
    return page.evaluate("[...byId('table').tBodies[0].rows].map((row) => row.dataset.id)")


def units_shown(page: Browser) -> list[int]:
    """Numbers of the units whose maps are shown."""
    return page.evaluate("[...byId('tiles').children].map((one) => Number(one.dataset.unit))")


def dots(page: Browser) -> list[str]:
    """Ids of the networks that are drawn as dots."""
    return page.evaluate(
        "byId('dots').data.filter((t) => t.name !== 'chance').flatMap((t) => t.customdata)"
    )


def place_of_dot(page: Browser, network: dict[str, Any]) -> list[float]:
    """Place of a network's dot in the window, in pixels."""
    return page.evaluate(f"""(() => {{
        byId('dots').scrollIntoView({{ block: 'center', behavior: 'instant' }});
        const layout = byId('dots')._fullLayout, box = byId('dots').getBoundingClientRect();
        const of = networks.find((one) => one.id === '{network["id"]}');
        return [box.x + layout._size.l + layout.xaxis.d2p(100 * errorOf(of)),
                box.y + layout._size.t + layout.yaxis.d2p(100 * of[state.measure])];
    }})()""")
