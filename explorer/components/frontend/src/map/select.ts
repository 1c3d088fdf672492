// Selections: the shape a hand draws on a map, and the items that are selected; no browser needed.
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

export function countOf(marks: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < marks.length; i++) count += marks[i];
  return count;
}

/** Items that are selected: at least one. */
export interface Selection {
  /** Of each item: 1 if it is selected, else 0. */
  readonly marks: Uint8Array;
  /** The marks as text; see `bitsOf`. */
  readonly bits: string;
  readonly count: number;
}

/** How a newly drawn shape joins what was selected before. */
export type Joining = "replace" | "add" | "take";

/** Shift adds to a selection, Alt takes away from it. */
export const joining = (event: { shiftKey: boolean; altKey: boolean }): Joining =>
  event.altKey ? "take" : event.shiftKey ? "add" : "replace";

/** Joins what was found to what was selected; null stands for none at all. */
export function join(before: Selection | null, found: Uint8Array, how: Joining): Selection | null {
  const marks = new Uint8Array(found.length);
  const [old, added] = [how === "replace" ? null : before?.marks, how === "take" ? 0 : 1];
  for (let i = 0; i < marks.length; i++) marks[i] = found[i] ? added : (old?.[i] ?? 0);
  return selectionOf(marks, bitsOf(marks));
}

/** The selection that a text of bits stands for; items beyond `count` are passed over. */
export function readBits(bits: string, count: number): Selection | null {
  const marks = marksOf(bits, count);
  return selectionOf(marks, bits);
}

function selectionOf(marks: Uint8Array, bits: string): Selection | null {
  const count = countOf(marks);
  return count > 0 ? { marks, bits, count } : null;
}

const CHUNK = 1 << 15;

/** Marks as text: a bit an item, the first item in the lowest bit, in base64. */
export function bitsOf(marks: Uint8Array): string {
  const bytes = new Uint8Array((marks.length + 7) >> 3);
  for (let i = 0; i < marks.length; i++) bytes[i >> 3] |= marks[i] << (i & 7);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK)
    text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}

function marksOf(bits: string, count: number): Uint8Array {
  const text = atob(bits);
  const marks = new Uint8Array(count);
  const marked = Math.min(count, 8 * text.length);
  for (let i = 0; i < marked; i++) marks[i] = (text.charCodeAt(i >> 3) >> (i & 7)) & 1;
  return marks;
}
