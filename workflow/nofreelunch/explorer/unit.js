// One unit: its map, its autocorrelogram, its surrogates and all its scores.

const SIX = [0, 1, 2, 3, 4, 5, 6]; // sixths of a turn: the lattice's nearest points, and back
// Two lines, so that a ring shows on dark and on light.
const RING = [{ color: INK, width: 3.5, dash: "dash" }, { color: "#ffffff", width: 1.5, dash: "dash" }];
const SQUARE = { height: 400, margin: { l: 52, r: 8, t: 34, b: 46 } };

function showUnit(network, units, unit) {
  const value = (name) => valueOf(units, name, unit);
  const star = value("significant") === 1 ? ` ${STAR}` : "";
  byId("unit-title").textContent = `${unitName(network, unit)} · grid score ${fixed(value("score_60"), 2)}${star}`;
  const order = shownUnits(network, units);
  const at = order.indexOf(unit);
  const sort = state.sort in SORTS ? SORTS[state.sort][0] : "number";
  byId("unit-place").textContent = at < 0 ? "" : `${at + 1} of ${order.length} by ${sort}`;
  byId("previous").disabled = at <= 0;
  byId("next").disabled = at < 0 || at === order.length - 1;
  byId("previous").onclick = () => moveAmongUnits(network, units, unit, -1);
  byId("next").onclick = () => moveAmongUnits(network, units, unit, 1);
  drawMap(network, units, unit);
  drawCorrelations(network, units, unit, value);
  drawSurrogates(network, units, unit, value);
  fillScores(network, value);
}

function moveAmongUnits(network, units, unit, steps) {
  const order = shownUnits(network, units);
  const next = order[order.indexOf(unit) + steps];
  if (order.includes(unit) && next !== undefined) go(network.id, next);
}

/** Axes in m, equally long. */
function boxLayout(name) {
  const title = (axis) => ({ text: `${name}${axis} (m)` });
  return {
    ...LAYOUT,
    ...SQUARE,
    showlegend: false,
    xaxis: { ...AXIS, title: title("x"), constrain: "domain" },
    yaxis: { ...AXIS, title: title("y"), scaleanchor: "x", constrain: "domain" },
  };
}

/** Middles of so many bins, in m, around 0. */
function middles(count) {
  return Array.from({ length: count }, (_, bin) => (bin - (count - 1) / 2) * data.bin_size);
}

function drawMap(network, units, unit) {
  const along = middles(network.side);
  const heat = {
    type: "heatmap",
    x: along,
    y: along,
    z: ratesOf(network, units, unit),
    colorscale: colourScale(data.colours),
    hoverongaps: false,
    hovertemplate: "x %{x:.2f} m, y %{y:.2f} m<br>rate %{z:.3g}<extra></extra>",
    colorbar: { title: { text: "rate", side: "right" }, thickness: 12, outlinewidth: 0 },
  };
  Plotly.react(byId("map"), [heat], { ...boxLayout(""), plot_bgcolor: data.unvisited }, CONFIG);
  const rate =
    data.kind === "maps"
      ? "The rate is in the unit of the file."
      : "The rate is the unit's mean activity in a bin, which has no unit.";
  const width = fixed(100 * data.bin_size, 1);
  byId("map-caption").textContent = `${rate} Bins are ${width} cm wide; grey ones were not visited.`;
}

function drawCorrelations(network, units, unit, value) {
  const lags = middles(2 * network.side - 1);
  const heat = {
    type: "heatmap",
    x: lags,
    y: lags,
    z: autocorrelogram(shadesOf(network, units, unit), network.side),
    zmin: -1,
    zmax: 1,
    colorscale: colourScale(data.signed_colours),
    hovertemplate: "lag x %{x:.2f} m, y %{y:.2f} m<br>correlation %{z:.2f}<extra></extra>",
    colorbar: { title: { text: "correlation", side: "right" }, thickness: 12, outlinewidth: 0 },
  };
  const side = network.side * data.bin_size;
  const radii = Number.isFinite(value("ring_60")) ? [data.inner_radius, value("ring_60")] : [];
  const shapes = radii.flatMap((radius) => RING.map((line) => circle(radius * side, line)));
  Plotly.react(byId("correlations"), [heat, ...lattice(value)], { ...boxLayout("lag "), shapes }, CONFIG);
  byId("correlations-caption").textContent = correlationsCaption(value, radii.length > 0);
}

function circle(radius, line) {
  return { type: "circle", x0: -radius, x1: radius, y0: -radius, y1: radius, line };
}

/**
 * The six nearest points of the measured lattice, in two lines so that they show on any colour. None
 * for a unit that is not significant, because chance gives such lattices, too.
 */
function lattice(value) {
  const [period, orientation] = [value("period"), (value("orientation") * Math.PI) / 180];
  if (!Number.isFinite(period) || value("significant") === 0) return [];
  const angles = SIX.map((sixth) => orientation + (sixth * Math.PI) / 3);
  const points = {
    type: "scatter",
    mode: "lines+markers",
    x: angles.map((angle) => period * Math.cos(angle)),
    y: angles.map((angle) => period * Math.sin(angle)),
    hoverinfo: "skip",
  };
  return [
    { ...points, line: { color: "#ffffff", width: 4 }, marker: { color: "#ffffff", size: 10 } },
    { ...points, line: { color: "#D55E00", width: 2 }, marker: { color: "#D55E00", size: 7 } },
  ];
}

function correlationsCaption(value, ring) {
  const parts = [];
  if (ring) parts.push("Dashed: the ring on which the grid score is highest.");
  if (Number.isFinite(value("period"))) {
    const measured = `${fixed(value("period"), 2)} m at ${fixed(value("orientation"), 0)}°`;
    parts.push(
      value("significant") === 0
        ? `Not drawn: a lattice of ${measured}. The unit is not significant, and chance gives such lattices, too.`
        : `Hexagon: the measured lattice, ${measured}.`,
    );
  } else {
    parts.push(`No lattice was measured (${lookUp("lattice_reason", value)}).`);
  }
  return parts.join(" ");
}

function drawSurrogates(network, units, unit, value) {
  const lists = surrogatesOf(network, units, unit);
  const known = lists.map((scores, kind) => [scores, data.kinds[kind]]).filter(([scores]) => scores.length);
  const plot = byId("surrogates");
  plot.hidden = !known.length;
  byId("surrogates-caption").textContent = surrogatesCaption(network, value, lists);
  if (!known.length) return;
  const dots = known.map(([scores, name], row) => ({
    type: "scatter",
    mode: "markers",
    name,
    x: scores,
    y: scores.map((_, index) => row + 0.44 * (((index * 7) % 11) / 10 - 0.5)), // spread, so that none is hidden
    marker: { color: GREY, size: 8, symbol: row ? "diamond-open" : "circle-open", line: { width: 1.5 } },
    hovertemplate: `${name}: %{x:.2f}<extra></extra>`,
  }));
  const own = value("score_60");
  const limit = value("null_95");
  const top = known.length - 0.5;
  const layout = {
    ...LAYOUT,
    ...SQUARE,
    margin: { l: 74, r: 14, t: 70, b: 46 },
    showlegend: false,
    xaxis: { ...AXIS, title: { text: "grid score" } },
    yaxis: {
      ...AXIS,
      ticks: "",
      range: [-0.6, top + 0.1],
      tickvals: known.map((_, row) => row),
      ticktext: known.map(([, name]) => name.replace(" ", "<br>")),
    },
    shapes: [
      vertical(own, INK, 3, "solid"),
      ...(Number.isFinite(limit) ? [vertical(limit, GREY, 1.5, "dash")] : []),
    ],
    annotations: [
      above(own, `this unit ${fixed(own, 2)}`, INK, 15),
      ...(Number.isFinite(limit) ? [above(limit, `95th percentile of chance ${fixed(limit, 2)}`, GREY, 0)] : []),
    ],
  };
  Plotly.react(plot, dots, layout, CONFIG);
}

function vertical(x, color, width, dash) {
  return { type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, line: { color, width, dash } };
}

function above(x, text, color, yshift) {
  const place = { x, y: 1, yref: "paper", yanchor: "bottom", xanchor: "right", xshift: 30, yshift };
  return { ...place, text, showarrow: false, font: { color, size: 12 } };
}

function surrogatesCaption(network, value, lists) {
  if (!data.tested) return "No surrogates were scored, so chance is not known.";
  if (!Number.isFinite(value("p_value"))) return "The unit was not tested.";
  const missing = data.kinds.filter((_, kind) => !lists[kind].length);
  const without = missing.map(
    (name) => ` There are none of ${name}, as the map has fewer than two fields; that p-value is 1.`,
  );
  const each = data.kinds.map((name, kind) => `${name} ${pText(value(network.kindNames[kind]))}`).join(", ");
  return (
    `Scores of the first ${network.surrogates} surrogates of each kind; p-values rest on up to ` +
    `${data.tested.toLocaleString("en")}: ${each}.${without.join("")}`
  );
}

function lookUp(name, value) {
  const column = data.columns.find((one) => one.name === name);
  return columnText(column, value(name)).replaceAll("_", " ");
}

function fillScores(network, value) {
  const shown = data.columns.filter((column) => network.columns.includes(column.name));
  byId("scores").tBodies[0].replaceChildren(
    ...shown.map((column) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, column.label),
        make("td", { class: "number" }, columnText(column, value(column.name))),
        make("td", {}, column.meaning),
      ),
    ),
  );
}
