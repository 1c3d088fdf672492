// The WebSocket client: reconnects by itself, one frame in flight, stale answers dropped.
import { refusal, serverUrl } from "./address";
import type {
  BinaryAnswer,
  FrameAnswer,
  FrameBody,
  ItemSource,
  ItemsAnswer,
  Opened,
  Originals,
  OriginalsState,
  Pong,
  ServerError,
} from "./wire";
import { encodeFrame, encodeItems, encodeOpen, encodePing, parseBinary, parseText } from "./wire";

export type Connection = "open" | "connecting" | "closed";

interface Answer<Type extends string> {
  type: Type;
  seq: number;
}

/** What is spoken over a socket: requests as text, answers from text and bytes. */
export interface Speech<
  Target,
  Open extends { type: "opened" },
  Body,
  Frame extends Answer<"frame">,
  Items extends Answer<"items">,
> {
  encodeOpen(target: Target): string;
  /** Whether an answer is to this target, and not to one that was asked for before. */
  answers(opened: Open, target: Target): boolean;
  encodeFrame(seq: number, body: Body): string;
  encodeItems(seq: number, items: readonly number[], source: ItemSource): string;
  parseText(message: string): Open | ServerError | Pong | Originals;
  parseBinary(buffer: ArrayBuffer): Frame | Items;
}

export interface SocketHandlers<
  Open = Opened,
  Body = FrameBody,
  Frame = FrameAnswer,
  Items = ItemsAnswer,
> {
  connection(state: Connection): void;
  /** The server holds what was asked for; frames may be asked. */
  opened(answer: Open): void;
  /** What to ask next, or null: called whenever a frame may be sent. */
  pull(): Body | null;
  frame(answer: Frame): void;
  items(answer: Items): void;
  /** An items request that will have no answer. */
  itemsFailed(seq: number): void;
  /** How the original pictures of what is open are; told after "opened" and at each change. */
  originals?(state: OriginalsState): void;
  error(message: string, code: string): void;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 4000;
const ANSWER_MS = 5000;
/** Opening may load a model from disk. */
const OPEN_MS = 30_000;
const PING_MS = 20_000;
const WATCH_MS = 500;
/** The server's close code for a page whose origin it does not accept. */
const REFUSED = 4403;

/** The wait before attempt n (from 0): 250 ms doubling to 4 s, each within half and all of it. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return full * (0.5 + 0.5 * random());
}

/** The address of a socket of this page's server. */
export function socketUrl(path: string): string {
  const url = new URL(serverUrl(path));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export class LiveSocket<
  Target,
  Open extends { type: "opened" },
  Body,
  Frame extends Answer<"frame">,
  Items extends Answer<"items">,
> {
  private socket: WebSocket | null = null;
  private state: Connection = "connecting";
  private target: Target | null = null;
  private ready = false;
  private refused = false;
  private disposed = false;
  private attempt = 0;
  private seq = 0;
  /** The one frame in flight. */
  private inFlight = -1;
  /** When the requests without an answer must have one: seq to time. */
  private readonly deadlines = new Map<number, number>();
  private readonly itemRequests = new Set<number>();
  private lastHeard = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly url: string,
    private readonly handlers: SocketHandlers<Open, Body, Frame, Items>,
    private readonly speech: Speech<Target, Open, Body, Frame, Items>,
  ) {}

  get connection(): Connection {
    return this.state;
  }

  /** Asks for a target; connects when needed. Later answers to older asks are dropped. */
  ask(target: Target): void {
    this.target = target;
    this.ready = false;
    this.refused = false;
    this.forgetRequests();
    if (this.socket?.readyState === WebSocket.OPEN) this.sendOpen();
    else if (!this.socket && this.retry === undefined) this.connect();
  }

  /** Something has changed: sends the next frame unless one is in flight. */
  wake(): void {
    if (!this.ready || this.inFlight >= 0) return;
    const body = this.handlers.pull();
    if (!body) return;
    this.inFlight = this.request(ANSWER_MS);
    this.socket?.send(this.speech.encodeFrame(this.inFlight, body));
  }

  /** Asks for pictures of items; gives the request's number, or null when not connected. */
  items(items: readonly number[], source: ItemSource): number | null {
    if (!this.ready) return null;
    const seq = this.request(2 * ANSWER_MS);
    this.itemRequests.add(seq);
    this.socket?.send(this.speech.encodeItems(seq, items, source));
    return seq;
  }

  close(): void {
    this.disposed = true;
    clearTimeout(this.retry);
    this.drop();
    this.announce("closed");
  }

  private request(patience: number): number {
    const seq = this.seq++;
    this.deadlines.set(seq, Date.now() + patience);
    return seq;
  }

  private connect(): void {
    this.retry = undefined;
    this.announce("connecting");
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.lastHeard = Date.now();
    const openBy = Date.now() + ANSWER_MS;
    socket.onopen = () => {
      if (this.socket === socket) this.sendOpen();
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(event.data);
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      if (code === REFUSED) this.refuse();
      else this.reconnect();
    };
    this.watch = setInterval(() => this.check(openBy), WATCH_MS);
  }

  private sendOpen(): void {
    if (!this.target) return;
    this.deadlines.set(-1, Date.now() + OPEN_MS);
    this.socket?.send(this.speech.encodeOpen(this.target));
  }

  private check(openBy: number): void {
    const now = Date.now();
    if (this.socket?.readyState === WebSocket.CONNECTING) {
      if (now > openBy) this.reconnect();
      return;
    }
    for (const deadline of this.deadlines.values()) {
      if (now > deadline) {
        this.reconnect();
        return;
      }
    }
    if (this.ready && this.deadlines.size === 0 && now - this.lastHeard > PING_MS)
      this.socket?.send(encodePing(this.request(ANSWER_MS)));
  }

  private reconnect(): void {
    this.drop();
    if (this.disposed) return;
    this.announce("closed");
    this.retry = setTimeout(() => this.connect(), backoff(this.attempt++));
  }

  /** Trying again would not help: says what would. */
  private refuse(): void {
    this.drop();
    this.announce("open");
    this.handlers.error(refusal(location.origin), "refused");
  }

  private drop(): void {
    clearInterval(this.watch);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.forgetRequests();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private forgetRequests(): void {
    this.inFlight = -1;
    this.deadlines.clear();
    const lost = [...this.itemRequests];
    this.itemRequests.clear();
    for (const seq of lost) this.handlers.itemsFailed(seq);
  }

  private announce(state: Connection): void {
    if (state === this.state && state !== "connecting") return;
    this.state = state;
    this.handlers.connection(state);
  }

  private receive(data: unknown): void {
    this.lastHeard = Date.now();
    try {
      if (typeof data === "string") this.receiveText(data);
      else if (data instanceof ArrayBuffer) this.receiveBinary(data);
    } catch (error) {
      this.handlers.error(error instanceof Error ? error.message : String(error), "bad-answer");
      // A frame that cannot be read is still an answer: do not wait for it.
      this.settle(this.inFlight);
    }
    this.wake();
  }

  private receiveText(data: string): void {
    const answer = this.speech.parseText(data);
    if (answer.type === "pong") this.deadlines.delete(answer.seq);
    else if (answer.type === "error") this.receiveError(answer);
    else if (answer.type === "originals") this.handlers.originals?.(answer.state);
    else if (this.target && this.speech.answers(answer, this.target)) {
      this.deadlines.delete(-1);
      this.ready = true;
      this.attempt = 0;
      this.announce("open");
      this.handlers.opened(answer);
    }
  }

  private receiveError(answer: ServerError): void {
    if (answer.seq !== null) {
      if (answer.seq !== this.inFlight && !this.deadlines.has(answer.seq)) return;
      const items = this.itemRequests.has(answer.seq);
      this.settle(answer.seq);
      if (items) this.handlers.itemsFailed(answer.seq);
      if (items && answer.code === "busy") return;
    } else if (!this.ready && !this.refused) {
      // The server is there but will not open this: say so, and wait for another choice.
      this.deadlines.delete(-1);
      this.refused = true;
      this.attempt = 0;
      this.announce("open");
    }
    this.handlers.error(answer.message, answer.code);
  }

  private receiveBinary(data: ArrayBuffer): void {
    const answer = this.speech.parseBinary(data);
    if (answer.type === "frame") {
      if (answer.seq !== this.inFlight) return;
      this.settle(answer.seq);
      this.handlers.frame(answer);
    } else if (this.itemRequests.has(answer.seq)) {
      this.settle(answer.seq);
      this.handlers.items(answer);
    }
  }

  private settle(seq: number): void {
    this.deadlines.delete(seq);
    this.itemRequests.delete(seq);
    if (seq === this.inFlight) this.inFlight = -1;
  }
}

/** A model and one of its maps. */
export interface ModelView {
  model: string;
  view: string;
}

/** The stage's speech; others say only what differs. */
export const STAGE: Speech<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer> = {
  encodeOpen: ({ model, view }) => encodeOpen(model, view),
  answers: (opened, { model, view }) => opened.model === model && opened.view === view,
  encodeFrame,
  encodeItems,
  parseText,
  parseBinary: (buffer): BinaryAnswer => parseBinary(buffer),
};

export class StageSocket extends LiveSocket<
  ModelView,
  Opened,
  FrameBody,
  FrameAnswer,
  ItemsAnswer
> {
  constructor(url: string, handlers: SocketHandlers) {
    super(url, handlers, STAGE);
  }

  open(model: string, view: string): void {
    this.ask({ model, view });
  }
}
