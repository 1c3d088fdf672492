// How often requests may go, and the time of the event that each answers to.

/** One request in this time on average, a display's frame, however often the hand is heard. */
const INTERVAL_MS = 16;
/** Requests that may follow each other at once after a pause. */
const BURST = 1.5;
/** A change that had to wait is sent this long after it could be, if no newer one has come. */
const GRACE_MS = 12;

export class Pace {
  private stamp: number | null = null;
  private sentStamp: number | null = null;
  private credit = BURST;
  private counted = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `tick` is told when a waiting request can go. */
  constructor(
    private readonly tick: () => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Says when the change happened that the next request is about.
   *
   * `stamp` is the time stamp of the event; without one (a reconnection, the first pictures) the
   * frame does not count in the figures.
   */
  touch(stamp: number | null): void {
    if (stamp !== null) this.stamp = stamp;
  }

  /**
   * Whether a request may go now.
   *
   * It goes with the event that asks for it, not with the display's next frame: the picture is then
   * decoded while that frame is waited for. What has to wait goes with the next event, for it is
   * newer; without one, by itself a moment later.
   */
  ready(): boolean {
    const now = this.now();
    this.credit = Math.min(BURST, this.credit + (now - this.counted) / INTERVAL_MS);
    this.counted = now;
    if (this.credit >= 1) return true;
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.tick();
      },
      (1 - this.credit) * INTERVAL_MS + GRACE_MS,
    );
    return false;
  }

  /** A request takes the waiting event's time with it. */
  take(): void {
    this.sentStamp = this.stamp;
    this.stamp = null;
  }

  /** A request was sent. */
  spend(): void {
    this.credit -= 1;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The event time of the request that has just been answered; null when it does not count. */
  takeStamp(): number | null {
    const stamp = this.sentStamp;
    this.sentStamp = null;
    return stamp;
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
