"""Units in a block: what goes in comes out again, to the accuracy that is promised."""

import base64
import zlib

import numpy as np
import pytest
from nofreelunch.explorer import blocks
from nofreelunch.explorer.columns import COLUMNS


def unpack(text, units, side):
    """What `maps.js` does: shades, columns and surrogates."""
    raw = zlib.decompress(base64.b64decode(text[0]))
    size, names = units * side**2, text[1]
    shades = np.frombuffer(raw[:size], np.uint8).reshape(units, side, side)
    end = size + 4 * units * len(names)
    table = np.frombuffer(raw[size:end], "<f4").reshape(len(names), units)
    return shades, dict(zip(names, table, strict=True)), np.frombuffer(raw[end:], "<i2")


@pytest.fixture
def maps():
    rates = np.random.default_rng(0).gamma(1, 3, (3, 9, 9))
    rates[:, 0, 0] = np.nan
    return rates


def test_rates_come_back_to_a_508th_of_their_range(maps):
    packed = blocks.pack_units(maps, {"score_60": np.array([0.1, np.nan, 1.3])}, None)
    shades, columns, drawn = unpack(packed, 3, 9)
    assert list(columns) == ["score_60", "lowest", "highest"] and drawn.size == 0
    np.testing.assert_array_equal(columns["score_60"], np.float32([0.1, np.nan, 1.3]))
    low, high = (columns[k].astype(float)[:, None, None] for k in ("lowest", "highest"))
    rates = np.where(
        shades == blocks.UNVISITED, np.nan, low + (high - low) * shades / blocks.SHADES
    )
    known = ~np.isnan(maps)
    assert (np.isnan(rates) == ~known).all()
    worst = np.nanmax(abs(rates - maps), axis=(1, 2))
    assert (worst <= np.ptp(np.nan_to_num(maps), axis=(1, 2)) / 508 * 1.001).all()


def test_surrogates_in_thousandths(maps):
    scores = np.array([[[0.1234, -1.9], [np.nan, np.nan]]] * 3)
    *_, drawn = unpack(blocks.pack_units(maps, {}, scores), 3, 9)
    np.testing.assert_array_equal(drawn, [123, -1900, blocks.UNKNOWN, blocks.UNKNOWN] * 3)


def test_maps_without_rates_or_without_change():
    maps = np.array([np.zeros((4, 4)), np.full((4, 4), 7), np.full((4, 4), np.nan)])
    maps = np.concatenate([maps, np.full((1, 4, 4), np.inf)])
    shades, lowest, highest = blocks.shade(maps)
    assert shades.max(axis=(1, 2)).tolist() == [0, 0, blocks.UNVISITED, blocks.UNVISITED]
    np.testing.assert_array_equal(lowest, [0, 7, np.nan, np.nan])
    np.testing.assert_array_equal(highest, lowest)


def test_a_column_without_any_number_is_left_out(maps):
    _, names = blocks.pack_units(maps, {"period": np.full(3, np.nan), "fit": np.zeros(3)}, None)
    assert names == ["fit", "lowest", "highest"]


def test_a_block_is_not_larger_than_it_was_estimated():
    random = np.random.default_rng(0)
    scores = {column.name: random.random(40) for column in COLUMNS}
    text, _ = blocks.pack_units(random.random((40, 22, 22)), scores, random.random((40, 2, 25)))
    assert 0.5 < len(text) / blocks.packed_size(40, 22, 50) <= 1.0


def test_every_column_has_one_name_and_a_meaning():
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))
    assert all(column.label and column.meaning.endswith(".") for column in COLUMNS)
