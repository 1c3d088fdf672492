// Which points are under the pointer, in view, or inside a shape: a k-d tree over the map.
import KDBush from "kdbush";
import { type Bounds, boundsOf, EVERYWHERE } from "./viewport";

const LEAF = 64;

/** Whether a line from a to b may meet bounds: not where both ends lie beyond one side, or all corners of the bounds beyond the line. */
function mayMeet(ax: number, ay: number, bx: number, by: number, box: Bounds): boolean {
  if ((ax < box.x0 && bx < box.x0) || (ax > box.x1 && bx > box.x1)) return false;
  if ((ay < box.y0 && by < box.y0) || (ay > box.y1 && by > box.y1)) return false;
  if (box === EVERYWHERE) return true;
  const [dx, dy] = [bx - ax, by - ay];
  const one = dx * (box.y0 - ay) - dy * (box.x0 - ax);
  const two = dx * (box.y0 - ay) - dy * (box.x1 - ax);
  const three = dx * (box.y1 - ay) - dy * (box.x0 - ax);
  const four = dx * (box.y1 - ay) - dy * (box.x1 - ax);
  return !(
    (one > 0 && two > 0 && three > 0 && four > 0) ||
    (one < 0 && two < 0 && three < 0 && four < 0)
  );
}

/** Whether a ray from a point to the right crosses the line from a to b. */
const crosses = (x: number, y: number, ax: number, ay: number, bx: number, by: number): boolean =>
  ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax;

/** Whether a point lies inside a polygon (x, y, x, y, …) by the even-odd rule. */
export function insidePolygon(x: number, y: number, corners: ArrayLike<number>): boolean {
  let within = false;
  let bx = corners[corners.length - 2];
  let by = corners[corners.length - 1];
  for (let a = 0; a < corners.length; a += 2) {
    const ax = corners[a];
    const ay = corners[a + 1];
    if (crosses(x, y, ax, ay, bx, by)) within = !within;
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
  /** What holds all points. */
  readonly bounds: Bounds;

  constructor(
    private readonly tree: KDBush,
    bounds?: Bounds,
  ) {
    this.ids = tree.ids;
    this.coords = tree.coords as Float32Array;
    this.bounds = bounds ?? (this.coords.includes(Infinity) ? EVERYWHERE : boundsOf(this.coords));
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

  /** Takes a tree that was built elsewhere, and the bounds of its points where they are known. */
  static from(data: ArrayBuffer, bounds?: Bounds): Picker {
    return new Picker(KDBush.from(data), bounds);
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
    const edges = Array.from({ length: corners.length >> 1 }, (_, i) => 2 * i);
    const end = (edge: number) => (edge + 2 < corners.length ? edge + 2 : 0);
    const touches = (edge: number, box: Bounds) => {
      const next = end(edge);
      const [ax, ay, bx, by] = [corners[edge], corners[edge + 1], corners[next], corners[next + 1]];
      return mayMeet(ax, ay, bx, by, box);
    };
    /** Whether a point is inside, from the edges at its height. */
    const at = (i: number, level: readonly number[]) => {
      const [x, y] = [coords[2 * i], coords[2 * i + 1]];
      let within = false;
      for (const edge of level) {
        const next = end(edge);
        if (crosses(x, y, corners[edge], corners[edge + 1], corners[next], corners[next + 1]))
          within = !within;
      }
      return within;
    };
    const walk = (left: number, right: number, axis: number, box: Bounds, near: number[]): void => {
      if (left > right) return;
      const level = near.filter((edge) => {
        const [ay, by] = [corners[edge + 1], corners[end(edge) + 1]];
        return !(ay < box.y0 && by < box.y0) && !(ay > box.y1 && by > box.y1);
      });
      if (!level.some((edge) => touches(edge, box))) {
        if (at(left, level)) for (let i = left; i <= right; i++) marks[ids[i]] = 1;
      } else if (right - left <= LEAF) {
        for (let i = left; i <= right; i++) marks[ids[i]] = at(i, level) ? 1 : 0;
      } else {
        const middle = (left + right) >> 1;
        const [low, high] = halves(box, axis, coords[2 * middle + axis]);
        marks[ids[middle]] = at(middle, level) ? 1 : 0;
        walk(left, middle - 1, 1 - axis, low, level);
        walk(middle + 1, right, 1 - axis, high, level);
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
