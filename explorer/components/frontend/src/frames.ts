// What the next frame must show: gathers changes until a request may be sent, with their time.

import type { Edit } from "./types";
import type { FrameBody, Want } from "./wire";
import { frameBody } from "./wire";

const ORDER: readonly Want[] = ["A", "B", "strip"];

export class FrameQueue {
  private readonly wants = new Set<Want>();
  private stamp: number | null = null;
  private sentStamp: number | null = null;
  private sentThisTick = false;

  /** `tick` is told when the next animation frame begins, so that a waiting request can go. */
  constructor(private readonly tick: () => void) {}

  /**
   * Says that pictures have changed.
   *
   * `stamp` is the time stamp of the event that changed them; without one (a reconnection, the
   * first pictures) the frame does not count in the figures.
   */
  mark(wants: readonly Want[], stamp: number | null): void {
    for (const want of wants) this.wants.add(want);
    if (stamp !== null) this.stamp = stamp;
  }

  /** The next request, or null when nothing has changed or this animation frame has sent one. */
  pull(edit: Edit): FrameBody | null {
    if (this.wants.size === 0 || (this.sentThisTick && !document.hidden)) return null;
    const want = ORDER.filter((w) => this.wants.has(w) && (w !== "strip" || edit.frames > 0));
    this.wants.clear();
    this.sentStamp = this.stamp;
    this.stamp = null;
    if (want.length === 0) return null;
    this.sentThisTick = true;
    requestAnimationFrame(() => {
      this.sentThisTick = false;
      this.tick();
    });
    return frameBody(edit, want);
  }

  /** The event time of the request that has just been answered; null when it does not count. */
  takeStamp(): number | null {
    const stamp = this.sentStamp;
    this.sentStamp = null;
    return stamp;
  }
}
