// Where the handles stand on a map: coinciding ones are set apart, so that both can be taken.
import type { HandleName } from "../types";
import type { Point } from "./viewport";

/** Puts a handle at a place of the screen; its knob is shown (dx, dy) away from it. */
export type PutKnob = (name: HandleName, x: number, y: number, dx: number, dy: number) => void;

const APART_PX = 26;

export class HandlePlaces {
  private handles: Record<HandleName, Point> | null = null;
  private put: PutKnob = () => {};

  /** `toScreen` gives the place on the screen of one of the map. */
  constructor(private readonly toScreen: (x: number, y: number) => Point) {}

  onKnob(put: PutKnob): void {
    this.put = put;
  }

  set(a: Point, b: Point): void {
    this.handles = { A: a, B: b };
    this.place();
  }

  /** The map has moved. */
  place(): void {
    if (!this.handles) return;
    const { A, B } = this.handles;
    const [ax, ay] = this.toScreen(A[0], A[1]);
    const [bx, by] = this.toScreen(B[0], B[1]);
    const distance = Math.hypot(bx - ax, by - ay);
    let [dx, dy] = [0, 0];
    if (distance < APART_PX) {
      const [ux, uy] = distance > 1 ? [(bx - ax) / distance, (by - ay) / distance] : [1, 0];
      dx = (ux * (APART_PX + 4 - distance)) / 2;
      dy = (uy * (APART_PX + 4 - distance)) / 2;
    }
    this.put("A", ax, ay, -dx, -dy);
    this.put("B", bx, by, dx, dy);
  }
}
