"""The Tolman-Eichenbaum Machine: its equations, memories and gradients."""

import itertools

import pytest
import torch
from nofreelunch.networks.published import hebbian_memory, whittington
from nofreelunch.networks.published.hebbian_memory import FULL, Memory, Strengths, squash
from nofreelunch.networks.published.whittington import Machines
from nofreelunch.networks.published.whittington_sizes import Sizes, initialize
from published_examples import GRAPHS
from torch.nn.functional import cross_entropy

SIZES = Sizes.of(GRAPHS)
ROWS, STEPS = 3, 5
PLAIN = Strengths(0.9, 0.5, 1.0, 0.5, 0.0)


def machines(count: int = 2, moving: bool = True) -> Machines:
    weights = initialize([GRAPHS | {"seed": seed} for seed in range(count)])
    if moving:
        torch.manual_seed(0)
        weights["transition"] = 0.3 * torch.randn_like(weights["transition"])
    return Machines(SIZES, weights)


def chunk(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    shape = 2, ROWS, STEPS
    action = torch.randint(SIZES.actions + 1, shape, generator=random)
    return action, torch.randint(SIZES.symbols, shape, generator=random)


def test_symbols_are_pairs_of_places():
    codes = machines().fixed.codes
    assert SIZES.code == 4 and codes.shape == (6, 4) and (codes.sum(1) == 2).all()
    assert len({tuple(code.tolist()) for code in codes}) == 6
    assert Sizes((1,), (1,), 45, 4).code == 10 and Sizes((1,), (1,), 15, 4).code == 6


def test_staying_moves_nothing_and_other_actions_stay_within_modules():
    networks = machines()
    moves, grid = networks.transitions(), torch.randn(2, ROWS, SIZES.grid).clamp(-1, 1)
    stay = torch.full((2, ROWS), SIZES.actions)
    assert not moves[:, :, -1].any()
    torch.testing.assert_close(networks.move(grid, stay, moves), grid, rtol=0, atol=0)
    first = SIZES.modules[0]
    assert moves[:, :first, :-1, :first].any() and moves[:, first:, :-1, first:].any()
    assert not moves[:, :first, :, first:].any() and not moves[:, first:, :, :first].any()


def test_an_untrained_transition_is_the_identity_and_a_trained_one_is_the_papers():
    grid, action = torch.randn(2, ROWS, SIZES.grid).clamp(-1, 1), chunk()[0][..., 0]
    still = machines(moving=False)
    torch.testing.assert_close(still.move(grid, action, still.transitions()), grid)
    moving = machines()
    w = moving.weights
    found = moving.move(grid, action, moving.transitions())
    for n, b in itertools.product(range(2), range(ROWS)):
        told = torch.eye(SIZES.actions + 1)[action[n, b], :-1]
        change = (told @ w["action"][n]).tanh() @ w["transition"][n]
        matrix = change.view(SIZES.grid, SIZES.grid) * moving.fixed.within[:, 0]
        expected = (grid[n, b] + grid[n, b] @ matrix).clamp(-1, 1)
        torch.testing.assert_close(found[n, b], expected)


def test_cells_p_are_the_outer_product_of_cells_g_and_the_filtered_symbol():
    networks, (action, symbol) = machines(), chunk()
    state = networks.enter(networks.empty(ROWS), torch.ones(2, ROWS, dtype=torch.bool))
    found, _ = networks.run(state, action, symbol, FULL)
    _, cues = networks.filter(state.filtered, symbol)
    first, blocks = 0, []
    for module, phases, block in zip(SIZES.modules, SIZES.phases, SIZES.blocks, strict=True):
        own = cues[..., block].unflatten(-1, (phases, SIZES.code))
        assert torch.equal(own[..., :1, :].expand_as(own), own)  # all phases have the same cue
        grid = found.grid[..., first : first + phases]
        outer = torch.einsum("ntbi,nbtj->ntbij", grid, own[..., 0, :])
        blocks.append(squash(outer).flatten(-2))
        first += module
    torch.testing.assert_close(found.place, torch.cat(blocks, -1))


def test_symbols_are_smoothed_over_each_modules_own_time_and_scaled():
    networks, (_, symbol) = machines(), chunk()
    w = networks.weights
    after, cues = networks.filter(networks.empty(ROWS).filtered, symbol)
    keep, gain = w["smoothing"].sigmoid()[1, 0], w["gain"].sigmoid()[1, 0]
    smooth = torch.zeros(2, SIZES.code)
    for t in range(STEPS):
        smooth = (
            keep[:, None] * smooth + (1 - keep[:, None]) * networks.fixed.codes[symbol[1, 2, t]]
        )
        above = (smooth - smooth.mean(1, keepdim=True)).relu()
        expected = gain[:, None] * above / above.norm(dim=1, keepdim=True)
        for module, block in enumerate(SIZES.blocks):
            torch.testing.assert_close(cues[1, 2, t, block][: SIZES.code], expected[module])
    torch.testing.assert_close(after[1, 2], smooth)


def whole() -> Memory:
    """An empty memory of all-to-all connections, for one network and one row of eight cells."""
    return Memory(torch.zeros(1, 1, 8, 8), [slice(0, 8)], [1] * 5, FULL)


def test_one_stored_pattern_is_recovered_from_half_of_it_and_an_empty_memory_fades():
    pattern = torch.tensor([1.0, 0, 1, 0, 1, 0, 1, 0])[None, None]
    memory, half = whole(), pattern.clone()
    half[..., :4] = 0
    faded = memory.retrieve(half[:, :, None])
    torch.testing.assert_close(faded[0, 0, 0], 0.8**5 * half[0, 0])
    memory.write(pattern, torch.zeros_like(pattern))
    torch.testing.assert_close(memory.retrieve(0.5 * half[:, :, None])[0, 0], pattern[0])


def test_what_is_retrieved_already_is_not_stored_again():
    memory, pattern = whole(), torch.rand(1, 1, 8)
    memory.write(pattern, pattern)
    assert not memory.at_end().any()


def test_a_memory_decays_grows_and_is_cut_as_the_equation_says():
    torch.manual_seed(0)
    start, pairs = torch.rand(2, ROWS, SIZES.place, SIZES.place), torch.rand(4, 2, 2, ROWS, 20)
    memory = Memory(start, [slice(0, SIZES.place)], [1], PLAIN)
    expected = start
    for place, retrieved in pairs:
        memory.write(place, retrieved)
        outer = torch.einsum("nbi,nbj->nbij", place + retrieved, place - retrieved)
        expected = 0.9 * expected + 0.5 * outer
    torch.testing.assert_close(memory.at_end(), expected.clamp(-1, 1))
    assert expected.max() > 1


def test_high_frequencies_hear_low_ones_and_not_the_reverse_and_low_ones_stop_first():
    torch.manual_seed(0)
    blocks = [slice(0, 4), slice(4, 8)]
    start = torch.zeros(1, 1, 8, 8)
    memory = Memory(start, blocks, (2, 1), PLAIN)
    place = torch.rand(1, 1, 8)
    memory.write(place, torch.zeros_like(place))
    weights = memory.at_end()[0, 0]
    assert not weights[:4, 4:].any() and weights[4:, :4].all() and weights[4:, 4:].all()
    cue = 0.1 * torch.rand(8)
    once = squash(0.8 * cue + cue @ weights)
    twice = squash(0.8 * once + once @ weights)
    found = memory.retrieve(cue[None, None, None])[0, 0, 0]
    torch.testing.assert_close(found, torch.cat([twice[:4], once[4:]]))


def test_gradients_reach_what_was_stored():
    """The written-out gradient is the numerical one, of cues and of both factors of the memory."""
    torch.manual_seed(0)
    blocks, ends = [slice(0, 2), slice(2, 5)], [5, 2]
    shares = torch.tensor([0.3, 0.5], dtype=torch.double)
    mask = torch.ones(5, 5, dtype=torch.double)
    mask[:2, 2:] = 0
    start = 0.2 * torch.randn(3, 5, 5, dtype=torch.double) * mask

    def retrieved(h, before, after):
        stored = torch.einsum("s,rsi,rsj->rij", shares, before, after) * mask
        weights = (start + stored).detach()
        return hebbian_memory._Retrieval.apply(h, before, after, weights, shares, blocks, ends)

    shapes = (3, 2, 5), (3, 2, 5), (3, 2, 5)
    values = [(0.4 * torch.randn(s, dtype=torch.double)).requires_grad_() for s in shapes]
    assert torch.autograd.gradcheck(retrieved, values)


def test_a_new_environment_begins_with_the_prior_and_empty_memories():
    networks, (action, symbol) = machines(), chunk()
    _, state = networks.run(networks.empty(ROWS), action, symbol, FULL)
    fresh = torch.tensor([[True, False, False], [False, False, True]])
    entered = networks.enter(state, fresh)
    for part, before in zip(entered, state, strict=True):
        assert torch.equal(part[~fresh], before[~fresh]) and before[fresh].any()
    assert torch.equal(entered.grid[0, 0], networks.weights["prior"][0, 0])
    for part in entered[1:]:
        assert not part[fresh].any()


def test_g_is_that_of_the_action_until_memories_are_trusted_and_then_between_both():
    networks, (action, symbol) = machines(), chunk()
    state = networks.enter(networks.empty(ROWS), torch.ones(2, ROWS, dtype=torch.bool))
    early, _ = networks.run(state, action, symbol, FULL._replace(latent=0.0))
    torch.testing.assert_close(early.grid, early.generated, atol=1e-5, rtol=0)
    late, _ = networks.run(state, action, symbol, FULL)
    assert (late.grid - late.generated).abs().max() > 0.01


def test_rows_and_networks_do_not_meet():
    networks, (action, symbol) = machines(), chunk()
    both, _ = networks.run(networks.empty(ROWS), action, symbol, FULL)
    second = {name: weight[1:] for name, weight in networks.weights.items()}
    alone = Machines(SIZES, second)
    one, _ = alone.run(alone.empty(1), action[1:, 2:], symbol[1:, 2:], FULL)
    for part, whole in zip(one, both, strict=True):
        torch.testing.assert_close(part[0, :, 0], whole[1, :, 2])


def test_the_loss_has_three_cross_entropies_three_latent_losses_and_two_costs():
    networks, (action, symbol) = machines(), chunk()
    found, _ = networks.run(networks.empty(ROWS), action, symbol, FULL)
    losses = whittington.losses(networks, found, symbol, PLAIN)
    at = 1, 3, 2
    truth, expected = symbol[1, 2, 3], 0.0
    for name in ("place", "by_grid", "by_generated"):
        logits = networks.read_out(getattr(found, name))[at]
        expected = expected + cross_entropy(logits, truth)
    torch.testing.assert_close(losses.predicted[at], cross_entropy(logits, truth))
    place, grid = found.place[at], found.grid[at]
    for one, other, weight in (
        (place, found.by_grid[at], 0.5),
        (place, found.by_symbol[at], 0.25),
        (grid, found.generated[at], 0.5),
    ):
        expected = expected + weight * (one - other).square().sum()
    torch.testing.assert_close(losses.total[at], expected + 0.01 * grid.square().sum())
    sparse = whittington.losses(networks, found, symbol, PLAIN._replace(sparseness=1.0))
    added = sparse.total[at] - losses.total[at]
    torch.testing.assert_close(added, 0.02 * place.abs().sum())


def test_strengths_grow_over_their_ramps():
    ramps = {"latent": 10, "forgetting": 20, "writing": 40, "sparse": 5}
    first, last = hebbian_memory.strengths_at(0, ramps), hebbian_memory.strengths_at(2000, ramps)
    assert first == pytest.approx((0.9999 / 20, 0.5 / 40, 0.1, 0.5, 0.8))
    assert last == pytest.approx((0.9999, 0.5, 1.0, 1.0, 0.0), abs=1e-4)


def test_the_first_modules_forget_first():
    keep = machines().weights["smoothing"].sigmoid()[0, 0]
    torch.testing.assert_close(keep, torch.tensor([0.01, 0.7]))
