// The socket's state machine against a fake WebSocket and a fake clock.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, type Connection, StageSocket } from "../src/socket";
import type { FrameAnswer, FrameBody, ItemsAnswer } from "../src/wire";

class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  readyState = 0;
  binaryType = "";
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  lose(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  say(answer: object): void {
    this.onmessage?.({ data: JSON.stringify(answer) });
  }
  opened(model = "faces-vae", view = "umap"): void {
    const rest = { version: "v", count: 9, latent: 2, shape: [1, 1, 1] };
    this.say({ type: "opened", protocol: 1, model, view, ...rest });
  }
  frame(seq: number): void {
    const header = {
      type: "frame",
      seq,
      shape: [1, 1, 4],
      pictures: ["A"],
      handles: { A: { percentile: 1, distance: 1, nearest: 1 } },
    };
    this.binary(header, 4);
  }
  binary(header: object, pixels: number): void {
    let text = JSON.stringify(header);
    while ((8 + text.length) % 4 !== 0) text += " ";
    const buffer = new ArrayBuffer(8 + text.length + pixels);
    new Uint8Array(buffer).set(new TextEncoder().encode(`LXP1    ${text}`));
    new DataView(buffer).setUint32(4, text.length, true);
    this.onmessage?.({ data: buffer });
  }
  frames(): number[] {
    return this.sent.filter((m) => m["type"] === "frame").map((m) => m["seq"] as number);
  }
}

const last = () => FakeSocket.made[FakeSocket.made.length - 1];

function make() {
  const states: Connection[] = [];
  const frames: FrameAnswer[] = [];
  const items: ItemsAnswer[] = [];
  const failed: number[] = [];
  const errors: string[] = [];
  let pending: FrameBody | null = null;
  const socket = new StageSocket("ws://test/live/socket", {
    connection: (state) => states.push(state),
    opened: () => {},
    pull: () => {
      const body = pending;
      pending = null;
      return body;
    },
    frame: (answer) => frames.push(answer),
    items: (answer) => items.push(answer),
    itemsFailed: (seq) => failed.push(seq),
    error: (message) => errors.push(message),
  });
  const ask = () => {
    pending = { want: ["A"], handles: {}, residual: "hold" };
    socket.wake();
  };
  const start = () => {
    socket.open("faces-vae", "umap");
    last().accept();
    last().opened();
  };
  return { socket, states, frames, items, failed, errors, ask, start };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  FakeSocket.made = [];
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("an origin that the server does not accept", () => {
  it("is said with what to set, and not tried again", () => {
    vi.stubGlobal("location", { origin: "http://faces.lan:8501" });
    const { socket, states, errors } = make();
    socket.open("faces-vae", "umap");
    last().accept();
    last().lose(4403);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(errors).toEqual([
      expect.stringContaining("LATENT_ALLOWED_ORIGINS=http://faces.lan:8501"),
    ]);
    expect(states.at(-1)).toBe("open");
  });
});

describe("backoff", () => {
  it("doubles from 250 ms to 4 s, with jitter of half", () => {
    expect([0, 1, 2, 3, 4, 5, 9].map((n) => backoff(n, () => 1))).toEqual([
      250, 500, 1000, 2000, 4000, 4000, 4000,
    ]);
    expect(backoff(3, () => 0)).toBe(1000);
  });
});

describe("StageSocket", () => {
  it("opens the model before anything else", () => {
    const { socket, states, ask } = make();
    socket.open("faces-vae", "umap");
    ask();
    expect(last().sent).toEqual([]);
    last().accept();
    expect(last().sent).toEqual([{ type: "open", protocol: 1, model: "faces-vae", view: "umap" }]);
    expect(states).toEqual(["connecting"]);
    last().opened();
    expect(states).toEqual(["connecting", "open"]);
    expect(last().frames()).toEqual([0]);
  });

  it("has one frame in flight, and sends the newest when it is answered", () => {
    const { frames, ask, start } = make();
    start();
    ask();
    ask();
    ask();
    expect(last().frames()).toHaveLength(1);
    last().frame(last().frames()[0]);
    expect(frames).toHaveLength(1);
    expect(last().frames()).toHaveLength(2);
  });

  it("drops answers that nobody waits for", () => {
    const { frames, ask, start } = make();
    start();
    ask();
    last().frame(99);
    expect(frames).toHaveLength(0);
    last().frame(last().frames()[0]);
    last().frame(last().frames()[0]);
    expect(frames).toHaveLength(1);
  });

  it("drops frames of a view that was left", () => {
    const { socket, frames, ask, start } = make();
    start();
    ask();
    const [old] = last().frames();
    socket.open("faces-vae", "pca");
    last().frame(old);
    last().opened("faces-vae", "umap");
    ask();
    expect(frames).toHaveLength(0);
    expect(last().frames()).toHaveLength(1);
    last().opened("faces-vae", "pca");
    expect(last().frames()).toHaveLength(2);
  });

  it("reconnects with growing waits, opens again and goes on", () => {
    const { states, ask, start } = make();
    start();
    last().lose();
    expect(states.at(-1)).toBe("closed");
    vi.advanceTimersByTime(249);
    expect(FakeSocket.made).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made).toHaveLength(2);
    expect(states.at(-1)).toBe("connecting");
    last().lose();
    vi.advanceTimersByTime(499);
    expect(FakeSocket.made).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made).toHaveLength(3);
    last().accept();
    expect(last().sent[0]).toMatchObject({ type: "open", model: "faces-vae" });
    last().opened();
    expect(states.at(-1)).toBe("open");
    ask();
    expect(last().frames()).toHaveLength(1);
    last().lose();
    vi.advanceTimersByTime(250);
    expect(FakeSocket.made).toHaveLength(4);
  });

  it("reconnects when a frame has no answer for five seconds", () => {
    const { states, ask, start } = make();
    start();
    ask();
    vi.advanceTimersByTime(4900);
    expect(states.at(-1)).toBe("open");
    vi.advanceTimersByTime(1000);
    expect(["closed", "connecting"]).toContain(states.at(-1));
    vi.advanceTimersByTime(500);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it("gives up a connection that does not come about", () => {
    const { socket } = make();
    socket.open("faces-vae", "umap");
    vi.advanceTimersByTime(6500);
    expect(FakeSocket.made.length).toBeGreaterThan(1);
  });

  it("notices a dead line when idle, by a ping", () => {
    const { start } = make();
    start();
    vi.advanceTimersByTime(21_000);
    const ping = last().sent.at(-1);
    expect(ping).toMatchObject({ type: "ping" });
    last().say({ type: "pong", seq: ping?.["seq"] });
    vi.advanceTimersByTime(10_000);
    expect(FakeSocket.made).toHaveLength(1);
    vi.advanceTimersByTime(20_000);
    expect(FakeSocket.made.length).toBeGreaterThan(1);
  });

  it("says why a model does not open, and waits for another choice", () => {
    const { socket, states, errors, ask } = make();
    socket.open("broken", "umap");
    last().accept();
    last().say({ type: "error", code: "broken-model", message: "no card.json", seq: null });
    expect(errors).toEqual(["no card.json"]);
    expect(states.at(-1)).toBe("open");
    ask();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(last().frames()).toEqual([]);
    socket.open("faces-vae", "umap");
    last().opened();
    expect(last().frames()).toHaveLength(1);
  });

  it("goes on after an error answer and after a malformed one", () => {
    const { errors, ask, start } = make();
    start();
    ask();
    last().say({ type: "error", code: "internal", message: "oops", seq: last().frames()[0] });
    ask();
    expect(last().frames()).toHaveLength(2);
    last().onmessage?.({ data: new ArrayBuffer(3) });
    ask();
    expect(last().frames()).toHaveLength(3);
    expect(errors).toHaveLength(2);
  });

  it("tells who asked for items that they will not come", () => {
    const { socket, items, failed, errors, start } = make();
    start();
    const first = socket.items([1], "best");
    last().say({ type: "error", code: "busy", message: "busy", seq: first });
    expect(failed).toEqual([first]);
    expect(errors).toEqual([]);
    const second = socket.items([1], "best");
    const more = { sources: ["original"], names: ["test 1"], labels: [{}] };
    last().binary({ type: "items", seq: second, shape: [1, 1, 4], items: [1], ...more }, 4);
    expect(items).toHaveLength(1);
    const third = socket.items([2], "best");
    last().lose();
    expect(failed).toEqual([first, third]);
    expect(socket.items([2], "best")).toBeNull();
  });

  it("stays closed once closed", () => {
    const { socket, states, start } = make();
    start();
    socket.close();
    vi.advanceTimersByTime(60_000);
    expect(states.at(-1)).toBe("closed");
    expect(FakeSocket.made).toHaveLength(1);
  });
});
