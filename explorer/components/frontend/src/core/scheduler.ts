// Work for the display's next frame, and timers by name; both end with their owner.

/** What a scheduler needs of the browser, so that it can be tested without one. */
export interface Clock {
  requestFrame(run: () => void): number;
  cancelFrame(handle: number): void;
}

const DISPLAY: Clock = {
  requestFrame: (run) => requestAnimationFrame(run),
  cancelFrame: (handle) => cancelAnimationFrame(handle),
};

export class Scheduler {
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly frames = new Map<string, () => void>();
  private handle: number | null = null;
  private disposed = false;

  constructor(private readonly clock: Clock = DISPLAY) {}

  /** Runs something before the next picture of the display; a later call of the same name replaces it. */
  frame(name: string, run: () => void): void {
    if (this.disposed) return;
    this.frames.set(name, run);
    this.handle ??= this.clock.requestFrame(() => this.flush());
  }

  /** Runs now what waits for the next frame. */
  flush(): void {
    if (this.handle !== null) this.clock.cancelFrame(this.handle);
    this.handle = null;
    const due = [...this.frames.values()];
    this.frames.clear();
    for (const run of due) run();
  }

  /** Runs something after a time in milliseconds; a later call of the same name replaces it. */
  after(name: string, ms: number, run: () => void): void {
    if (this.disposed) return;
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        run();
      }, ms),
    );
  }

  waits(name: string): boolean {
    return this.timers.has(name);
  }

  /** Drops a timer, and what waits for the next frame under the same name. */
  forget(name: string): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
    this.frames.delete(name);
  }

  dispose(): void {
    this.disposed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.frames.clear();
    if (this.handle !== null) this.clock.cancelFrame(this.handle);
    this.handle = null;
  }
}
