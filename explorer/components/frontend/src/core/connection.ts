// The connection to the server: opens what is asked for, reconnects by itself, and gives every request an end.
import { refusal } from "../address";
import type { ErrorCode, ItemSource, OriginalsState } from "../messages.gen";
import type { Codec, Failure, Sequenced } from "./codec";
import { encodeItems, encodePing, readBinary, readText } from "./codec";
import { WireError } from "./readers";
import type { Connect, Transport } from "./transport";

export type ConnectionState = "open" | "connecting" | "closed";

/** Why a request has no answer; "lost" with the connection, or because something else was opened. */
export interface Reason {
  code: ErrorCode | "lost" | "bad-answer" | "refused";
  message: string;
}

/** What happens to a request: one of the two, once. */
export interface Reply<Answer> {
  answer(answer: Answer): void;
  failed(reason: Reason): void;
}

export interface ConnectionEvents<Opened> {
  state(state: ConnectionState): void;
  /** The server holds what was asked for; requests may go. */
  opened(answer: Opened): void;
  /** How the original pictures of what is open are; told after "opened" and at each change. */
  originals?(state: OriginalsState): void;
  /** It cannot be opened, or the server says something that no request has asked for. */
  failed(reason: Reason): void;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 4000;
export const ANSWER_MS = 5000;
/** Opening may load a model from disk. */
const OPEN_MS = 30_000;
const PING_MS = 20_000;
const WATCH_MS = 500;

/** The wait before attempt n (from 0): 250 ms doubling to 4 s, each within half and all of it. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return full * (0.5 + 0.5 * random());
}

interface Pending<Answer> {
  deadline: number;
  reply: Reply<Answer>;
}

const LOST: Reason = { code: "lost", message: "The connection was lost." };
const IGNORE: Reply<never> = { answer: () => {}, failed: () => {} };

/** "idle": nothing asked for; "failed": the server is there but will not open what was asked for. */
type Phase = "idle" | "opening" | "ready" | "failed";

export class Connection<
  Target,
  Opened extends { type: "opened" },
  Frame extends Sequenced,
  Items extends Sequenced = never,
> {
  private transport: Transport | null = null;
  private state: ConnectionState = "connecting";
  private phase: Phase = "idle";
  private target: Target | null = null;
  private disposed = false;
  /** Attempts to connect, and to open again, since the last success. */
  private attempt = 0;
  private reopened = 0;
  private seq = 0;
  private openBy = 0;
  private lastHeard = 0;
  private readonly pending = new Map<number, Pending<Frame | Items>>();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly connect: Connect,
    private readonly codec: Codec<Target, Opened, Frame, Items>,
    private readonly on: ConnectionEvents<Opened>,
  ) {}

  /** Whether requests may go. */
  get ready(): boolean {
    return this.phase === "ready";
  }

  /** Asks for a target; connects when needed. Later answers to older asks are dropped. */
  ask(target: Target): void {
    this.target = target;
    this.reopened = 0;
    this.open();
  }

  /** Tries at once again what waits or has failed. */
  retry(): void {
    if (this.disposed || !this.target || this.phase === "ready") return;
    this.open();
  }

  /** Sends a request that `encode` writes; gives its number, or null while nothing is open. */
  request(
    encode: (seq: number) => string,
    reply: Reply<Frame | Items>,
    patience = ANSWER_MS,
  ): number | null {
    if (this.phase !== "ready" || !this.transport?.isOpen) return null;
    const seq = this.seq++;
    this.pending.set(seq, { deadline: Date.now() + patience, reply });
    this.transport.send(encode(seq));
    return seq;
  }

  /** Asks for pictures of items; gives the request's number, or null while nothing is open. */
  items(items: readonly number[], source: ItemSource, reply: Reply<Frame | Items>): number | null {
    return this.request((seq) => encodeItems(seq, items, source), reply, 2 * ANSWER_MS);
  }

  close(): void {
    this.disposed = true;
    clearTimeout(this.retryTimer);
    this.drop();
    this.announce("closed");
  }

  // Opening

  private open(): void {
    this.phase = "opening";
    this.forgetRequests();
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    if (this.transport?.isOpen) this.sendOpen();
    else if (!this.transport) this.start();
  }

  private start(): void {
    this.announce("connecting");
    this.lastHeard = Date.now();
    this.openBy = Date.now() + ANSWER_MS;
    const transport = this.connect({
      opened: () => this.sendOpen(),
      message: (data) => this.receive(data),
      closed: (reason) => (reason === "refused" ? this.refuse() : this.reconnect()),
    });
    this.transport = transport;
    this.watch = setInterval(() => this.check(), WATCH_MS);
  }

  private sendOpen(): void {
    if (!this.target) return;
    this.openBy = Date.now() + OPEN_MS;
    this.transport?.send(this.codec.encodeOpen(this.target));
  }

  /** The server has let go of what was open (it was changed on disk, or the server has restarted). */
  private reopen(): void {
    if (this.phase !== "ready") return;
    this.phase = "opening";
    this.forgetRequests();
    const wait = this.reopened === 0 ? 0 : backoff(this.reopened);
    this.reopened += 1;
    this.openBy = Date.now() + wait + OPEN_MS;
    this.retryTimer = setTimeout(() => this.open(), wait);
  }

  private check(): void {
    const now = Date.now();
    const late = [...this.pending.values()].some(({ deadline }) => now > deadline);
    if (late || (this.phase === "opening" && now > this.openBy)) this.reconnect();
    else if (this.ready && this.pending.size === 0 && now - this.lastHeard > PING_MS)
      this.request(encodePing, IGNORE);
  }

  private reconnect(): void {
    this.drop();
    if (this.disposed) return;
    this.phase = "opening";
    this.announce("closed");
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.open(), backoff(this.attempt++));
  }

  /** Trying again by itself would not help: says what would. */
  private refuse(): void {
    this.drop();
    this.failOpening({ code: "refused", message: refusal(location.origin) });
  }

  private failOpening(reason: Reason): void {
    this.phase = "failed";
    this.attempt = 0;
    this.forgetRequests();
    this.announce("open");
    this.on.failed(reason);
  }

  private drop(): void {
    clearInterval(this.watch);
    const transport = this.transport;
    this.transport = null;
    transport?.close();
    this.forgetRequests();
  }

  private forgetRequests(): void {
    const lost = [...this.pending.values()];
    this.pending.clear();
    for (const { reply } of lost) reply.failed(LOST);
  }

  private announce(state: ConnectionState): void {
    if (state === this.state && state !== "connecting") return;
    this.state = state;
    this.on.state(state);
  }

  // Answers

  private receive(data: string | ArrayBuffer): void {
    this.lastHeard = Date.now();
    try {
      if (typeof data === "string") this.receiveText(readText(this.codec, data));
      else this.receiveBinary(readBinary(this.codec, data));
    } catch (error) {
      // What a handler raises is a defect of the page: it stays an error with a stack.
      if (!(error instanceof WireError)) throw error;
      this.unreadable(error);
    }
  }

  private receiveText(answer: ReturnType<typeof readText<Opened>>): void {
    if (answer.type === "pong") this.pending.delete(answer.seq);
    else if (answer.type === "error") this.receiveError(answer);
    else if (answer.type === "originals") this.on.originals?.(answer.state);
    else if (this.target && this.codec.answers(answer, this.target)) {
      if (this.phase !== "opening") return;
      this.phase = "ready";
      this.attempt = 0;
      this.announce("open");
      this.on.opened(answer);
    }
  }

  private receiveError(answer: Failure): void {
    const found = answer.seq === null ? undefined : this.pending.get(answer.seq);
    if (answer.seq !== null && !found) return; // nobody waits for it any more
    if (found) this.pending.delete(answer.seq as number);
    if (answer.code === "not-open" && this.ready) {
      found?.reply.failed(answer);
      this.reopen();
    } else if (found) found.reply.failed(answer);
    else if (this.phase === "opening" && answer.code !== "not-open") this.failOpening(answer);
    else if (this.ready) this.on.failed(answer);
  }

  private receiveBinary(answer: Frame | Items): void {
    const found = this.pending.get(answer.seq);
    if (!found) return;
    this.pending.delete(answer.seq);
    this.reopened = 0;
    found.reply.answer(answer);
  }

  /** An answer that cannot be read is still an answer: whoever waits for it hears that it failed. */
  private unreadable({ message, seq }: WireError): void {
    const reason: Reason = { code: "bad-answer", message };
    const failed = seq !== null && this.pending.has(seq) ? seq : [...this.pending.keys()][0];
    const found = this.pending.get(failed);
    this.pending.delete(failed);
    if (found) found.reply.failed(reason);
    else if (this.phase === "opening") this.failOpening(reason);
    else this.on.failed(reason);
  }
}
