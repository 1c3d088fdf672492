// The comparison's messages: what is sent, and that no answer is believed unseen.
import { describe, expect, it } from "vitest";
import { readBinary, readText } from "../../../src/core/codec";
import { COMPARE, encodeFrame } from "../../../src/pages/compare/wire";

const reading = { x: 1, y: 2, percentile: 50, nearest: 4, error: 0.01 };
const frame = {
  type: "frame",
  seq: 3,
  shape: [1, 2, 2],
  by: null as number | null,
  original: true,
  models: [reading, { ...reading, error: null, nearest: null }],
};
const items = {
  type: "items",
  seq: 4,
  shape: [1, 1, 2],
  models: 2,
  items: [5, 6],
  originals: [true, false],
  names: ["test 50", "test 60"],
  labels: [{ Digit: "5" }, {}],
};
const opened = {
  type: "opened",
  protocol: 1,
  models: [{ model: "a", version: "1", view: "umap", latent: 2 }],
  count: 9,
  shape: [1, 2, 2],
};

function binary(header: object, pixels: number): ArrayBuffer {
  let text = JSON.stringify(header);
  while ((8 + text.length) % 4 !== 0) text += " ";
  const buffer = new ArrayBuffer(8 + text.length + pixels);
  new Uint8Array(buffer).set(new TextEncoder().encode(`LXP1    ${text}`));
  new DataView(buffer).setUint32(4, text.length, true);
  return buffer;
}

describe("requests", () => {
  it("say what the server reads", () => {
    expect(JSON.parse(COMPARE.encodeOpen([{ model: "a", view: "umap" }]))).toEqual({
      type: "open",
      protocol: 1,
      models: [{ model: "a", view: "umap" }],
    });
    const drives = [{ by: 1, x: 0.5, y: 2 }];
    expect(JSON.parse(encodeFrame(7, { item: 3, drives }))).toEqual({
      type: "frame",
      seq: 7,
      item: 3,
      drives,
    });
  });
});

describe("a text answer", () => {
  it("tells which models are open, and whether they are those that were asked for", () => {
    const answer = readText(COMPARE, JSON.stringify(opened));
    if (answer.type !== "opened") throw new Error("not opened");
    expect(answer.count).toBe(9);
    expect(COMPARE.answers(answer, [{ model: "a", view: "umap" }])).toBe(true);
    expect(COMPARE.answers(answer, [{ model: "a", view: "pca" }])).toBe(false);
    expect(COMPARE.answers(answer, [])).toBe(false);
  });

  it("may be an error or a pong", () => {
    const error = { type: "error", code: "busy", message: "wait", seq: 2 };
    expect(readText(COMPARE, JSON.stringify(error))).toEqual(error);
    expect(readText(COMPARE, '{"type":"pong","seq":1}')).toEqual({ type: "pong", seq: 1 });
  });

  it.each([
    [{ ...opened, protocol: 2 }],
    [{ ...opened, models: [5] }],
    [{ ...opened, models: [{ model: "a" }] }],
    [{ ...opened, shape: [2, 2, 2] }],
    [{ type: "love" }],
  ])("is refused: %j", (value) => {
    expect(() => readText(COMPARE, JSON.stringify(value))).toThrow("not valid");
  });
});

describe("a frame's answer", () => {
  it("has the original first and a picture a model", () => {
    const answer = readBinary(COMPARE, binary(frame, 12));
    expect(answer).toMatchObject({ type: "frame", seq: 3, by: null, original: true });
    expect(answer.pixels).toHaveLength(12);
    const driven = readBinary(COMPARE, binary({ ...frame, by: 1, original: false }, 8));
    expect(driven).toMatchObject({ by: 1, original: false });
  });

  it("keeps percentiles in range", () => {
    const models = [{ ...reading, percentile: 200 }, reading];
    const answer = readBinary(COMPARE, binary({ ...frame, models }, 12));
    if (answer.type !== "frame") throw new Error("not a frame");
    expect(answer.models[0].percentile).toBe(100);
  });

  it.each([
    ["too few pixels", frame, 8],
    ["an original that no one sent", { ...frame, original: false }, 12],
    ["a driver that is no model", { ...frame, by: 2, original: false }, 8],
    ["both an original and a driver", { ...frame, by: 0 }, 12],
    ["a place that is no number", { ...frame, models: [{ ...reading, x: null }, reading] }, 12],
    ["a flag that is none", { ...frame, original: 1 }, 12],
    ["no models", { ...frame, models: 5 }, 12],
  ])("is refused with %s", (_, header, pixels) => {
    expect(() => readBinary(COMPARE, binary(header, pixels))).toThrow("not valid");
  });
});

describe("an answer with items", () => {
  it("has a picture a model, and the original where it is there", () => {
    const answer = readBinary(COMPARE, binary(items, 2 * (2 * 2 + 1)));
    expect(answer).toMatchObject({
      items: [5, 6],
      originals: [true, false],
      names: ["test 50", "test 60"],
    });
  });

  it.each([
    ["too many pixels", items, 12],
    ["an item that is none", { ...items, items: [5, -6] }, 10],
    ["labels for one only", { ...items, labels: [{}] }, 10],
    ["another type", { ...items, type: "thing" }, 10],
  ])("is refused with %s", (_, header, pixels) => {
    expect(() => readBinary(COMPARE, binary(header, pixels))).toThrow("not valid");
  });
});
