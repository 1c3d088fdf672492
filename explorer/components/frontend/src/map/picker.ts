// Which points are under the pointer, in view, or inside a shape: a k-d tree over the map.
import KDBush from "kdbush";
import { type Bounds, boundsOf, EVERYWHERE } from "./viewport";

const LEAF = 64;

/** Whether a line from a to b meets bounds (Liang and Barsky, 1984). */
function meets(ax: number, ay: number, bx: number, by: number, box: Bounds): boolean {
  let [from, to] = [0, 1];
  const clip = (p: number, q: number): boolean => {
    if (p === 0) return q >= 0;
    if (p < 0) from = Math.max(from, q / p);
    else to = Math.min(to, q / p);
    return from <= to;
  };
  const [dx, dy] = [bx - ax, by - ay];
  return (
    clip(-dx, ax - box.x0) &&
    clip(dx, box.x1 - ax) &&
    clip(-dy, ay - box.y0) &&
    clip(dy, box.y1 - ay)
  );
}

/** Whether a point lies inside a polygon (x, y, x, y, …) by the even-odd rule. */
export function insidePolygon(x: number, y: number, corners: ArrayLike<number>): boolean {
  let within = false;
  let bx = corners[corners.length - 2];
  let by = corners[corners.length - 1];
  for (let a = 0; a < corners.length; a += 2) {
    const ax = corners[a];
    const ay = corners[a + 1];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
    bx = ax;
    by = ay;
  }
  return within;
}

/** Takes the points from `from` to `to` of the tree's order; `whole`: all lie in the region. */
export type Visit = (from: number, to: number, whole: boolean) => void;

export class Picker {
  /** Number of each point of the tree's order. */
  readonly ids: Uint16Array | Uint32Array;
  /** Places in the tree's order, interleaved; infinite for a point without one. */
  readonly coords: Float32Array;
  private readonly bounds: Bounds;

  constructor(private readonly tree: KDBush) {
    this.ids = tree.ids;
    this.coords = tree.coords as Float32Array;
    this.bounds = this.coords.includes(Infinity) ? EVERYWHERE : boundsOf(this.coords);
  }

  /** Builds the tree of interleaved x, y: about half a second for a million points. */
  static of(xy: Float32Array): Picker {
    const count = xy.length >> 1;
    const tree = new KDBush(count, LEAF, Float32Array);
    for (let i = 0; i < count; i++) {
      const [x, y] = [xy[2 * i], xy[2 * i + 1]];
      const placed = Number.isFinite(x) && Number.isFinite(y);
      tree.add(placed ? x : Infinity, placed ? y : Infinity);
    }
    return new Picker(tree.finish());
  }

  /** Takes a tree that was built elsewhere. */
  static from(data: ArrayBuffer): Picker {
    return new Picker(KDBush.from(data));
  }

  /** The tree, as `from` takes it. */
  get data(): ArrayBuffer {
    return this.tree.data as ArrayBuffer;
  }

  /**
   * The item nearest to a map point, or -1 when none is within reach.
   *
   * Distances are measured on the screen: kx and ky are its pixels per map unit, `reach` is in
   * pixels. Items that `accept` refuses are passed over.
   */
  nearest(
    x: number,
    y: number,
    kx: number,
    ky: number,
    reach: number,
    accept?: (item: number) => boolean,
  ): number {
    const { ids, coords } = this;
    let best = -1;
    let least = reach * reach;
    const look = (i: number) => {
      const dx = (coords[2 * i] - x) * kx;
      const dy = (coords[2 * i + 1] - y) * ky;
      const square = dx * dx + dy * dy;
      if (square <= least && (best < 0 || square < least) && (!accept || accept(ids[i]))) {
        best = ids[i];
        least = square;
      }
    };
    const search = (left: number, right: number, axis: number): void => {
      if (right - left <= LEAF) {
        for (let i = left; i <= right; i++) look(i);
        return;
      }
      const middle = (left + right) >> 1;
      const away = axis === 0 ? (x - coords[2 * middle]) * kx : (y - coords[2 * middle + 1]) * ky;
      look(middle);
      if (away <= 0) search(left, middle - 1, 1 - axis);
      else search(middle + 1, right, 1 - axis);
      if (away * away > least) return;
      if (away <= 0) search(middle + 1, right, 1 - axis);
      else search(left, middle - 1, 1 - axis);
    };
    search(0, ids.length - 1, 0);
    return best;
  }

  /**
   * Visits the points in bounds as ranges of the tree's order.
   *
   * A range that is not `whole` may hold points outside. A visit that returns false ends the search.
   */
  ranges(view: Bounds, visit: (...range: Parameters<Visit>) => boolean): void {
    const { coords } = this;
    const { x0, y0, x1, y1 } = view;
    const walk = (left: number, right: number, axis: number, box: Bounds): boolean => {
      if (left > right) return true;
      const whole = box.x0 >= x0 && box.x1 <= x1 && box.y0 >= y0 && box.y1 <= y1;
      if (whole || right - left <= LEAF) return visit(left, right + 1, whole);
      const middle = (left + right) >> 1;
      const split = coords[2 * middle + axis];
      const [low, high] = halves(box, axis, split);
      if (split >= (axis === 0 ? x0 : y0) && !walk(left, middle - 1, 1 - axis, low)) return false;
      if (!visit(middle, middle + 1, false)) return false;
      return split > (axis === 0 ? x1 : y1) || walk(middle + 1, right, 1 - axis, high);
    };
    walk(0, this.ids.length - 1, 0, this.bounds);
  }

  /** The number of points in bounds; stops to count beyond `limit`. */
  count(view: Bounds, limit = Infinity): number {
    let found = 0;
    this.ranges(view, (from, to, whole) => {
      if (whole) found += to - from;
      else for (let i = from; i < to; i++) if (this.isIn(i, view)) found += 1;
      return found <= limit;
    });
    return found;
  }

  /** The items inside bounds, at most `limit` of them (so that the answer's cost is bounded). */
  within(view: Bounds, limit = Infinity, accept?: (item: number) => boolean): number[] {
    const items: number[] = [];
    this.ranges(view, (from, to, whole) => {
      for (let i = from; i < to && items.length < limit; i++) {
        if (!whole && !this.isIn(i, view)) continue;
        if (!accept || accept(this.ids[i])) items.push(this.ids[i]);
      }
      return items.length < limit;
    });
    return items;
  }

  private isIn(i: number, view: Bounds): boolean {
    const [x, y] = [this.coords[2 * i], this.coords[2 * i + 1]];
    return x >= view.x0 && x <= view.x1 && y >= view.y0 && y <= view.y1;
  }

  /**
   * Marks the items inside a polygon (x, y, x, y, …) by the even-odd rule: 1 inside, 0 outside.
   *
   * Where no edge meets a branch of the tree, one of its points answers for all.
   */
  inside(corners: readonly number[]): Uint8Array {
    const { coords, ids } = this;
    const marks = new Uint8Array(ids.length);
    const edges = Array.from({ length: corners.length >> 1 }, (_, i) => i);
    const at = (i: number) => insidePolygon(coords[2 * i], coords[2 * i + 1], corners);
    const walk = (left: number, right: number, axis: number, box: Bounds, near: number[]): void => {
      if (left > right) return;
      const touching = near.filter((e) => {
        const next = (2 * e + 2) % corners.length;
        return meets(corners[2 * e], corners[2 * e + 1], corners[next], corners[next + 1], box);
      });
      if (touching.length === 0) {
        if (at(left)) for (let i = left; i <= right; i++) marks[ids[i]] = 1;
      } else if (right - left <= LEAF) {
        for (let i = left; i <= right; i++) marks[ids[i]] = at(i) ? 1 : 0;
      } else {
        const middle = (left + right) >> 1;
        const [low, high] = halves(box, axis, coords[2 * middle + axis]);
        marks[ids[middle]] = at(middle) ? 1 : 0;
        walk(left, middle - 1, 1 - axis, low, touching);
        walk(middle + 1, right, 1 - axis, high, touching);
      }
    };
    if (corners.length >= 6) walk(0, ids.length - 1, 0, this.bounds, edges);
    return marks;
  }
}

/** A box's parts on both sides of a split. */
const halves = (box: Bounds, axis: number, split: number): [Bounds, Bounds] =>
  axis === 0
    ? [
        { ...box, x1: split },
        { ...box, x0: split },
      ]
    : [
        { ...box, y1: split },
        { ...box, y0: split },
      ];
