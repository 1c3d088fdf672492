// Grids of discrete codes: as a text, painted on, swapped, and told apart. No screen, no socket.

/** Rows and columns of a level. */
export interface GridShape {
  rows: number;
  columns: number;
}

/** The codes of each level, row by row, coarsest level first. */
export type Grids = readonly Uint16Array[];

/** Where a place's code comes from on the way from A to B. */
export const ORIGINS = ["both", "a", "b", "neither"] as const;
export type Origin = (typeof ORIGINS)[number];

export const BRUSHES = [1, 2, 3] as const;
export type Brush = (typeof BRUSHES)[number];

const SHARE_DECIMALS = 1e3;

const places = ({ rows, columns }: GridShape): number => rows * columns;

/** Codes as base64 for addresses, two bytes a place, as Python writes them. */
export function encode(grids: Grids): string {
  let bytes = "";
  for (const grid of grids)
    for (const code of grid) bytes += String.fromCharCode(code & 255, code >> 8);
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads codes; null for a text that does not fit the levels. */
export function decode(text: unknown, levels: readonly GridShape[]): Grids | null {
  if (typeof text !== "string") return null;
  let bytes: string;
  try {
    bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
  const total = levels.reduce((sum, level) => sum + places(level), 0);
  if (bytes.length !== 2 * total) return null;
  let at = 0;
  return levels.map((level) => {
    const grid = new Uint16Array(places(level));
    for (let i = 0; i < grid.length; i++, at += 2)
      grid[i] = bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8);
    return grid;
  });
}

export const sameGrids = (a: Grids, b: Grids): boolean =>
  a.length === b.length &&
  a.every(
    (grid, level) =>
      grid.length === b[level].length && grid.every((code, i) => code === b[level][i]),
  );

/** The places under a square brush at (x, y), in cells from the grid's top left; those outside are left out. */
export function brushed({ rows, columns }: GridShape, x: number, y: number, size: Brush): number[] {
  const first = (at: number) => Math.round(at - size / 2);
  const found: number[] = [];
  for (let row = first(y); row < first(y) + size; row++)
    for (let column = first(x); column < first(x) + size; column++)
      if (row >= 0 && row < rows && column >= 0 && column < columns)
        found.push(row * columns + column);
  return found;
}

/** Points from one to another at most half a cell apart, without the first, so that a fast hand skips no cell. */
export function stroke(
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
): [number, number][] {
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
  return Array.from({ length: steps }, (_, i) => {
    const t = (i + 1) / steps;
    return [x0 + t * (x1 - x0), y0 + t * (y1 - y0)];
  });
}

/** The grids with some places of a level painted: by one code, or by what others have there. */
export function painted(
  grids: Grids,
  level: number,
  cells: Iterable<number>,
  ink: number | Grids,
): Grids {
  const grid = grids[level].slice();
  for (const cell of cells) grid[cell] = typeof ink === "number" ? ink : ink[level][cell];
  return grids.map((each, i) => (i === level ? grid : each));
}

/** The grids with one level of others. */
export const swapped = (grids: Grids, others: Grids, level: number): Grids =>
  grids.map((each, i) => (i === level ? others[i] : each));

/** Where each place of a level has its code from, as indices into ORIGINS. */
export function origins(step: Grids, a: Grids, b: Grids, level: number): Uint8Array {
  return Uint8Array.from(step[level], (code, i) => {
    const isA = code === a[level][i];
    const isB = code === b[level][i];
    return isA ? (isB ? 0 : 1) : isB ? 2 : 3;
  });
}

/** How many places of all levels have each origin. */
export function tally(step: Grids, a: Grids, b: Grids): Record<Origin, number> {
  const counts: Record<Origin, number> = { both: 0, a: 0, b: 0, neither: 0 };
  for (let level = 0; level < step.length; level++)
    for (const origin of origins(step, a, b, level)) counts[ORIGINS[origin]] += 1;
  return counts;
}

export const roundShare = (t: number): number =>
  Math.round(Math.min(1, Math.max(0, t)) * SHARE_DECIMALS) / SHARE_DECIMALS;

/** What was made of A, as it is sent; null codes: nothing. */
export interface Sent {
  codes: Grids | null;
  level: number;
  t: number;
}

/** Makes an edit of whatever came from outside; what does not hold takes its default. */
export function readEdit(value: unknown, levels: readonly GridShape[]): Sent {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const { level, t } = given;
  const known = Number.isInteger(level) && (level as number) >= 0;
  return {
    codes: decode(given["codes"], levels),
    level: known && (level as number) < levels.length ? (level as number) : 0,
    t: typeof t === "number" && t >= 0 && t <= 1 ? t : 0.5,
  };
}
