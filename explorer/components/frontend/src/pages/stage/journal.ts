// The stage's steps of undo: model, map and colour go along with the edit, and so does the browser's history.
import type { Direction, Journal } from "../../core/steps";
import type { Edit } from "../../types";
import { type Showing, type Shown, sameWorld, type Timeline } from "./timeline";

export interface JournalEvents {
  /** What is shown, with an edit. */
  showing(edit: Edit): Showing;
  /** Reads an edit of the model that is shown. */
  read(edit: unknown): Edit;
  /** Asks Python for another model, map or colour; gives the message's serial. */
  ask(shown: Shown): number;
}

export class StageJournal implements Journal<Edit> {
  /** The message that asked Python for something else; 0 once it has answered. */
  private asked = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly on: JournalEvents,
  ) {}

  get canUndo(): boolean {
    return this.timeline.canUndo;
  }
  get canRedo(): boolean {
    return this.timeline.canRedo;
  }
  /** While another state is on its way, what is shown still is no change. */
  get paused(): boolean {
    return this.asked > 0;
  }

  record(edit: Edit, tag: string | null): void {
    this.timeline.record(this.on.showing(edit), tag);
  }

  reset(edit: Edit): void {
    this.record(edit, null);
  }

  travel(direction: Direction): Edit | null {
    const shown = this.timeline.travel(direction);
    return shown && this.bring(shown);
  }

  /** Gives the edit of another moment; null where model, map or colour differ, which Python brings first. */
  bring(shown: Shown): Edit | null {
    const now = this.on.showing(shown.edit);
    if (!this.paused && sameWorld(shown, now)) return this.on.read(shown.edit);
    this.asked = this.on.ask(shown);
    return null;
  }

  /** Python has heard all messages up to this one. */
  acknowledge(serial: number): void {
    if (serial >= this.asked) this.asked = 0;
  }
}
