// What is shown: filters, search and order; and small helpers to build the page.

const STAR = "★";
const SORTS = {
  score_60: ["grid score", -1],
  p_value: ["p-value", 1],
  period: ["period", 1],
  stability: ["stability", -1],
  spatial_information: ["spatial information", -1],
};
const BY_NUMBER = "number";

const FACETS = {
  sweep: ["sweep", (network) => network.sweeps.map((index) => data.sweeps[index])],
  target: ["target", (network) => [targetName(network)]],
  cell: ["cell", (network) => [network.spec.cell]],
  activation: ["activation", (network) => [network.spec.activation]],
  sigma: ["σ (m)", (network) => [network.sigma]],
  seed: ["seed", (network) => [String(network.spec.seed)]],
};

const state = {
  facets: {}, // key of FACETS -> the only value that is shown
  significant: false, // networks with significant units, and these units
  text: "", // words that a network has to have
  measure: "share",
  sort: "score_60",
  order: ["max_score", -1], // of the table
  network: null, // selected in the overview
  unit: null, // selected in the network
};

function targetName(network) {
  return data.targets[network.spec.target].name;
}

/** A network in words. */
function describe(network) {
  if (data.kind === "maps") return data.title;
  const { cell, activation, seed, arena, periodic } = network.spec;
  const width = network.sigma === "none" ? "" : ` · σ ${network.sigma} m`;
  const side = arena ? ` · arena ${arena} m` : "";
  const space = `${side}${periodic ? " · periodic arena" : ""}`;
  return `${targetName(network)} · ${cell} · ${activation}${width}${space} · seed ${seed}`;
}

/** Names of units: their numbers, or what the file of the maps calls them. */
function unitName(network, unit) {
  return network.labels ? network.labels[unit] : `unit ${unit}`;
}

/** All that the search looks through. */
function searchText(network) {
  if (!network.searchText) {
    const spec = Object.entries(network.spec).map(([key, value]) => `${key}=${asText(value)}`);
    const words = [network.id, describe(network), `σ=${network.sigma}`, ...spec, ...FACETS.sweep[1](network)];
    network.searchText = words.join(" ").toLowerCase();
  }
  return network.searchText;
}

/** Networks that pass filters and search, in the order of the table. */
function shownNetworks() {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = Object.entries(state.facets).filter(([, value]) => value !== "");
  const shown = networks.filter(
    (network) =>
      chosen.every(([key, value]) => FACETS[key][1](network).includes(value)) &&
      (!state.significant || network.significant > 0) &&
      words.every((word) => searchText(network).includes(word)),
  );
  const [name, direction] = state.order;
  const key = TABLE.find((column) => column[0] === name)[2];
  return sorted(shown, key, direction);
}

/** Numbers of the units that are shown, in order. */
function shownUnits(network, units) {
  const all = Array.from({ length: network.units }, (_, unit) => unit);
  const kept = state.significant ? all.filter((unit) => valueOf(units, "significant", unit) === 1) : all;
  if (state.sort === BY_NUMBER || !(state.sort in units.columns)) return kept;
  const byScore = sorted(kept, (unit) => valueOf(units, "score_60", unit), -1);
  return sorted(byScore, (unit) => valueOf(units, state.sort, unit), SORTS[state.sort][1]);
}

/** Sorted by a key; what has none comes last, and equals keep their order. */
function sorted(items, key, direction) {
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  return items
    .map((item) => [key(item), item])
    .sort(([a], [b]) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      return direction * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    })
    .map(([, item]) => item);
}

/** An element with attributes and children; strings become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

function setOptions(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, label]) => make("option", { value, selected: value === chosen }, label)),
  );
}

/** A number with so many decimals, with a proper minus sign; a dash where there is none. */
function fixed(value, digits) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−");
}

function percent(share, digits = 1) {
  return share === null ? "–" : `${fixed(100 * share, digits)} %`;
}

function pText(value) {
  if (!Number.isFinite(value)) return "–";
  return value < 0.001 ? "< 0.001" : fixed(value, value < 0.1 ? 3 : 2);
}

/** A value of a configuration as text: {"poisson": 3} becomes "poisson 3". */
function asText(value) {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.map(asText).join("–");
  if (typeof value === "object") {
    return Object.entries(value).map(([key, inner]) => `${key.replaceAll("_", " ")} ${asText(inner)}`).join(", ");
  }
  return String(value).replaceAll("_", " ");
}

/** A value of a unit's column as text. */
function columnText(column, value) {
  if (!Number.isFinite(value)) return "–";
  if (column.words.length) return column.words[value];
  if (column.name.startsWith("p_")) return pText(value);
  return `${fixed(value, column.digits)}${column.unit ? ` ${column.unit}` : ""}`.replace(" °", "°");
}
