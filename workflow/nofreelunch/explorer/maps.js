// Units out of their blocks, their maps as pictures, and their autocorrelograms.
"use strict";

const KEPT = 6; // networks whose units stay unpacked

const data = JSON.parse(document.getElementById("data").textContent);
// A map's lowest rate has the shade 0, its highest `highest`.
const { highest: SHADES, unvisited: UNVISITED, unknown: UNKNOWN, thousandths: THOUSANDTHS } = data.packing;
const networks = data.networks;
const unpacked = new Map();

/** The units of a network: shades (unit, y, x), columns by name, thousandths of surrogates' scores. */
async function unitsOf(network) {
  if (!unpacked.has(network.id)) {
    if (unpacked.size >= KEPT) unpacked.delete(unpacked.keys().next().value);
    unpacked.set(network.id, await unpack(network));
  }
  return unpacked.get(network.id);
}

async function unpack(network) {
  const text = document.getElementById(`block-${networks.indexOf(network)}`).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const { units, side, columns: names, surrogates } = network;
  const shades = new Uint8Array(buffer, 0, units * side * side);
  let start = shades.length;
  const columns = {};
  for (const name of names) {
    // A slice, because its start need not be a multiple of four bytes.
    columns[name] = new Float32Array(buffer.slice(start, start + 4 * units));
    start += 4 * units;
  }
  const drawn = surrogates ? new Int16Array(buffer.slice(start)) : null;
  return { shades, columns, drawn };
}

/** Shades (y, x) of one unit, y upwards. */
function shadesOf(network, units, unit) {
  const size = network.side ** 2;
  return units.shades.subarray(unit * size, (unit + 1) * size);
}

/** A number of a unit; NaN where it has none. */
function valueOf(units, name, unit) {
  return name in units.columns ? units.columns[name][unit] : NaN;
}

/** Rates (y, x) of one unit as rows; null in unvisited bins. */
function ratesOf(network, units, unit) {
  const shades = shadesOf(network, units, unit);
  const low = valueOf(units, "lowest", unit);
  const span = valueOf(units, "highest", unit) - low;
  const rates = Array.from(shades, (s) => (s === UNVISITED ? null : low + (span * s) / SHADES));
  return rows(rates, network.side);
}

/** The scores of a unit's surrogates, one list per kind; empty where nothing could be shuffled. */
function surrogatesOf(network, units, unit) {
  if (!units.drawn) return [];
  return data.kinds.map((_, kind) => {
    const start = (unit * data.kinds.length + kind) * network.surrogates;
    const scores = units.drawn.subarray(start, start + network.surrogates);
    return Array.from(scores).filter((score) => score !== UNKNOWN).map((score) => score / THOUSANDTHS);
  });
}

function rows(values, width) {
  const made = [];
  for (let start = 0; start < values.length; start += width) made.push(values.slice(start, start + width));
  return made;
}

function hexColours(text) {
  return rows(text, 6).map((code) => `#${code}`);
}

/** Colours of a scale as the plotting library takes them. */
function colourScale(text) {
  const colours = hexColours(text).filter((_, step) => step % 16 === 0 || step === SHADES);
  return colours.map((colour, step) => [step / (colours.length - 1), colour]);
}

const palette = [...hexColours(data.colours), data.unvisited].map((colour) => {
  const code = parseInt(colour.slice(1), 16);
  return [code >> 16, (code >> 8) & 255, code & 255];
});

/** Draw shades (y, x) into a canvas, one pixel per bin, y upwards. */
function paint(canvas, shades, side) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(side, side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      picture.data.set([...palette[shades[y * side + x]], 255], 4 * ((side - 1 - y) * side + x));
    }
  }
  context.putImageData(picture, 0, 0);
}

/** Pearson correlation of a map with itself at every lag, as rows (lag y, lag x) from the lowest lags.
 *
 * Each lag has its own means and variances over the visited bins that overlap there, and is 0 where
 * these do not vary, as in scoring/autocorrelograms.py. Correlations do not depend on the scale of
 * the rates, so shades, which are whole numbers, give exact sums. */
function autocorrelogram(shades, side) {
  const width = 2 * side - 1;
  const found = new Array(width * width).fill(0);
  for (let dy = 0; dy < side; dy++) {
    for (let dx = 1 - side; dx < side; dx++) {
      const value = correlation(shades, side, dy, dx);
      found[(side - 1 + dy) * width + side - 1 + dx] = value;
      found[(side - 1 - dy) * width + side - 1 - dx] = value;
    }
  }
  return rows(found, width);
}

function correlation(shades, side, dy, dx) {
  let [count, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  const left = Math.max(0, -dx);
  const right = side - Math.max(0, dx);
  for (let y = 0; y < side - dy; y++) {
    for (let x = left; x < right; x++) {
      const here = shades[y * side + x];
      const there = shades[(y + dy) * side + x + dx];
      if (here !== UNVISITED && there !== UNVISITED) {
        count += 1;
        a += here;
        b += there;
        aa += here * here;
        bb += there * there;
        ab += here * there;
      }
    }
  }
  const scale = (count * aa - a * a) * (count * bb - b * b);
  return scale > 0 ? (count * ab - a * b) / Math.sqrt(scale) : 0;
}
