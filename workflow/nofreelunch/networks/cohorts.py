"""Networks and cohorts: what a study plans and what a training job receives.

Training depends on this module and not on the planner, so editing the planner retrains nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SPACE_KEYS = ("arena", "periodic")  # of networks that walk elsewhere than the study's others
OWN_KEYS = (*SPACE_KEYS, "place_cell_centres")  # only networks that differ in them have them


@dataclass(frozen=True, eq=False)
class Network:
    """One configuration with one seed: the replicate.

    `spec` has a value for each key of a study's `defaults`, None where the target does not use the
    key; the keys in `OWN_KEYS` only where they differ from the study's. Values are read as items
    (`network["units"]`) or as attributes (`network.units`). Two networks are equal when their ids
    are.
    """

    spec: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.spec[key]

    def __getattr__(self, key: str) -> Any:
        # Unpickling looks attributes up before `spec` exists: `self.spec` would recurse for ever.
        spec = self.__dict__.get("spec", {})
        if key not in spec:
            raise AttributeError(f"Network has no attribute or spec key {key!r}")
        return spec[key]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that depend on the values alone; 128 and 128.0 are the same."""
        return digest(_canonical(self.spec), 12)

    @property
    def label(self) -> str:
        """A few words that describe the network, for progress lines and tables."""
        spec = self.spec
        what = " ".join(str(spec[key]) for key in ("target", "cell", "activation", "units"))
        return f"{what} seed {spec['seed']}"


@dataclass(frozen=True)
class Cohort:
    """Networks of equal tensor shapes that one job trains side by side."""

    name: str
    networks: tuple[Network, ...]

    def __len__(self) -> int:
        return len(self.networks)

    def as_dict(self) -> dict[str, Any]:
        """The cohort in plain JSON types: `{"name": ..., "networks": [spec, ...]}`."""
        return {"name": self.name, "networks": [dict(network.spec) for network in self.networks]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Cohort":
        """A cohort from what `as_dict` returned."""
        return cls(values["name"], tuple(Network(dict(spec)) for spec in values["networks"]))


def digest(values: Any, length: int) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of `values` as sorted JSON."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _canonical(value: Any) -> Any:
    """The same value with whole floats as integers, so that equal numbers become equal text."""
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
