// Work over points: few at once, many in a worker; none is lost when the worker fails, and the latest can be the only one.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { WorkRequest } from "../../src/map/point-work";
import type { Selection } from "../../src/map/select";

const posted: WorkRequest[] = [];
let fails: () => void = () => {};
let answers: (value: unknown) => void = () => {};

class FakeWorker {
  onmessage: (event: unknown) => void = () => {};
  onerror: (event: unknown) => void = () => {};
  constructor() {
    fails = () => this.onerror({ preventDefault: () => {} });
    answers = (value) => this.onmessage({ data: { serial: posted.shift()?.serial, value } });
  }
  postMessage(request: WorkRequest): void {
    posted.push(request);
  }
  terminate(): void {}
}
vi.stubGlobal("Worker", FakeWorker);
URL.createObjectURL = () => "blob:worker";

const MANY = 30_000;
const found = (count: number) => {
  const marks = new Uint8Array(count);
  marks[2] = 1;
  return marks;
};

describe("work over points", () => {
  beforeEach(() => {
    posted.length = 0;
    vi.resetModules(); // every test starts a worker of its own
  });

  it("is done at once for few", async () => {
    const { overPoints } = await import("../../src/map/over-points");
    let selection: Selection | null = null;
    overPoints(5, "join", [null, found(5), "replace"], (done) => {
      selection = done;
    });
    expect(selection).toEqual({ marks: found(5), bits: btoa("\x04"), count: 1 });
    expect(posted).toEqual([]);
  });

  it("is done in a worker for many, of which only the latest may count", async () => {
    const { Latest } = await import("../../src/map/over-points");
    const seen: unknown[] = [];
    const latest = new Latest();
    for (const bits of ["AA==", "AQ=="])
      latest.ask(MANY, "readBits", [bits, MANY], (value) => seen.push(value));
    expect(posted.map(({ name, args }) => [name, args[0]])).toEqual([
      ["readBits", "AA=="],
      ["readBits", "AQ=="],
    ]);
    answers("former");
    answers("latest");
    expect(seen).toEqual(["latest"]);
  });

  it("is done here when the worker fails", async () => {
    const { overPoints } = await import("../../src/map/over-points");
    const counts: (number | undefined)[] = [];
    const ask = () =>
      overPoints(MANY, "join", [null, found(MANY), "replace"], (done) => counts.push(done?.count));
    ask();
    ask();
    expect(counts).toEqual([]);
    fails();
    expect(counts).toEqual([1, 1]);
    ask();
    expect(counts).toEqual([1, 1, 1]);
  });
});
