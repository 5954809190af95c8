// One network: its configuration, errors and learning curve, and all its units as maps.

const HELD = "No units of this network are in this page.";

/** Show a network; `units` is null where the page does not hold them. */
function showNetwork(network, units) {
  byId("network-title").textContent = describe(network);
  byId("network-facts").hidden = data.kind === "maps";
  byId("network-note").textContent = data.kind === "maps" ? data.notes.join(" ") : "";
  if (data.kind === "study") {
    byId("network-note").textContent = units ? "" : HELD;
    showMeasures(network);
    showSpec(network);
    drawCurve(network);
  }
  byId("tiles").replaceChildren();
  byId("unit-count").textContent = "";
  if (units) showUnits(network, units);
}

function showMeasures(network) {
  const { errors, active, present, significant } = network;
  const facts = data.horizons.map((horizon, index) => [
    `Position error, ${horizon} steps`,
    network.diverged ? "diverged" : `${fixed(100 * (errors[index] ?? NaN), 1)} cm`,
  ]);
  facts.push(
    ["… of a ridge regression", `${fixed(100 * (network.ridge_error ?? NaN), 1)} cm`],
    [`Units above ${data.threshold}`, `${percent(network.share)} (chance ${percent(network.chance)})`],
    [`Active units, p ≤ ${LEVEL}`, `${percent(network.small_p)} (chance ${percent(data.level_chance)})`],
    ["Significant ★", `${significant} of ${active} active units`],
    ["Inactive", `${present - active} of ${present} units`],
    ["Best grid score", fixed(network.max_score, 2)],
  );
  fillList(byId("measures"), facts);
}

function showSpec(network) {
  const sweeps = FACETS.sweep[1](network).join(", ");
  const facts = Object.entries(network.spec).map(([key, value]) => [key.replaceAll("_", " "), asText(value)]);
  const named = [["sweeps", sweeps], ["id", network.id], ["file", `${network.cohort}.nc`], ...facts];
  const pairs = named.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  byId("spec").replaceChildren(...pairs);
}

function fillList(list, facts) {
  list.replaceChildren(...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function drawCurve(network) {
  const plot = byId("curve");
  plot.hidden = !network.curve;
  byId("curve-caption").textContent = network.curve
    ? "Learning curve: position error on training walks (solid, left) and loss (dotted, right)."
    : "The learning curve is not in this page.";
  if (!network.curve) return;
  const { step, loss, position_error: error } = network.curve;
  const centimetres = error.map((value) => (value === null ? null : 100 * value));
  const lines = [
    { x: step, y: centimetres, name: "position error", line: { color: INK, width: 2 } },
    { x: step, y: loss, name: "loss", yaxis: "y2", line: { color: GREY, width: 1.5, dash: "dot" } },
  ];
  const layout = {
    ...LAYOUT,
    height: 270,
    showlegend: false,
    margin: { ...LAYOUT.margin, r: 60 },
    xaxis: { ...AXIS, title: { text: "training step" }, rangemode: "tozero" },
    yaxis: { ...CENTIMETRES, title: { text: "position error (cm)" } },
    yaxis2: { ...AXIS, overlaying: "y", side: "right", tickmode: "auto", nticks: 5, title: { text: "loss" } },
  };
  Plotly.react(plot, lines, layout, CONFIG);
}

function showUnits(network, units) {
  const options = Object.entries(SORTS).filter(([name]) => name in units.columns);
  setOptions(byId("sort"), [...options.map(([name, [label]]) => [name, label]), [BY_NUMBER, "number"]], state.sort);
  byId("unit-significant").checked = state.significant;
  byId("unit-significant").disabled = !("significant" in units.columns);
  const shown = shownUnits(network, units);
  byId("unit-count").textContent = shown.length
    ? `${shown.length.toLocaleString("en")} of ${network.units.toLocaleString("en")} units`
    : "No unit of this network is significant.";
  if (!shown.includes(state.unit)) state.unit = shown[0] ?? null;
  byId("tiles").replaceChildren(...shown.map((unit) => tile(network, units, unit)));
  paintWhenSeen(network, units);
}

function tile(network, units, unit) {
  const score = fixed(valueOf(units, "score_60", unit), 2);
  const star = valueOf(units, "significant", unit) === 1 ? ` ${STAR}` : "";
  const chosen = unit === state.unit;
  const label = `${unitName(network, unit)}, grid score ${score}${star && ", significant"}`;
  const looks = { type: "button", class: "tile", role: "option", "aria-label": label, title: label };
  const marks = { "data-unit": unit, "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 };
  return make(
    "button",
    { ...looks, ...marks, onclick: () => go(network.id, unit) },
    make("canvas", { width: 1, height: 1 }),
    make("span", { class: "score" }, score + star),
    make("span", { class: "second" }, second(network, units, unit)),
  );
}

/** What stands below the score: the key of the order, or else the p-value. */
function second(network, units, unit) {
  if (state.sort === BY_NUMBER) return unitName(network, unit);
  const activity = valueOf(units, "activity", unit);
  if (activity > 0) return data.columns.find((column) => column.name === "activity").words[activity];
  const value = valueOf(units, state.sort, unit);
  if (state.sort === "period") return Number.isFinite(value) ? `${fixed(value, 2)} m` : "no lattice";
  if (state.sort === "stability") return `r ${fixed(value, 2)}`;
  if (state.sort === "spatial_information") return `${fixed(value, 2)} bits`;
  const p = valueOf(units, "p_value", unit);
  return Number.isFinite(p) ? `p ${pText(p)}` : "";
}

/** Draw the maps as they come into view: a network may have thousands. */
function paintWhenSeen(network, units) {
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        watcher.unobserve(target);
        const shades = shadesOf(network, units, Number(target.dataset.unit));
        paint(target.querySelector("canvas"), shades, network.side);
      }
    },
    { rootMargin: "400px" },
  );
  for (const one of byId("tiles").children) watcher.observe(one);
}

/** Select the unit so many maps further; `focus` brings it into view. */
function moveInTiles(steps) {
  const tiles = [...byId("tiles").children];
  if (!tiles.length) return;
  const at = tiles.findIndex((one) => Number(one.dataset.unit) === state.unit);
  selectTile(tiles[Math.min(Math.max(at + steps, 0), tiles.length - 1)]);
}

function selectTile(chosen) {
  for (const one of byId("tiles").children) {
    one.setAttribute("aria-selected", String(one === chosen));
    one.tabIndex = one === chosen ? 0 : -1;
  }
  state.unit = Number(chosen.dataset.unit);
  chosen.focus();
}

/** Number of maps in a row. */
function tilesPerRow() {
  const tiles = [...byId("tiles").children];
  const below = tiles.findIndex((one) => one.offsetTop > tiles[0].offsetTop);
  return below < 0 ? Math.max(1, tiles.length) : below;
}

function listenToUnits() {
  byId("sort").addEventListener("change", (event) => {
    state.sort = event.target.value;
    route();
  });
  byId("unit-significant").addEventListener("change", (event) => {
    if (data.kind === "study") byId("filter-significant").checked = event.target.checked;
    setSignificant(event.target.checked);
  });
}
