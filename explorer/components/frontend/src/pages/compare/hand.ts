// The hand on the comparison's handles: one column is held at a time, by one finger.
import type { EditStore, Gesture } from "../../core/edit-store";
import type { Point } from "../../map/viewport";
import { moved, round, sameState, taken } from "./model";
import type { State } from "./types";

export interface HandEvents {
  /** Where a column's handle stands; null while that is not known. */
  place(column: number): Point | null;
  /** The state has changed, by an event at `stamp` (null: not the hand's doing). */
  changed(stamp: number | null): void;
}

export class Hand {
  private held: { column: number; gesture: Gesture<State> } | null = null;

  constructor(
    private readonly edits: EditStore<State>,
    private readonly on: HandEvents,
  ) {}

  /** Takes a column's handle, unless another finger holds one; gives whether it was taken. */
  take(column: number): boolean {
    if (this.held?.gesture.held) return false;
    this.held = { column, gesture: this.edits.begin() };
    return true;
  }

  /** The finger on a column goes to a place of its map; another column's finger moves nothing. */
  drag(column: number, x: number, y: number, stamp: number): void {
    if (this.gestureOn(column)?.held) this.move(column, x, y, stamp);
  }

  /** Arrow keys move a handle that no finger holds. */
  nudge(column: number, x: number, y: number, stamp: number): void {
    if (this.edits.busy) return;
    this.move(column, x, y, stamp);
    this.edits.commitSoon(`keys ${column}`);
  }

  release(column: number): void {
    this.gestureOn(column)?.commit();
  }

  cancel(column: number): void {
    const before = this.gestureOn(column)?.cancel();
    if (!before) return;
    this.edits.current = before;
    this.on.changed(null);
  }

  private gestureOn(column: number): Gesture<State> | null {
    return this.held?.column === column ? this.held.gesture : null;
  }

  /** The first move makes the column's model the driver. */
  private move(column: number, x: number, y: number, stamp: number): void {
    const from = this.on.place(column);
    if (!from) return;
    const { edits } = this;
    const next = moved(taken(edits.current, column, from[0], from[1]), round(x), round(y));
    if (sameState(next, edits.current)) return;
    edits.current = next;
    this.on.changed(stamp);
  }
}
