// What a hand does on the Time page: frames seen, numbers, new draws, undo, and when it rests.
import type { EditStore, Gesture } from "../../core/edit-store";
import type { Scheduler } from "../../core/scheduler";
import type { Direction } from "../../core/steps";
import { MAX_SEED } from "../../messages.gen";
import type { ControlsEvents } from "./controls";
import { type Want, wants, within } from "./model";
import type { StripEvents } from "./strip";
import type { Edit } from "./types";

/** Futures are imagined anew so long after the hand has last moved. */
const REST_MS = 140;

export interface ActionsContext {
  readonly edits: EditStore<Edit>;
  readonly scheduler: Scheduler;
  /** Frames of the sequence. */
  length(): number;
  /** Parts have to be asked anew, by an event at `stamp` (null: not the hand's doing). */
  changed(parts: readonly Want[], stamp: number | null): void;
  /** What takes longer may be asked for. */
  rested(): void;
  show(): void;
  announce(): void;
}

export class Actions {
  /** Whether the hand rests. */
  resting = true;
  /** While the jump's slider is held. */
  private sliding: Gesture<Edit> | null = null;

  constructor(private readonly on: ActionsContext) {}

  /** What the strip of frames does. */
  strip(): Omit<StripEvents, "hide"> {
    const { edits } = this.on;
    let gesture: Gesture<Edit> | null = null;
    return {
      start: () => {
        gesture = edits.begin();
      },
      move: (seen, stamp) => {
        if (gesture?.held) this.set({ seen }, stamp);
      },
      end: () => {
        this.rest();
        gesture?.commit();
        this.on.announce();
      },
      cancel: () => {
        const before = gesture?.cancel();
        if (before) this.set(before, null);
        this.rest();
      },
      step: (seen, stamp) => this.step(seen, stamp),
    };
  }

  /** What the numbers do. */
  controls(): ControlsEvents {
    const { edits } = this.on;
    return {
      edit: () => edits.current,
      set: (change, stamp) => this.set(change, stamp),
      held: () => {
        this.sliding ??= edits.begin();
      },
      done: () => this.done(),
      newDraw: (stamp) => this.newDraw(stamp),
    };
  }

  /** Sees so many frames; keys come in quick succession. */
  step(seen: number, stamp: number): void {
    const { edits, scheduler } = this.on;
    this.set({ seen: within(seen, 1, this.on.length()) }, stamp);
    scheduler.flush();
    edits.commitSoon("seen");
    this.on.announce();
  }

  newDraw(stamp: number): void {
    const { seed } = this.on.edits.current;
    this.set({ seed: seed >= MAX_SEED ? 0 : seed + 1 }, stamp);
    this.done();
  }

  travel(direction: Direction): void {
    const { edits } = this.on;
    const before = edits.current;
    const found = edits.travel(direction);
    if (!found) return;
    this.on.show();
    this.on.changed(wants(before, found), performance.now());
    this.rest();
    edits.tell();
  }

  private set(change: Partial<Edit>, stamp: number | null): void {
    const { edits, scheduler } = this.on;
    const before = edits.current;
    edits.current = { ...before, ...change };
    const parts = wants(before, edits.current);
    scheduler.frame("show", () => this.on.show());
    if (parts.length === 0) return;
    this.resting = false;
    scheduler.after("rest", REST_MS, () => this.rest());
    this.on.changed(parts, stamp);
  }

  private rest(): void {
    this.on.scheduler.forget("rest");
    this.resting = true;
    this.on.rested();
  }

  /** A number is chosen, or its slider was let go. */
  private done(): void {
    this.rest();
    if (this.sliding) this.sliding.commit();
    else this.on.edits.commit();
    this.sliding = null;
    this.on.announce();
  }
}
