// Selections: the shape a hand draws on a map, and the items inside it; no browser needed.
import { insidePolygon } from "./picker";
import type { Point } from "./viewport";

/** A rectangle's four corners from two opposite ones. */
export const rectangle = ([ax, ay]: Point, [bx, by]: Point): Point[] => [
  [ax, ay],
  [bx, ay],
  [bx, by],
  [ax, by],
];

/** How far p lies from the line through a and b. */
function away(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(p[0] - a[0], p[1] - a[1]);
  return Math.abs(dx * (p[1] - a[1]) - dy * (p[0] - a[0])) / length;
}

/** The line without points that lie within `tolerance` of it (Douglas and Peucker, 1973). */
function thinned(line: readonly Point[], tolerance: number): Point[] {
  const [first, last] = [line[0], line[line.length - 1]];
  let [farthest, most] = [0, tolerance];
  for (let i = 1; i < line.length - 1; i++) {
    const distance = away(line[i], first, last);
    if (distance > most) [farthest, most] = [i, distance];
  }
  if (farthest === 0) return line.length > 1 ? [first, last] : [first];
  return [
    ...thinned(line.slice(0, farthest + 1), tolerance).slice(0, -1),
    ...thinned(line.slice(farthest), tolerance),
  ];
}

/** At most `limit` corners that follow a drawn line, within two pixels where these are enough. */
export function simplify(line: readonly Point[], limit: number): Point[] {
  let kept = thinned(line, 2);
  for (let tolerance = 3; kept.length > limit; tolerance *= 1.5) kept = thinned(line, tolerance);
  return kept;
}

/** Decimals that tell tenths of a pixel apart where a pixel is `size` map units. */
export const decimalsFor = (size: number): number =>
  size > 0 ? Math.min(6, Math.max(0, Math.ceil(1 - Math.log10(size)))) : 6;

/** Marks the points inside a polygon (x, y, x, y, …) by the even-odd rule: 1 inside, 0 outside. */
export function inside(xy: Float32Array, corners: readonly number[]): Uint8Array {
  const marks = new Uint8Array(xy.length >> 1);
  for (let i = 0; i < marks.length; i++)
    marks[i] = insidePolygon(xy[2 * i], xy[2 * i + 1], corners) ? 1 : 0;
  return marks;
}

export function countOf(marks: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < marks.length; i++) count += marks[i];
  return count;
}
