// Pointing at a map's points: with the pointer, and without one by their numbers.
import { h } from "../dom";
import type { Camera } from "./camera";
import type { PointsLayer } from "./points-layer";
import type { Point } from "./viewport";
import * as viewports from "./viewport";
import { PointWalk } from "./walk";

export interface PointingEvents {
  /** The item under the pointer, at a place of the map's screen; -1 for none. */
  hover(item: number, x: number, y: number): void;
  pick(item: number, stamp: number): void;
}

const REACH_PX = 14;

export class Pointing {
  /** About the point that was reached without a pointer. */
  readonly ring = h("div", { class: "ring", "aria-hidden": "true", hidden: "" });
  readonly walk: PointWalk;

  /** `reveal` brings a place of the map into view. */
  constructor(
    private readonly points: PointsLayer,
    private readonly camera: Camera,
    private readonly on: PointingEvents,
    private readonly reveal: (x: number, y: number) => void,
  ) {
    this.walk = new PointWalk({
      show: (item) => this.show(item),
      pick: (item, stamp) => this.on.pick(item, stamp),
      next: (order, from, step, done) => this.points.next(order, from, step, done),
    });
  }

  /** The item at a place of the screen, or -1. */
  itemAt(sx: number, sy: number): number {
    const { view } = this.camera;
    const { points } = this;
    const [x, y] = viewports.toMap(view, sx, sy);
    const accepts = (item: number) => points.accepts(item);
    return points.picker?.nearest(x, y, view.kx, view.ky, REACH_PX, accepts) ?? -1;
  }

  hover(x: number, y: number): void {
    this.on.hover(this.itemAt(x, y), x, y);
  }

  tap(x: number, y: number, event: PointerEvent): void {
    const item = this.itemAt(x, y);
    if (item >= 0) this.on.pick(item, event.timeStamp);
  }

  /** Shows a point as hovering does, wherever it lies. */
  private show(item: number): void {
    const { xy } = this.points;
    if (!xy) return;
    const place: Point = [xy[2 * item], xy[2 * item + 1]];
    this.reveal(place[0], place[1]);
    const [x, y] = viewports.toScreen(this.camera.view, place[0], place[1]);
    this.ring.style.transform = `translate3d(${x}px, ${y}px, 0)`;
    this.ring.hidden = false;
    this.on.hover(item, x, y);
  }

  unshow(): void {
    this.ring.hidden = true;
    this.on.hover(-1, 0, 0);
  }
}
