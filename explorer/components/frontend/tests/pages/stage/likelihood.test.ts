// Likelihoods are asked for when the hand rests, the newest wins, and an answer is not trusted.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  bitsPerDim,
  LikelihoodLoader,
  parseLikelihoods,
} from "../../../src/pages/stage/likelihood";
import type { Edit } from "../../../src/types";

vi.mock("../../../src/address", () => ({ serverUrl: (path: string) => `http://host${path}` }));

const handle = { item: 0, x: 0, y: 0, sliders: {} };
const edit: Edit = {
  A: handle,
  B: handle,
  target: "both",
  path: "straight",
  frames: 5,
  residual: "hold",
  level: 1,
};
const answer = (nats: number) => JSON.stringify({ A: nats, B: -2, strip: [-1, -2, -3, -4, -5] });

describe("parseLikelihoods", () => {
  it("reads a figure of each picture", () => {
    expect(parseLikelihoods(answer(-1), 5)).toEqual({ A: -1, B: -2, strip: [-1, -2, -3, -4, -5] });
  });

  it.each(["", "[]", '{"A": 1, "B": "2", "strip": []}', '{"A": 1, "B": 2, "strip": [1]}'])(
    "refuses %s",
    (text) => {
      expect(() => parseLikelihoods(text, 0)).toThrow("not valid");
    },
  );
});

it("counts a nat of a picture of two numbers as 0.72 bits each", () => {
  expect(bitsPerDim(-1, 2)).toBeCloseTo(1 / Math.log(2) / 2);
});

describe("LikelihoodLoader", () => {
  const show = vi.fn();
  const failed = vi.fn();
  const fetched = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", fetched);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.resetAllMocks();
  });

  it("asks once, for the last edit, after a rest", async () => {
    fetched.mockImplementation(async () => new Response(answer(-9)));
    const loader = new LikelihoodLoader(show, failed);
    loader.ask("/there", { ...edit, A: { ...handle, x: 1 } });
    await vi.advanceTimersByTimeAsync(60);
    loader.ask("/there", { ...edit, A: { ...handle, x: 2 } });
    expect(fetched).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(fetched).toHaveBeenCalledTimes(1);
    const url = new URL(fetched.mock.calls[0][0], "http://host");
    const frame = JSON.parse(url.searchParams.get("frame") ?? "");
    expect(frame).toMatchObject({ type: "frame", level: 1, want: ["A", "B", "strip"] });
    expect(frame.handles.A.x).toBe(2);
    expect(show).toHaveBeenCalledWith(expect.objectContaining({ A: -9 }));
  });

  it("drops an answer that a newer edit has overtaken", async () => {
    let late = (_: Response) => {};
    fetched.mockImplementation(
      () =>
        new Promise((done) => {
          late = done;
        }),
    );
    const loader = new LikelihoodLoader(show, failed);
    loader.ask("/there", edit);
    await vi.advanceTimersByTimeAsync(1000);
    loader.cancel();
    late(new Response(answer(-9)));
    await vi.advanceTimersByTimeAsync(1000);
    expect(show).not.toHaveBeenCalled();
    expect(failed).not.toHaveBeenCalled();
  });

  it("says why there is none", async () => {
    fetched.mockImplementation(async () => new Response("No such level.", { status: 400 }));
    new LikelihoodLoader(show, failed).ask("/there", edit);
    await vi.advanceTimersByTimeAsync(1000);
    expect(failed).toHaveBeenCalledWith(expect.stringContaining("No such level."));
  });
});
