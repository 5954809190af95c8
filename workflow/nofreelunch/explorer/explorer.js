// Which view is shown, by the address; the keys; and the search.

const VIEWS = ["overview", "network", "unit", "nothing"];
const TOO_OLD = "This browser cannot unpack the maps: open the page in one of 2023 or later.";
let turn = 0; // counts calls of `route`, so that a slow one does not overtake a later one

function linkTo(id, unit = null) {
  return `#${encodeURIComponent(id)}${unit === null ? "" : `/${unit}`}`;
}

function go(id, unit = null) {
  location.hash = linkTo(id, unit);
}

/** Id of the network and number of the unit in the address; null where there is none. */
function addressed() {
  let text = location.hash.slice(1);
  try {
    text = decodeURIComponent(text);
  } catch {
    // A stray % is kept as it is, and names no network.
  }
  const [id, unit] = text.split("/");
  if (!id && data.kind === "maps") return [networks[0].id, null];
  return [id || null, unit === undefined || unit === "" ? null : Number(unit)];
}

/** Show what the address names. When it is there, `data-shown` of the page's body is the address. */
async function route() {
  const address = location.hash;
  const mine = ++turn;
  await showAddressed(mine);
  if (mine === turn) document.body.dataset.shown = address;
}

async function showAddressed(mine) {
  const [id, unit] = addressed();
  if (id === null) {
    show("overview");
    showOverview();
    return;
  }
  const network = networks.find((one) => one.id === id);
  if (!network) return showNothing(`There is no network ${id} in this page.`);
  if (unit !== null && !(Number.isInteger(unit) && unit >= 0 && unit < (network.units ?? network.present))) {
    return showNothing(`There is no unit ${location.hash.split("/")[1]} in this network.`, network);
  }
  if (!("DecompressionStream" in window)) return showNothing(TOO_OLD, network);
  const units = network.units ? await unitsOf(network) : null;
  if (mine !== turn) return;
  state.network = id;
  if (unit === null) {
    show("network", network);
    showNetwork(network, units);
    byId("tiles").querySelector("[aria-selected=true]")?.focus({ preventScroll: !returning });
  } else if (units) {
    state.unit = unit;
    show("unit", network, unit);
    showUnit(network, units, unit);
    byId("unit-title").focus();
  } else {
    showNothing(HELD, network);
  }
  returning = false;
}

let returning = false; // from a unit to its network, whose map is then brought into view

function show(view, network = null, unit = null) {
  for (const name of VIEWS) byId(name).hidden = name !== view;
  showPath(network, unit);
  if (view !== "network" || !returning) scrollTo(0, 0);
}

function showNothing(text, network = null) {
  show("nothing", network);
  byId("nothing-text").textContent = text;
}

function showPath(network, unit) {
  const parts = [make("a", { href: "#", id: "home" }, data.title)];
  if (network && data.kind === "study") parts.push(make("a", { href: linkTo(network.id) }, describe(network)));
  if (network && unit !== null) parts.push(make("span", {}, unitName(network, unit)));
  byId("path").replaceChildren(...parts.flatMap((part, index) => (index ? [" › ", part] : [part])));
  if (data.kind === "study") byId("path").append(" · ", make("a", { href: "index.html" }, "the story"));
  document.title = parts.map((part) => part.textContent).reverse().join(" · ");
}

/** One level up: from a unit to its network, from there to all networks. */
function goUp() {
  const [id, unit] = addressed();
  returning = unit !== null;
  if (unit !== null) go(id);
  else if (data.kind === "study") location.hash = "";
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

async function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !(field && field.type !== "checkbox")) {
    event.preventDefault();
    byId("search").focus();
    byId("search").select();
  } else if (event.key === "Escape") {
    if (field) field.blur();
    else goUp();
  } else if (!field && event.key in ARROWS) {
    await onArrow(event);
  } else if (event.key === "Enter" && !event.target.closest?.("a, button, input, select, summary")) {
    if (!byId("overview").hidden && state.network) go(state.network);
    else if (!byId("network").hidden && state.unit !== null) go(state.network, state.unit);
  }
}

async function onArrow(event) {
  const [across, down] = ARROWS[event.key];
  if (!byId("overview").hidden) {
    event.preventDefault();
    moveInTable(across + down);
  } else if (!byId("network").hidden) {
    event.preventDefault();
    moveInTiles(across + down * tilesPerRow());
  } else if (!byId("unit").hidden && across) {
    event.preventDefault();
    const [id, unit] = addressed();
    const network = networks.find((one) => one.id === id);
    moveAmongUnits(network, await unitsOf(network), unit, across);
  }
}

/** Open what the text names exactly; else leave the networks that have all its words. */
function search(text) {
  const [id, unit] = text.trim().replace(/^#/, "").split("/");
  const [current] = addressed();
  const exact = networks.find((network) => network.id === id);
  const number = exact ? unit : id;
  const network = exact ?? networks.find((one) => one.id === current);
  byId("search").blur();
  if (exact && unit === undefined) return go(id);
  if (network && /^\d+$/.test(number) && Number(number) < network.units) return go(network.id, Number(number));
  if (data.kind === "maps") {
    const found = networks[0].labels.findIndex((label) => label.toLowerCase().includes(text.trim().toLowerCase()));
    return found < 0 ? showNothing(`No map is called ${text.trim()}.`) : go(networks[0].id, found);
  }
  state.text = text;
  const shown = shownNetworks();
  if (shown.length === 1) go(shown[0].id);
  else if (current === null) showOverview();
  else location.hash = "";
}

function start() {
  for (const network of networks) {
    network.surrogates ??= 0;
    network.kindNames = data.kind_names.map((name) => `p_${name}`);
  }
  const field = byId("search");
  field.placeholder = data.kind === "maps" ? "search: map" : "search: words, id or unit";
  byId("searching").addEventListener("submit", (event) => {
    event.preventDefault();
    search(field.value);
  });
  field.addEventListener("input", () => {
    if (byId("overview").hidden) return;
    state.text = field.value;
    showOverview();
  });
  if (data.kind === "study") buildFilters();
  listenToUnits();
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", route);
  route();
}

start();
