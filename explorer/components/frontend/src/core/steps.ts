// Steps of undo: where they are kept, and those of one page in memory.
import { History } from "../history";

export type Direction = "undo" | "redo";

/** Where steps of undo are kept. */
export interface Journal<E> {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Whether a change that no gesture has made is not worth a step now. */
  readonly paused?: boolean;
  /** Records a change, unless it is the last one recorded; those with one tag in quick succession are one step. */
  record(edit: E, tag: string | null): void;
  /** Moves one step; null at the end, or where what is to be shown must be brought first. */
  travel(direction: Direction): E | null;
  /** Something else is edited from now on: steps before it mean nothing. */
  reset(edit: E): void;
}

/** Steps of undo of one page, in memory. */
export class Steps<E> implements Journal<E> {
  private history: History<E>;

  constructor(
    first: E,
    private readonly copy: (edit: E) => E,
    private readonly same: (a: E, b: E) => boolean,
  ) {
    this.history = new History(copy(first));
  }

  get canUndo(): boolean {
    return this.history.canUndo;
  }
  get canRedo(): boolean {
    return this.history.canRedo;
  }
  record(edit: E, tag: string | null): void {
    if (!this.same(edit, this.history.current)) this.history.push(this.copy(edit), tag);
  }
  travel(direction: Direction): E | null {
    const { history } = this;
    if (!(direction === "undo" ? history.canUndo : history.canRedo)) return null;
    return this.copy(direction === "undo" ? history.undo() : history.redo());
  }
  reset(edit: E): void {
    this.history = new History(this.copy(edit));
  }
}
