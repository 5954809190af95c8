"""Groups of networks of every published model, with their labels."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from nofreelunch.findings.published.groups_of_banino import of_banino
from nofreelunch.findings.published.groups_of_cueva_wei import of_cueva_wei
from nofreelunch.findings.published.groups_of_nayebi import of_nayebi
from nofreelunch.findings.published.groups_of_sorscher import of_sorscher
from nofreelunch.findings.published.groups_of_whittington import of_whittington
from nofreelunch.findings.published.model_measures import Groups

GROUPS: dict[str, Callable[[xr.Dataset], Groups]] = {
    "cueva_wei_2018": of_cueva_wei,
    "banino_2018": of_banino,
    "sorscher_2019": of_sorscher,
    "whittington_2020": of_whittington,
    "nayebi_2021": of_nayebi,
}
