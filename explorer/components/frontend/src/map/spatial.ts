// A uniform grid over the points of a map: which point is under the pointer, which are in view.
import type { Bounds } from "./viewport";
import { boundsOf } from "./viewport";

const POINTS_A_CELL = 4;

export class SpatialIndex {
  private readonly bounds: Bounds;
  private readonly columns: number;
  private readonly rows: number;
  private readonly cellWidth: number;
  private readonly cellHeight: number;
  /** The items of cell c are order[start[c]] to order[start[c + 1] - 1]. */
  private readonly start: Uint32Array;
  private readonly order: Uint32Array;

  constructor(private readonly xy: Float32Array) {
    const count = xy.length >> 1;
    this.bounds = boundsOf(xy);
    const side = Math.max(1, Math.ceil(Math.sqrt(count / POINTS_A_CELL)));
    this.columns = side;
    this.rows = side;
    this.cellWidth = (this.bounds.x1 - this.bounds.x0) / side || 1;
    this.cellHeight = (this.bounds.y1 - this.bounds.y0) / side || 1;
    this.start = new Uint32Array(side * side + 1);
    this.order = new Uint32Array(count);
    this.fill(count);
  }

  private fill(count: number): void {
    const { xy, start, order } = this;
    const cells = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const inside = Number.isFinite(xy[2 * i]) && Number.isFinite(xy[2 * i + 1]);
      cells[i] = inside ? this.row(xy[2 * i + 1]) * this.columns + this.column(xy[2 * i]) : -1;
      if (inside) start[cells[i] + 1] += 1;
    }
    for (let c = 1; c < start.length; c++) start[c] += start[c - 1];
    const next = start.slice();
    for (let i = 0; i < count; i++) {
      if (cells[i] >= 0) order[next[cells[i]]++] = i;
    }
  }

  private column(x: number): number {
    const c = Math.floor((x - this.bounds.x0) / this.cellWidth);
    return Math.min(this.columns - 1, Math.max(0, c));
  }

  private row(y: number): number {
    const r = Math.floor((y - this.bounds.y0) / this.cellHeight);
    return Math.min(this.rows - 1, Math.max(0, r));
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
    let best = -1;
    let bestSquare = reach * reach;
    const c1 = this.column(x + reach / kx);
    const r1 = this.row(y + reach / ky);
    for (let r = this.row(y - reach / ky); r <= r1; r++) {
      for (let c = this.column(x - reach / kx); c <= c1; c++) {
        const cell = r * this.columns + c;
        for (let j = this.start[cell]; j < this.start[cell + 1]; j++) {
          const i = this.order[j];
          const dx = (this.xy[2 * i] - x) * kx;
          const dy = (this.xy[2 * i + 1] - y) * ky;
          const square = dx * dx + dy * dy;
          if (square <= bestSquare && (best < 0 || square < bestSquare) && (!accept || accept(i))) {
            best = i;
            bestSquare = square;
          }
        }
      }
    }
    return best;
  }

  /** The items inside bounds, at most `limit` of them (so that the answer's cost is bounded). */
  within(view: Bounds, limit = Infinity, accept?: (item: number) => boolean): number[] {
    const found: number[] = [];
    const c1 = this.column(view.x1);
    const r1 = this.row(view.y1);
    for (let r = this.row(view.y0); r <= r1; r++) {
      for (let c = this.column(view.x0); c <= c1; c++) {
        const cell = r * this.columns + c;
        for (let j = this.start[cell]; j < this.start[cell + 1]; j++) {
          const i = this.order[j];
          const x = this.xy[2 * i];
          const y = this.xy[2 * i + 1];
          if (x < view.x0 || x > view.x1 || y < view.y0 || y > view.y1) continue;
          if (accept && !accept(i)) continue;
          found.push(i);
          if (found.length >= limit) return found;
        }
      }
    }
    return found;
  }
}
