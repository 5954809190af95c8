"""What the names in files of published models mean."""

from nofreelunch.files.meaning import DIVERGED, Meaning

NO_TORUS = "ripser is not installed, few units are active, or it is measured of other kinds"
NO_STEP = "no step was of that sort"
FLAT = "the map is flat"
PUBLISHED = {
    "lattice": Meaning("class of a lattice: hexagonal, square or stripe", ""),
    "walks": Meaning("walks as long as those of training, or longer ones", ""),
    "since": Meaning("steps since a wall last turned the animal, from this number on"),
    "shown": Meaning("place among the units that figures show"),
    "lattice_share": Meaning("share of active units with the lattice, at a level of 5 %"),
    "mean_60": Meaning("mean score at 60 degrees (min_max) of the active units"),
    "mean_90": Meaning("mean score at 90 degrees of the active units"),
    "own_60": Meaning("score at 60 degrees (min_max) of the map with the paper's bins"),
    "own_90": Meaning("score at 90 degrees of the map with the paper's bins"),
    "own_mean_60": Meaning("mean of own_60 over the active units"),
    "own_mean_90": Meaning("mean of own_90 over the active units"),
    "own_grid_like_share": Meaning(
        "share of active units above the threshold for grid-like units, in the paper's bins"
    ),
    "grid_like_share": Meaning("share of active units above the threshold for grid-like units"),
    "chance_share": Meaning("the same share of their surrogates, of the kind that has more"),
    "small_p_share": Meaning("share of active units with a p-value of at most 0.05"),
    "border_share": Meaning("share of active units with a border score above 0.5"),
    "ridge_by_horizon": Meaning(
        "mean error of a ridge regression from all units to position, up to the horizon",
        "m",
        DIVERGED,
    ),
    "error_by_step": Meaning(
        "mean position error so many steps after the start", "m", "it is measured of other kinds"
    ),
    "error_since_wall": Meaning(
        "mean position error so many steps after a wall last turned the animal",
        "m",
        "no walk was so long without a wall, or it is measured of other kinds",
    ),
    "error_beyond": Meaning(
        "mean error beyond a removed wall, by ridge regression fitted inside",
        "m",
        f"{DIVERGED}, or it is measured of other kinds",
    ),
    "criterion": Meaning(
        "what the gridness of a unit exceeds: 0.37 (fixed), or 95 % of its surrogates of a kind",
        "",
    ),
    "inner_radius": Meaning("inner radius of the rings of the gridness, in bins of 32 per side"),
    "grid_like_by_radius": Meaning(
        "share of units whose gridness exceeds the criterion", "1", "it is measured of other kinds"
    ),
    "lstm_grid_like_by_radius": Meaning(
        "share of units of the LSTM before the bottleneck whose gridness exceeds 0.37",
        "1",
        "it is measured of other kinds",
    ),
    "population": Meaning("cells that are predicted: a synthetic population, or recorded ones", ""),
    "source": Meaning("what predicts them: the network's units, or a control for these", ""),
    "footing": Meaning("what sources are made equal in: nothing, units, or also dimension", ""),
    "example": Meaning("place among the cells that figures show"),
    "predictivity": Meaning(
        "median correlation of the cells' maps with their predictions in bins not fitted",
        "1",
        f"{DIVERGED}, or the source has fewer units or dimensions than the footing asks for",
    ),
    "participation_ratio": Meaning(
        "participation ratio of the source's maps",
        "1",
        f"{DIVERGED}, or fewer than two units vary",
    ),
    "cell_map": Meaning("mean rate of a cell in each bin", "Hz", "the bin was not visited"),
    "cell_kind": Meaning("kind of cell that it was made as, or recorded", ""),
    "torus_loops": Meaning(
        "lifetime of the second-longest loop, in mean distances from the centre", "1", NO_TORUS
    ),
    "torus_void": Meaning(
        "lifetime of the longest void, in mean distances from the centre", "1", NO_TORUS
    ),
    "torus_z": Meaning(
        "by how many standard deviations both exceed those of random populations", "1", NO_TORUS
    ),
    "torus_p": Meaning("larger p-value of the two, against random populations", "1", NO_TORUS),
    "shown_unit": Meaning("number of a unit with one of the network's largest scores"),
    "shown_60": Meaning("its score at 60 degrees (min_max)"),
    "shown_90": Meaning("its score at 90 degrees"),
    "agent": Meaning(
        "who predicts: the network, or an agent that remembers nodes, edges or symbols", ""
    ),
    "share": Meaning("middle of a range of shares of nodes visited, or of edges used"),
    "code": Meaning("which cells: g, or p", ""),
    "size": Meaning("nodes along an edge of the environment"),
    "node": Meaning("number of the node"),
    "peak": Meaning("place of the peak of the periodogram, the strongest first"),
    "accuracy": Meaning("share of symbols that are predicted"),
    "link_accuracy": Meaning(
        "the same at steps to a visited node by an edge that was never used", "1", NO_STEP
    ),
    "link_steps": Meaning("number of such steps"),
    "accuracy_by_nodes": Meaning("accuracy where that share of nodes was visited", "1", NO_STEP),
    "accuracy_by_edges": Meaning("accuracy where that share of edges was used", "1", NO_STEP),
    "preserved": Meaning(
        "correlation between two environments of the cells' spatial correlations",
        "1",
        "fewer than three cells have maps that are not flat",
    ),
    "node_map": Meaning("mean activity of a cell g at a node", "1", "the graph lacks the node"),
    "node_position": Meaning(
        "where a node is, in distances of neighbours", "1", "the graph lacks the node"
    ),
    "wave_number": Meaning("strongest wave number, cycles per distance of neighbours", "1", FLAT),
    "peak_count": Meaning("number of directions with a peak of at least half the strongest"),
    "peak_angle": Meaning("direction of a peak, degrees", "1", "there are fewer peaks"),
    "rotation_score": Meaning(
        "correlation of the autocorrelogram with itself, turned by the lattice's angle", "1", FLAT
    ),
    "rotation_p": Meaning(
        "share of random maps of equal power at each scale with at least this score", "1", FLAT
    ),
    "active_share": Meaning("share of cells g whose map is not flat"),
    "turning_share": Meaning(
        "share of active cells g with a rotation_p of at most 0.05", "1", "no cell is active"
    ),
    "one_wave_share": Meaning(
        "share of active cells g with a peak_count of 1, as bands have", "1", "no cell is active"
    ),
    "shown_map": Meaning("node map of a shown unit", "1", "the graph lacks the node"),
    "shown_rotation": Meaning("its rotation_score", "1", FLAT),
}
