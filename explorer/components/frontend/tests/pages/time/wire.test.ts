// The Time page's messages: what is sent, and that no answer is believed unseen.
import { describe, expect, it } from "vitest";
import { readBinary, readText } from "../../../src/core/codec";
import { encodeFrame, TIME } from "../../../src/pages/time/wire";

const HEADER = {
  type: "frame",
  seq: 4,
  sequence: 12,
  seen: 3,
  jump: 2,
  by: 1,
  shape: [1, 2, 2],
  groups: [
    ["belief", 2],
    ["belief-mean", 1],
  ],
};
const PIXELS = Uint8Array.from({ length: 12 }, (_, i) => i);

function binary(header: object, pixels: Uint8Array = PIXELS): ArrayBuffer {
  let text = JSON.stringify(header);
  while (new TextEncoder().encode(text).length % 4) text += " ";
  const head = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + head.length + pixels.length);
  bytes.set(new TextEncoder().encode("LXP1"));
  new DataView(bytes.buffer).setUint32(4, head.length, true);
  bytes.set(head, 8);
  bytes.set(pixels, 8 + head.length);
  return bytes.buffer;
}

describe("requests", () => {
  it("carry what is asked for and nothing else", () => {
    expect(JSON.parse(TIME.encodeOpen("tiny"))).toEqual({
      type: "open",
      protocol: 1,
      model: "tiny",
    });
    const body = { sequence: 1, seen: 2, jump: 3, samples: 4, seed: 5, steps: 6, by: 7 };
    const more = { ...body, want: ["jump" as const], model: "x" };
    expect(JSON.parse(encodeFrame(9, more))).toEqual({
      type: "frame",
      seq: 9,
      ...body,
      want: ["jump"],
    });
  });
});

describe("answers", () => {
  it("tell where the pictures of each group lie", () => {
    const answer = readBinary(TIME, binary(HEADER));
    expect(answer.groups).toEqual({
      belief: { first: 0, count: 2 },
      "belief-mean": { first: 2, count: 1 },
    });
    expect(answer.disagreement).toBeNull();
    expect([...answer.pixels]).toEqual([...PIXELS]);
    const disagreement = { now: [0.1, 0.2], ahead: [0.3, 0] };
    expect(readBinary(TIME, binary({ ...HEADER, disagreement })).disagreement).toEqual(
      disagreement,
    );
  });

  it.each([
    [{ groups: [["belief", 4]] }, "bytes of pixels"],
    [{ groups: [["belief", -1]] }, "groups is not a whole number"],
    [{ groups: [["elsewhere", 3]] }, "groups is unknown"],
    [{ groups: ["belief"] }, "not a pair"],
    [{ groups: {} }, "groups is not a list"],
    [{ disagreement: [1] }, "disagreement is not an object"],
    [{ disagreement: { now: ["1"], ahead: [] } }, "now is not a number"],
    [{ seen: -1 }, "seen is not a whole number"],
    [{ type: "items" }, "its type is unknown"],
  ])("that break a rule are refused: %j", (change, rule) => {
    expect(() => readBinary(TIME, binary({ ...HEADER, ...change }))).toThrow(rule as string);
  });

  it("open a model of sequences, or say why not", () => {
    const opened = {
      type: "opened",
      protocol: 1,
      model: "tiny",
      version: "v",
      shape: [1, 2, 2],
      count: 3,
      length: 10,
      longest: 4,
    };
    const answer = readText(TIME, JSON.stringify(opened));
    expect(answer).toMatchObject({ type: "opened", length: 10, longest: 4 });
    if (answer.type === "opened") expect(TIME.answers(answer, "tiny")).toBe(true);
    if (answer.type === "opened") expect(TIME.answers(answer, "other")).toBe(false);
    expect(() => readText(TIME, JSON.stringify({ ...opened, protocol: 2 }))).toThrow("protocol");
    expect(readText(TIME, '{"type":"pong","seq":3}')).toEqual({ type: "pong", seq: 3 });
  });
});
