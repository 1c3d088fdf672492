// What the next frame must show: one request in flight, and what a failed one was for is asked again.
import type { Sequenced } from "./codec";
import type { Reason, Reply } from "./connection";
import { Pace } from "./pace";
import { FrameStats } from "./stats";

/** Before a frame that failed is asked for again; twice as long each time. */
const RETRY_MS = 400;
const TRIES = 3;

export interface FrameLoopEvents<Want, Request, Answer> {
  /** The request for what of this may be asked now, or null for none yet. What it leaves out waits on. */
  request(waiting: ReadonlySet<Want>): { body: Request; want: readonly Want[] } | null;
  /** Sends a request; false while nothing is open. */
  send(body: Request, reply: Reply<Answer>): boolean;
  paint(answer: Answer, body: Request): void;
  /** A frame was painted that an event of the hand has asked for. */
  timed(): void;
  /** What is shown is not what was asked for, and why. */
  failed(reason: Reason): void;
}

/**
 * Gathers what has changed until a request may go.
 *
 * A frame that fails with the connection waits for the next one; after another failure it is asked
 * for again a few times, and then when something else changes or `retry` is called.
 */
export class FrameLoop<Want, Request, Answer extends Sequenced> {
  readonly stats = new FrameStats();
  private readonly pace: Pace;
  private readonly waiting = new Set<Want>();
  /** What the request in flight asks for; null when there is none. */
  private flying: readonly Want[] | null = null;
  private tries = 0;
  private held: ReturnType<typeof setTimeout> | undefined;
  private givenUp = false;

  constructor(private readonly on: FrameLoopEvents<Want, Request, Answer>) {
    this.pace = new Pace(() => this.wake());
  }

  /** Whether everything that was asked for is shown. */
  get settled(): boolean {
    return this.waiting.size === 0 && this.flying === null;
  }

  isWaiting(want: Want): boolean {
    return this.waiting.has(want);
  }

  forget(want: Want): void {
    this.waiting.delete(want);
  }

  /** Says what has changed, by an event at `stamp` (null: not the hand's doing), and asks for it. */
  mark(wants: Iterable<Want>, stamp: number | null): void {
    for (const want of wants) this.waiting.add(want);
    this.pace.touch(stamp);
    if (this.givenUp) this.fresh();
    this.wake();
  }

  /** Sends the next request if it may go. */
  wake(): void {
    if (this.flying || this.held !== undefined || this.givenUp || this.waiting.size === 0) return;
    if (!this.pace.ready()) return;
    const next = this.on.request(this.waiting);
    if (!next || !this.on.send(next.body, this.replyTo(next.body))) return;
    for (const want of next.want) this.waiting.delete(want);
    this.flying = next.want;
    this.pace.take();
    this.pace.spend();
  }

  /** Asks again for what has failed. */
  retry(): void {
    this.fresh();
    this.wake();
  }

  dispose(): void {
    this.waiting.clear();
    this.fresh();
    this.givenUp = true;
    this.pace.dispose();
  }

  private fresh(): void {
    clearTimeout(this.held);
    this.held = undefined;
    this.tries = 0;
    this.givenUp = false;
  }

  private replyTo(body: Request): Reply<Answer> {
    return {
      answer: (answer) => {
        this.flying = null;
        this.fresh();
        const stamp = this.pace.takeStamp();
        try {
          this.on.paint(answer, body);
          this.count(stamp);
        } catch (error) {
          this.on.failed({ code: "internal", message: `It could not be drawn: ${error}` });
          throw error; // the browser reports it, with its stack
        } finally {
          this.wake();
        }
      },
      failed: (reason) => this.lose(reason),
    };
  }

  private count(stamp: number | null): void {
    if (stamp === null) return;
    const now = performance.now();
    this.stats.add(now, Math.max(0, now - stamp));
    this.on.timed();
  }

  /** What the lost frame was for is asked for again. */
  private lose(reason: Reason): void {
    for (const want of this.flying ?? []) this.waiting.add(want);
    this.flying = null;
    this.pace.takeStamp();
    if (reason.code === "lost" || reason.code === "not-open") return; // asked again once it is open
    if (reason.code !== "busy") this.on.failed(reason);
    if (this.tries >= TRIES) {
      this.givenUp = true;
      return;
    }
    this.held = setTimeout(
      () => {
        this.held = undefined;
        this.wake();
      },
      RETRY_MS * 2 ** this.tries++,
    );
  }
}
