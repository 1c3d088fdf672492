// Colours of the points: palettes, and each point's index into one for an attribute's values.
//
// The categorical colours were chosen greedily for the largest least distance in OKLab, seen with
// normal, protan and deutan vision (Machado et al. 2009): the first ten stay apart for all three.
import { quantile } from "../core/stats";
import type { ColourKind } from "../types";

// biome-ignore format: a table
export const CATEGORIES: readonly string[] = [
  "#4269d0", "#efb118", "#e4572e", "#2bd1fe", "#a32c74", "#9f89a6", "#2fe5a2", "#b17eff",
  "#a24112", "#8cb180", "#15985b", "#d29ec5", "#a35d9d", "#774aa1", "#e58e17", "#4989cf",
  "#a897e3", "#816050", "#cbca73", "#7871f0", "#d86a85", "#9fcfd0", "#936577", "#568c11",
  "#7db04e", "#fa89a3", "#0d7cb6", "#5b9383", "#cd6c5d", "#519cc4",
];

/** Without and with a yes/no attribute: quiet and clear. */
export const BINARY: readonly [string, string] = ["#8f9bb3", "#e0457b"];

// biome-ignore format: a table
const VIRIDIS = [
  "#440154", "#48186a", "#472d7b", "#424086", "#3b528b", "#33638d", "#2c728e", "#26828e",
  "#21918c", "#1fa088", "#28ae80", "#3fbc73", "#5ec962", "#84d44b", "#addc30", "#d8e219", "#fde725",
];

const RAMP = 256;
const RAMP_ENDS: Record<Tone, [number, number]> = { light: [0, 0.92], dark: [0.14, 1] };

export type Tone = "light" | "dark";
export type Rgb = readonly [number, number, number];

export interface CategoryEntry {
  shade: number;
  label: string;
  colour: string;
  count: number;
}

export type Legend =
  | { kind: "none" }
  | { kind: "categories"; title: string; entries: CategoryEntry[] }
  | { kind: "ramp"; title: string; low: number; high: number; stops: string[]; missing: number };

/** How points are coloured: an index a point into a palette of packed opaque colours. */
export interface Shading {
  shade: Uint16Array;
  palette: Uint32Array;
  legend: Legend;
}

export function parseHex(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** An opaque colour as a little-endian RGBA pixel. */
export const pack = ([r, g, b]: Rgb): number => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

const cssOf = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

/** Viridis at t in [0, 1]. */
export function viridis(t: number): Rgb {
  const at = Math.min(1, Math.max(0, t)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const a = parseHex(VIRIDIS[low]);
  const b = parseHex(VIRIDIS[low + 1]);
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (at - low) * (b[i] - a[i]));
  return [mix(0), mix(1), mix(2)];
}

/** The colour of a category; beyond the table the colours come again, lighter. */
export function categoryColour(index: number): Rgb {
  const base = parseHex(CATEGORIES[index % CATEGORIES.length]);
  const round = Math.floor(index / CATEGORIES.length);
  if (round === 0) return base;
  const lift = 1 - 0.65 ** round;
  const lighter = (v: number) => Math.round(v + (255 - v) * lift);
  return [lighter(base[0]), lighter(base[1]), lighter(base[2])];
}

/** All points in one colour. */
export function shadePlain(count: number, colour: Rgb): Shading {
  return {
    shade: new Uint16Array(count),
    palette: Uint32Array.of(pack(colour)),
    legend: { kind: "none" },
  };
}

function shadeCategories(
  values: Float32Array,
  title: string,
  labels: readonly string[],
  colours: readonly Rgb[],
  missing: Rgb,
): Shading {
  const none = colours.length;
  const shade = new Uint16Array(values.length);
  const counts = new Array<number>(none + 1).fill(0);
  for (let i = 0; i < values.length; i++) {
    const v = Math.round(values[i]);
    const s = v >= 0 && v < none ? v : none; // NaN compares false
    shade[i] = s;
    counts[s] += 1;
  }
  const entries = colours.map((colour, s) => ({
    shade: s,
    label: labels[s] ?? String(s),
    colour: cssOf(colour),
    count: counts[s],
  }));
  if (counts[none] > 0)
    entries.push({ shade: none, label: "not known", colour: cssOf(missing), count: counts[none] });
  return {
    shade,
    palette: Uint32Array.from([...colours, missing].map(pack)),
    legend: { kind: "categories", title, entries },
  };
}

/** The 1st and 99th percentile of the finite values: a few outliers must not flatten the rest. */
function robustRange(values: Float32Array): [number, number] {
  const finite = values.filter(Number.isFinite).sort();
  if (finite.length === 0) return [0, 1];
  const low = quantile(finite, 0.01);
  const high = quantile(finite, 0.99);
  if (high > low) return [low, high];
  const [first, last] = [finite[0], finite[finite.length - 1]];
  return last > first ? [first, last] : [first - 0.5, first + 0.5];
}

function shadeRamp(values: Float32Array, title: string, tone: Tone, missing: Rgb): Shading {
  const [low, high] = robustRange(values);
  const [from, to] = RAMP_ENDS[tone];
  const colour = (t: number) => viridis(from + t * (to - from));
  const palette = new Uint32Array(RAMP + 1);
  for (let s = 0; s < RAMP; s++) palette[s] = pack(colour(s / (RAMP - 1)));
  palette[RAMP] = pack(missing);
  const shade = new Uint16Array(values.length);
  let unknown = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (Number.isFinite(v)) {
      const t = Math.min(1, Math.max(0, (v - low) / (high - low)));
      shade[i] = Math.round(t * (RAMP - 1));
    } else {
      shade[i] = RAMP;
      unknown += 1;
    }
  }
  const stops = Array.from({ length: 13 }, (_, i) => cssOf(colour(i / 12)));
  return { shade, palette, legend: { kind: "ramp", title, low, high, stops, missing: unknown } };
}

/** Colours points by an attribute's values (one a point; NaN or a negative category: not known). */
export function shadeBy(
  values: Float32Array,
  kind: ColourKind,
  title: string,
  labels: readonly string[],
  tone: Tone,
  missing: Rgb,
): Shading {
  if (kind === "continuous") return shadeRamp(values, title, tone, missing);
  if (kind === "binary") {
    const names = labels.length === 2 ? labels : ["no", "yes"];
    return shadeCategories(values, title, names, BINARY.map(parseHex), missing);
  }
  let count = labels.length;
  if (count === 0) for (const v of values) if (v >= count && v < 1000) count = Math.round(v) + 1;
  const colours = Array.from({ length: count }, (_, i) => categoryColour(i));
  return shadeCategories(values, title, labels, colours, missing);
}
