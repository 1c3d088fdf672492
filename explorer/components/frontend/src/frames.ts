// What the next frame must show: gathers changes until a request may be sent, with their time.

import { Pace } from "./pace";
import type { Edit } from "./types";
import type { FrameBody, Want } from "./wire";
import { frameBody } from "./wire";

const ORDER: readonly Want[] = ["A", "B", "strip"];

export class FrameQueue extends Pace {
  private readonly wants = new Set<Want>();

  /** Says that pictures have changed, by an event at `stamp` (null: not the hand's doing). */
  mark(wants: readonly Want[], stamp: number | null): void {
    for (const want of wants) this.wants.add(want);
    this.touch(stamp);
  }

  /** The next request, or null when nothing has changed or enough have been sent. */
  pull(edit: Edit): FrameBody | null {
    if (this.wants.size === 0 || !this.ready()) return null;
    const want = ORDER.filter((w) => this.wants.has(w) && (w !== "strip" || edit.frames > 0));
    this.wants.clear();
    this.take();
    if (want.length === 0) return null;
    this.spend();
    return frameBody(edit, want);
  }
}
