// The connection and the frames over it, against a fake channel and a fake clock.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ItemsAnswer, ModelView, Opened } from "../../src/core/codec";
import { MODEL_VIEW } from "../../src/core/codec";
import { backoff, Connection, type ConnectionState, type Reason } from "../../src/core/connection";
import { FrameLoop } from "../../src/core/frame-loop";
import type { Transport, TransportListener } from "../../src/core/transport";

interface Frame {
  type: "frame";
  seq: number;
  pictures: string[];
}
type Sent = Record<string, unknown>;

class FakeChannel implements Transport {
  static made: FakeChannel[] = [];
  isOpen = false;
  sent: Sent[] = [];
  closed = false;

  constructor(private readonly listener: TransportListener) {
    FakeChannel.made.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
    this.isOpen = false;
  }
  accept(): void {
    this.isOpen = true;
    this.listener.opened();
  }
  lose(reason: "lost" | "refused" = "lost"): void {
    this.isOpen = false;
    this.listener.closed(reason);
  }
  say(answer: object): void {
    this.listener.message(JSON.stringify(answer));
  }
  opened(model = "faces-vae", view = "umap"): void {
    const rest = { version: "v", count: 9, latent: 2, shape: [1, 1, 1] };
    this.say({ type: "opened", protocol: 1, model, view, ...rest });
  }
  fail(code: string, seq: number | null, message = "oops"): void {
    this.say({ type: "error", code, message, seq });
  }
  binary(header: object): void {
    let text = JSON.stringify(header);
    while ((8 + text.length) % 4 !== 0) text += " ";
    const buffer = new ArrayBuffer(8 + text.length);
    new Uint8Array(buffer).set(new TextEncoder().encode(`LXP1    ${text}`));
    new DataView(buffer).setUint32(4, text.length, true);
    this.listener.message(buffer);
  }
  bytes(): void {
    this.listener.message(new ArrayBuffer(3));
  }
  of(type: string): Sent[] {
    return this.sent.filter((message) => message["type"] === type);
  }
  get frames(): number[] {
    return this.of("frame").map(({ seq }) => seq as number);
  }
  /** Answers the newest frame. */
  frame(seq = this.frames.at(-1) as number): void {
    this.binary({ type: "frame", seq, pictures: [] });
  }
}

const last = () => FakeChannel.made[FakeChannel.made.length - 1];

function make(paint: (frame: Frame) => void = () => {}) {
  const states: ConnectionState[] = [];
  const painted: number[] = [];
  const failures: Reason[] = [];
  const failed = (reason: Reason) => failures.push(reason);
  const connection = new Connection<ModelView, Opened, Frame, ItemsAnswer>(
    (listener) => new FakeChannel(listener),
    { ...MODEL_VIEW, frame: ({ seq }) => ({ type: "frame", seq: seq as number, pictures: [] }) },
    { state: (state) => states.push(state), opened: () => loop.mark(["A"], null), failed },
  );
  const loop = new FrameLoop<"A" | "B", { want: string[] }, Frame>({
    request: (waiting) => ({ body: { want: [...waiting] }, want: [...waiting] }),
    send: (body, reply) =>
      connection.request(
        (seq) => JSON.stringify({ type: "frame", seq, ...body }),
        reply as never,
      ) !== null,
    paint: (answer) => {
      painted.push(answer.seq);
      paint(answer);
    },
    timed: () => {},
    failed,
  });
  const start = () => {
    connection.ask({ model: "faces-vae", view: "umap" });
    last().accept();
    last().opened();
    last().frame();
    vi.advanceTimersByTime(50);
  };
  const move = (want: "A" | "B" = "A") => {
    vi.advanceTimersByTime(20);
    loop.mark([want], performance.now());
  };
  return { connection, loop, states, painted, failures, start, move };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal("location", { origin: "http://faces.lan:8501" });
  FakeChannel.made = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("backs off from 250 ms to 4 s, with jitter of half", () => {
  expect([0, 1, 2, 3, 4, 9].map((n) => backoff(n, () => 1))).toEqual([
    250, 500, 1000, 2000, 4000, 4000,
  ]);
  expect(backoff(3, () => 0)).toBe(1000);
});

describe("opening", () => {
  it("comes before anything else", () => {
    const { connection, states, move } = make();
    connection.ask({ model: "faces-vae", view: "umap" });
    move();
    expect(last().sent).toEqual([]);
    last().accept();
    expect(last().sent).toEqual([{ type: "open", protocol: 1, model: "faces-vae", view: "umap" }]);
    expect(states).toEqual(["connecting"]);
    last().opened();
    expect(states).toEqual(["connecting", "open"]);
    expect(last().frames).toHaveLength(1);
  });

  it("says what a page of a refused origin must do, and does not try again by itself", () => {
    const { connection, failures, states } = make();
    connection.ask({ model: "faces-vae", view: "umap" });
    last().accept();
    last().lose("refused");
    vi.advanceTimersByTime(60_000);
    expect(FakeChannel.made).toHaveLength(1);
    expect(failures[0].message).toContain("LATENT_ALLOWED_ORIGINS=http://faces.lan:8501");
    expect(states.at(-1)).toBe("open");
    connection.retry();
    expect(FakeChannel.made).toHaveLength(2);
  });

  it("says why a model does not open, and waits for another choice or a retry", () => {
    const { connection, failures, states } = make();
    connection.ask({ model: "broken", view: "umap" });
    last().accept();
    last().fail("broken-model", null, "no card.json");
    expect(failures.map(({ message }) => message)).toEqual(["no card.json"]);
    expect(states.at(-1)).toBe("open");
    vi.advanceTimersByTime(60_000);
    expect(last().of("open")).toHaveLength(1);
    connection.retry();
    expect(last().of("open")).toHaveLength(2);
    connection.ask({ model: "faces-vae", view: "umap" });
    last().opened();
    expect(last().frames).toHaveLength(1);
  });

  it("fails at once where the server's answer cannot be read", () => {
    const { connection, failures } = make();
    connection.ask({ model: "faces-vae", view: "umap" });
    last().accept();
    last().say({ type: "opened", protocol: 1, model: "faces-vae", view: "umap", shape: [9, 9, 9] });
    expect(failures.map(({ code }) => code)).toEqual(["bad-answer"]);
    vi.advanceTimersByTime(60_000);
    expect(FakeChannel.made).toHaveLength(1);
    connection.retry();
    last().opened();
    expect(last().frames).toHaveLength(1);
  });

  it("happens again when the server no longer has it open, and the lost frame is asked for again", () => {
    const { painted, failures, start, move } = make();
    start();
    move("B");
    last().fail("not-open", last().frames.at(-1) as number);
    vi.advanceTimersByTime(10);
    expect(last().of("open")).toHaveLength(2);
    expect(FakeChannel.made).toHaveLength(1);
    last().opened();
    expect(last().of("frame").at(-1)?.["want"]).toEqual(expect.arrayContaining(["A", "B"]));
    last().frame();
    expect(painted).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  it("gives up a connection that does not come about", () => {
    make().connection.ask({ model: "faces-vae", view: "umap" });
    vi.advanceTimersByTime(6500);
    expect(FakeChannel.made.length).toBeGreaterThan(1);
  });
});

describe("frames", () => {
  it("has one in flight, and sends the newest when it is answered", () => {
    const { painted, start, move } = make();
    start();
    const before = last().frames.length;
    for (let i = 0; i < 3; i++) move();
    expect(last().frames).toHaveLength(before + 1);
    last().frame();
    expect(painted).toHaveLength(2);
    vi.advanceTimersByTime(50);
    expect(last().frames).toHaveLength(before + 2);
  });

  it("drops answers that nobody waits for, and frames of what was left", () => {
    const { connection, painted, start, move } = make();
    start();
    last().frame(99);
    move();
    const [old] = last().frames.slice(-1);
    connection.ask({ model: "faces-vae", view: "pca" });
    last().frame(old);
    last().opened("faces-vae", "umap");
    expect(painted).toHaveLength(1);
    last().opened("faces-vae", "pca");
    vi.advanceTimersByTime(50);
    last().frame();
    expect(painted).toHaveLength(2);
  });

  it.each(["internal", "bad-answer"])("asks again for one that was lost (%s)", (code) => {
    const { painted, failures, start, move } = make();
    start();
    move("B");
    if (code === "internal") last().fail("internal", last().frames.at(-1) as number);
    else last().bytes();
    expect(failures.map((failure) => failure.code)).toEqual([code]);
    const before = last().frames.length;
    vi.advanceTimersByTime(500);
    expect(last().frames).toHaveLength(before + 1);
    expect(last().of("frame").at(-1)?.["want"]).toEqual(["B"]);
    last().frame();
    expect(painted).toHaveLength(2);
  });

  it("stops asking after a few tries, until something changes or a person tries again", () => {
    const { loop, failures, start, move } = make();
    start();
    move();
    for (let i = 0; i < 8; i++) {
      last().fail("internal", last().frames.at(-1) as number);
      vi.advanceTimersByTime(4000);
    }
    expect(failures).toHaveLength(4);
    const before = last().frames.length;
    loop.retry();
    expect(last().frames).toHaveLength(before + 1);
  });

  it("leaves what a paint handler raises an error with its stack, and goes on", () => {
    const { failures, start, move } = make(({ seq }) => {
      if (seq === 1) throw new RangeError("no such canvas");
    });
    start();
    move();
    expect(() => last().frame()).toThrow(RangeError);
    expect(failures.map(({ code }) => code)).toEqual(["internal"]);
    move();
    expect(last().frames).toHaveLength(3);
  });
});

describe("the line", () => {
  it("is made again with growing waits, and what was lost is asked for again", () => {
    const { states, start, move } = make();
    start();
    move("B");
    last().lose();
    expect(states.at(-1)).toBe("closed");
    vi.advanceTimersByTime(249);
    expect(FakeChannel.made).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(FakeChannel.made).toHaveLength(2);
    last().lose();
    vi.advanceTimersByTime(499);
    expect(FakeChannel.made).toHaveLength(2);
    vi.advanceTimersByTime(1);
    last().accept();
    last().opened();
    expect(states.at(-1)).toBe("open");
    expect(last().of("frame")[0]["want"]).toEqual(expect.arrayContaining(["A", "B"]));
    last().frame();
    last().lose();
    vi.advanceTimersByTime(250);
    expect(FakeChannel.made).toHaveLength(4);
  });

  it("is given up when a frame has no answer for five seconds", () => {
    const { states, start, move } = make();
    start();
    move();
    vi.advanceTimersByTime(4900);
    expect(states.at(-1)).toBe("open");
    vi.advanceTimersByTime(1500);
    expect(FakeChannel.made).toHaveLength(2);
  });

  it("is tried by a ping when idle", () => {
    make().start();
    vi.advanceTimersByTime(21_000);
    const ping = last().sent.at(-1);
    expect(ping).toMatchObject({ type: "ping" });
    last().say({ type: "pong", seq: ping?.["seq"] });
    vi.advanceTimersByTime(10_000);
    expect(FakeChannel.made).toHaveLength(1);
    vi.advanceTimersByTime(20_000);
    expect(FakeChannel.made.length).toBeGreaterThan(1);
  });

  it("stays closed once closed", () => {
    const { connection, states, start } = make();
    start();
    connection.close();
    vi.advanceTimersByTime(60_000);
    expect(states.at(-1)).toBe("closed");
    expect(FakeChannel.made).toHaveLength(1);
  });
});

it("tells who asked for items that they will not come", () => {
  const { connection, start } = make();
  start();
  const heard: string[] = [];
  const reply = {
    answer: (answer: { type: string }) => heard.push(answer.type),
    failed: ({ code }: Reason) => heard.push(code),
  };
  last().fail("busy", connection.items([1], "best", reply));
  connection.items([2], "best", reply);
  last().lose();
  expect(heard).toEqual(["busy", "lost"]);
  expect(connection.items([3], "best", reply)).toBeNull();
});
