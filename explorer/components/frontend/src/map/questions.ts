// What is asked about the points of a map, and answered where they are indexed.
import { nextItem, type Order, valuesOf } from "./order";
import type { Picker } from "./picker";
import type { Bounds } from "./viewport";

/** Which points lie inside a polygon (x, y, x, y, …), by the even-odd rule. */
export interface Inside {
  readonly about: "inside";
  readonly corners: readonly number[];
}

/** The first points in view, by number; where many are, which of them is free unless `first`. */
export interface InView {
  readonly about: "view";
  readonly shown: Bounds;
  readonly limit: number;
  readonly first: boolean;
  /** Shades of the points that may be given, marked 1; null for all. */
  readonly lit: Uint8Array | null;
}

/** The next point in an order after one (-1: the first); see `nextItem`. */
export interface Next {
  readonly about: "next";
  readonly order: Order;
  readonly from: number;
  readonly step: 1 | -1;
  /** Shades of the points that may be given, marked 1; null for all. */
  readonly lit: Uint8Array | null;
}

export type Question = Inside | InView | Next;
/** Marks of every point, 1 inside and 0 outside; or numbers of points in ascending order. */
export type Answer = Uint8Array | Uint32Array;

/** Of so many times more points than are wanted, the first are found by the index. */
const INDEXED = 5;

export function answerTo(
  question: Question,
  picker: Picker,
  xy: Float32Array,
  shade: Uint16Array,
): Answer {
  if (question.about === "inside") return picker.inside(question.corners);
  const { lit } = question;
  const accepts = lit ? (item: number) => lit[shade[item]] === 1 : () => true;
  if (question.about === "next") {
    const { order, from, step } = question;
    const item = nextItem(xy.length >> 1, valuesOf(order, xy, shade), from, step, accepts);
    return item < 0 ? new Uint32Array(0) : Uint32Array.of(item);
  }
  const { shown, limit, first } = question;
  const most = first ? INDEXED * limit : limit;
  const found = picker.within(shown, most, accepts);
  const items = first && found.length === most ? firstOf(xy, shown, limit, accepts) : found;
  return Uint32Array.from(items).sort().slice(0, limit);
}

/** The first points in bounds in the order of the data, for bounds with many points. */
function firstOf(
  xy: Float32Array,
  shown: Bounds,
  limit: number,
  accepts: (item: number) => boolean,
): number[] {
  const found: number[] = [];
  for (let i = 0; i < xy.length >> 1 && found.length < limit; i++) {
    const [x, y] = [xy[2 * i], xy[2 * i + 1]];
    if (x >= shown.x0 && x <= shown.x1 && y >= shown.y0 && y <= shown.y1 && accepts(i))
      found.push(i);
  }
  return found;
}
