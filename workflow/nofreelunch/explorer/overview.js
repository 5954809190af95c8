// All networks: as dots, their error against what became of their units, and as a table.

const INK = "#222222";
const GREY = "#767676";
const LEVEL = data.level; // p-value at or below which a single unit passes
const MANY_DOTS = 1500; // which would be slow as single shapes
const MOST_ROWS = 400; // of the table
// One per target, so that targets differ without their colours.
const SYMBOLS = [
  ...["circle", "square", "diamond", "triangle-up", "cross"],
  ...["x", "triangle-down", "star", "pentagon", "hexagram"],
];
const BUTTONS = ["toImage", "zoom2d", "pan2d", "resetScale2d"];
const CONFIG = { displaylogo: false, responsive: true, modeBarButtons: [BUTTONS] };
const TOUCH = matchMedia("(pointer: coarse)").matches;
const LAYOUT = {
  font: { family: "system-ui, sans-serif", size: 13, color: INK },
  margin: { l: 60, r: 12, t: 34, b: 48 }, // the buttons of a plot are above it
  dragmode: TOUCH ? false : "zoom", // a finger scrolls the page
  paper_bgcolor: "#ffffff",
  plot_bgcolor: "#ffffff",
  hoverlabel: { align: "left" },
};
const AXIS = { linecolor: INK, ticks: "outside", showgrid: false, zeroline: false };

const LENGTHS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200]; // cm, on logarithmic axes
const CENTIMETRES = { ...AXIS, type: "log", tickvals: LENGTHS, ticktext: LENGTHS.map(String) };
const PLOT_HEIGHT = 360;
const ENTRY = { width: 165, height: 19 }; // of the legend, in pixels

// Label of the axis, and what the list says.
const MEASURES = {
  share: () => ["grid-like units (%)", `grid-like units: grid score above ${data.threshold}`],
  small_p: () => [`units with p ≤ ${LEVEL} (%)`, `active units with p ≤ ${LEVEL}`],
  grid_fraction: () => ["significant units (%)", "significant active units"],
};

// Key, heading, value of a network, text of that value.
const TABLE = [
  ["target", "target", (n) => targetName(n), (v) => v],
  ["cell", "cell", (n) => n.spec.cell, (v) => v],
  ["activation", "activation", (n) => n.spec.activation, (v) => v],
  ["sigma", "σ (m)", (n) => n.sigma, (v) => v],
  ["seed", "seed", (n) => n.spec.seed, (v) => String(v)],
  ["error", "error (cm)", (n) => errorOf(n), (v) => fixed(100 * (v ?? NaN), 1)],
  ["share", "grid-like (%)", (n) => n.share, (v) => fixed(100 * (v ?? NaN), 1)],
  ["chance", "chance (%)", (n) => n.chance, (v) => fixed(100 * (v ?? NaN), 1)],
  ["small_p", `p ≤ ${LEVEL} (%)`, (n) => n.small_p, (v) => fixed(100 * (v ?? NaN), 1)],
  ["significant", STAR, (n) => n.significant, (v) => String(v)],
  ["max_score", "best score", (n) => n.max_score, (v) => fixed(v, 2)],
];

const HIGH_FIRST = ["share", "chance", "small_p", "significant", "max_score"];

/** Position error (m) at the horizon that the study judges by; null where it is not known. */
function errorOf(network) {
  return network.diverged ? null : network.errors[data.horizon];
}

function showOverview() {
  const shown = shownNetworks();
  const dots = shown.filter((network) => errorOf(network) !== null && network[state.measure] !== null);
  const undrawn = shown.length - dots.length;
  byId("count").textContent =
    `${shown.length.toLocaleString("en")} of ${networks.length.toLocaleString("en")} networks` +
    (undrawn ? `, ${undrawn.toLocaleString("en")} of them without a dot` : "") +
    (shown.length > MOST_ROWS ? `; the table has the first ${MOST_ROWS}` : "");
  drawDots(dots);
  fillTable(shown.slice(0, MOST_ROWS));
  select(shown.some((network) => network.id === state.network) ? state.network : shown[0]?.id ?? null);
}

function drawDots(dots) {
  const plot = byId("dots");
  const drawn = traces(dots);
  const layout = {
    ...LAYOUT,
    ...legendBelow(plot.clientWidth, drawn.length),
    hovermode: "closest",
    xaxis: { ...CENTIMETRES, title: { text: `position error at ${data.horizons[data.horizon]} steps (cm)` } },
    yaxis: { ...AXIS, title: { text: MEASURES[state.measure]()[0] }, range: heights(dots) },
    shapes: [vertical(100 * data.criterion, GREY, 1, "dot")],
    annotations: dots.length
      ? [criterionNote()]
      : [{ text: emptiness(), showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
  };
  Plotly.react(plot, drawn, layout, CONFIG);
  plot.removeAllListeners("plotly_click");
  plot.removeAllListeners("plotly_afterplot");
  plot.on("plotly_click", (event) => go(event.points[0].customdata));
  plot.on("plotly_afterplot", ringSelected); // also after a zoom
  byId("dots-caption").textContent = chanceCaption();
}

/** Place for a legend below the axis, in as many columns as fit the width. */
function legendBelow(width, entries) {
  const columns = Math.max(1, Math.floor((width - LAYOUT.margin.l) / ENTRY.width));
  const below = LAYOUT.margin.b + 26 + ENTRY.height * Math.ceil(entries / columns);
  return {
    height: LAYOUT.margin.t + PLOT_HEIGHT + below,
    margin: { ...LAYOUT.margin, b: below },
    showlegend: true,
    legend: {
      orientation: "h",
      x: 0,
      y: -(LAYOUT.margin.b + 16) / PLOT_HEIGHT,
      yanchor: "top",
      font: { size: 12 },
      entrywidth: ENTRY.width - 45,
    },
  };
}

function criterionNote() {
  const centimetres = 100 * data.criterion;
  return {
    x: Math.log10(centimetres),
    y: 1,
    yref: "paper",
    text: `error criterion, ${fixed(centimetres, 0)} cm`,
    showarrow: false,
    xanchor: "left",
    yanchor: "top",
    xshift: 3,
    font: { size: 11, color: GREY },
  };
}

/** Range of the vertical axis: from just below 0 to above all dots and chance. */
function heights(dots) {
  const values = dots.flatMap((network) => [network[state.measure], state.measure === "share" ? network.chance : 0]);
  if (state.measure === "small_p") values.push(data.level_chance);
  const top = Math.min(1, Math.max(0.05, 1.08 * Math.max(0, ...values)));
  return [-3 * top, 103 * top];
}

function emptiness() {
  if (networks.every((network) => network.diverged)) return "All networks diverged: there is nothing to draw.";
  return "No network passes the filters with an error and a share that are known.";
}

/** Kind of the traces: many dots are drawn by the graphics card, where the browser can use it. */
function traceType(dots) {
  const many = dots.length > MANY_DOTS && document.createElement("canvas").getContext("webgl");
  return many ? "scattergl" : "scatter";
}

function traces(dots) {
  const names = Object.keys(data.targets);
  const type = traceType(dots);
  const made = chanceTraces(dots, type);
  names.forEach((target, index) => {
    const own = dots.filter((network) => network.spec.target === target);
    if (!own.length) return;
    made.push({
      type,
      mode: "markers",
      name: data.targets[target].name,
      marker: {
        color: data.targets[target].colour,
        symbol: SYMBOLS[index % SYMBOLS.length],
        size: dots.length > MANY_DOTS ? 5 : 9,
        opacity: 0.85,
        line: { color: "#ffffff", width: 0.7 },
      },
      ...placed(own, (network) => network[state.measure]),
    });
  });
  return made;
}

function placed(shown, height) {
  return {
    x: shown.map((network) => 100 * errorOf(network)),
    y: shown.map((network) => 100 * height(network)),
    customdata: shown.map((network) => network.id),
    text: shown.map(hoverText),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function hoverText(network) {
  const lines = [
    describe(network),
    `error ${fixed(100 * errorOf(network), 1)} cm`,
    `grid-like ${percent(network.share)}, by chance ${percent(network.chance)}`,
    `${network.significant} of ${network.active} active units significant`,
  ];
  return lines.map(escaped).join("<br>");
}

/** The plotting library reads some markup in labels. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function chanceTraces(dots, type) {
  const look = { type, name: "chance", hoverinfo: "skip" };
  if (state.measure === "share") {
    const known = dots.filter((network) => network.chance !== null);
    if (!known.length) return [];
    const marker = { symbol: "line-ew-open", size: 11, color: GREY, line: { width: 1.5 } };
    return [{ ...look, mode: "markers", marker, ...placed(known, (network) => network.chance) }];
  }
  if (state.measure === "small_p" && data.level_chance !== null && dots.length) {
    const errors = dots.map((network) => 100 * errorOf(network));
    const ends = [Math.min(...errors, 100 * data.criterion), Math.max(...errors, 100 * data.criterion)];
    const level = 100 * data.level_chance;
    return [{ ...look, mode: "lines", x: ends, y: [level, level], line: { color: INK, width: 1.5 } }];
  }
  return [];
}

function chanceCaption() {
  if (!data.tested) return "Chance is not known, as no surrogates were scored.";
  if (state.measure === "share") {
    return (
      "A dash is chance: the share of the network's surrogates that score as high, of the kind that is harder to " +
      "beat. A score by itself is no evidence."
    );
  }
  if (state.measure === "small_p") {
    return `The line is chance: at most ${percent(data.level_chance)} of units without a lattice have such a p-value.`;
  }
  return "Significant units pass a correction for all active units of the network; by chance there are hardly any.";
}

function fillTable(shown) {
  const table = byId("table");
  const headings = TABLE.map(([name, heading]) => {
    const [current, direction] = state.order;
    const sorting = name === current ? (direction < 0 ? "descending" : "ascending") : "none";
    const button = make("button", { type: "button", onclick: () => orderBy(name) }, heading);
    return make("th", { scope: "col", "aria-sort": sorting }, button);
  });
  table.tHead.replaceChildren(make("tr", {}, ...headings));
  table.tBodies[0].replaceChildren(
    ...shown.map((network) => {
      const cells = TABLE.map(([name, , value, text]) => cell(network, name, text(value(network))));
      return make("tr", { "data-id": network.id, onclick: () => go(network.id) }, ...cells);
    }),
  );
}

function cell(network, name, text) {
  if (name !== "target") return make("td", {}, name === "error" && network.diverged ? "diverged" : text);
  return make("td", {}, make("a", { href: linkTo(network.id), onclick: (event) => event.stopPropagation() }, text));
}

function orderBy(name) {
  const descending = state.order[0] === name ? -state.order[1] : HIGH_FIRST.includes(name) ? -1 : 1;
  state.order = [name, descending];
  showOverview();
}

/** Mark a network in the table and among the dots. */
function select(id) {
  state.network = id;
  for (const row of byId("table").tBodies[0].rows) {
    const chosen = row.dataset.id === id;
    row.setAttribute("aria-selected", chosen);
    if (chosen) scrollWithin(row);
  }
  ringSelected();
}

/** Put the ring around the dot of the selected network: an element of its own, so that it is quick. */
function ringSelected() {
  const { _size: size, xaxis, yaxis } = byId("dots")._fullLayout;
  const network = networks.find((one) => one.id === state.network);
  const drawn = network && errorOf(network) !== null && network[state.measure] !== null;
  const across = drawn ? xaxis.d2p(100 * errorOf(network)) : -1;
  const down = drawn ? yaxis.d2p(100 * network[state.measure]) : -1;
  const ring = byId("ring");
  ring.hidden = !(across >= 0 && across <= size.w && down >= 0 && down <= size.h);
  ring.style.left = `${size.l + across}px`;
  ring.style.top = `${size.t + down}px`;
}

/** Bring a row into view in its table, without moving the page. */
function scrollWithin(row) {
  const box = row.closest(".scrolling");
  const head = byId("table").tHead.offsetHeight;
  if (row.offsetTop - head < box.scrollTop) box.scrollTop = row.offsetTop - head;
  const below = row.offsetTop + row.offsetHeight - box.clientHeight;
  if (below > box.scrollTop) box.scrollTop = below;
}

/** Select the network so many rows further down. */
function moveInTable(steps) {
  const tableRows = [...byId("table").tBodies[0].rows];
  if (!tableRows.length) return;
  const at = tableRows.findIndex((row) => row.dataset.id === state.network);
  select(tableRows[Math.min(Math.max(at + steps, 0), tableRows.length - 1)].dataset.id);
}

function buildFilters() {
  const selects = Object.entries(FACETS).map(([key, [label, of]]) => {
    const values = sorted([...new Set(networks.flatMap(of))], (value) => value, 1);
    const select = make("select", { id: `filter-${key}`, onchange: (event) => filterBy(key, event.target.value) });
    setOptions(select, [["", "all"], ...values.map((value) => [value, value])], "");
    return make("label", {}, `${label} `, select);
  });
  const onchange = (event) => setSignificant(event.target.checked);
  const significant = make("input", { type: "checkbox", id: "filter-significant", onchange });
  const clear = make("button", { type: "button", id: "clear", onclick: clearFilters }, "clear");
  byId("filters").append(...selects, make("label", {}, significant, " with significant units"), clear);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  const measures = Object.entries(MEASURES).map(([key, label]) => [key, label()[1]]);
  setOptions(byId("measure"), data.tested ? measures : measures.slice(0, 1), state.measure);
  byId("measure").addEventListener("change", (event) => {
    state.measure = event.target.value;
    showOverview();
  });
  byId("notes").append(...data.notes.map((text) => make("p", { class: "note" }, text)));
}

function filterBy(key, value) {
  state.facets[key] = value;
  showOverview();
}

function setSignificant(only) {
  state.significant = only;
  route();
}

function clearFilters() {
  state.facets = {};
  state.significant = false;
  state.text = byId("search").value = "";
  for (const field of byId("filters").querySelectorAll("select")) field.value = "";
  byId("filter-significant").checked = false;
  showOverview();
}
