// Requests say what the contract says; every malformed answer is refused, whatever its bytes.
import { describe, expect, it } from "vitest";
import { parseFloats, readBinary, readText } from "../../../src/core/codec";
import { WireError } from "../../../src/core/readers";
import { encodeFrame, frameBody, STAGE } from "../../../src/pages/stage/wire";
import type { Edit } from "../../../src/types";

const edit: Edit = {
  A: { item: 3, x: 1.5, y: -2, sliders: { smile: 0.5, hat: 0, beard: 9 } },
  B: { item: 4, x: 0, y: 0, sliders: {} },
  target: "both",
  path: "great-circle",
  frames: 5,
  residual: "fade",
  level: 0,
};

type Header = Record<string, unknown>;

function binary(header: Header | string, pixels: number): ArrayBuffer {
  let text = typeof header === "string" ? header : JSON.stringify(header);
  while ((8 + new TextEncoder().encode(text).length) % 4 !== 0) text += " ";
  const encoded = new TextEncoder().encode(text);
  const buffer = new ArrayBuffer(8 + encoded.length + pixels);
  new Uint8Array(buffer).set([76, 88, 80, 49]);
  new DataView(buffer).setUint32(4, encoded.length, true);
  new Uint8Array(buffer).set(encoded, 8);
  const body = new Uint8Array(buffer, 8 + encoded.length);
  for (let i = 0; i < pixels; i++) body[i] = i % 251;
  return buffer;
}

const frame: Header = {
  type: "frame",
  seq: 7,
  shape: [3, 2, 4],
  pictures: ["A", "S0", "S1"],
  handles: { A: { percentile: 73.2, distance: 1.2, nearest: 417 } },
  path: [
    [0, 1],
    [2, 3],
  ],
  off: [10, 99.5],
};
const items: Header = {
  type: "items",
  seq: 2,
  shape: [1, 3, 3],
  items: [5, 9],
  sources: ["original", "reconstruction"],
  names: ["test 50", "train 90"],
  labels: [{ Smile: "0.71" }, {}],
};

describe("requests", () => {
  it("sends only sliders that are set, and within the server's bounds", () => {
    const body = frameBody(edit, ["A"]);
    expect(body.handles).toEqual({
      A: { item: 3, x: 1.5, y: -2, sliders: { smile: 0.5, beard: 5 } },
    });
    expect(body.strip).toBeUndefined();
  });

  it("sends both handles and the path for a strip", () => {
    const sent = JSON.parse(encodeFrame(12, frameBody(edit, ["A", "strip"])));
    expect(sent).toMatchObject({
      type: "frame",
      seq: 12,
      want: ["A", "strip"],
      strip: { frames: 5, path: "great-circle" },
      residual: "fade",
    });
    expect(Object.keys(sent.handles)).toEqual(["A", "B"]);
  });

  it("names a level only where one moves alone", () => {
    expect(frameBody(edit, ["A"])).not.toHaveProperty("level");
    expect(frameBody({ ...edit, level: 2 }, ["A"]).level).toBe(2);
  });

  it("opens with the protocol's number", () => {
    expect(JSON.parse(STAGE.encodeOpen({ model: "faces-vae", view: "umap" }))).toEqual({
      type: "open",
      protocol: 1,
      model: "faces-vae",
      view: "umap",
    });
  });
});

describe("text answers", () => {
  it("reads opened, error and pong", () => {
    const opened = {
      type: "opened",
      protocol: 1,
      model: "m",
      version: "v",
      view: "umap",
      count: 10,
      latent: 2,
      shape: [1, 28, 28],
    };
    expect(readText(STAGE, JSON.stringify(opened))).toMatchObject({ model: "m", count: 10 });
    const error = '{"type":"error","code":"busy","message":"wait","seq":null}';
    expect(readText(STAGE, error)).toEqual({
      type: "error",
      code: "busy",
      message: "wait",
      seq: null,
    });
    expect(readText(STAGE, '{"type":"pong","seq":3}')).toEqual({ type: "pong", seq: 3 });
  });

  it.each([
    ["", "not JSON"],
    ["[1]", "not an object"],
    ["null", "not an object"],
    ['{"type":"hello"}', "type is unknown"],
    ['{"type":"pong","seq":-1}', "seq is not a whole number"],
    ['{"type":"pong","seq":1.5}', "seq is not a whole number"],
    ['{"type":"error","code":3,"message":"m","seq":1}', "code is unknown"],
    ['{"type":"opened","protocol":2}', "protocol is not 1"],
  ])("refuses %s", (text, rule) => {
    expect(() => readText(STAGE, text)).toThrow(WireError);
    expect(() => readText(STAGE, text)).toThrow(rule);
  });
});

describe("binary answers", () => {
  it("reads a frame and its pixels", () => {
    const answer = readBinary(STAGE, binary(frame, 72));
    if (answer.type !== "frame") throw new Error("not a frame");
    expect(answer.pictures).toEqual(["A", "S0", "S1"]);
    expect(answer.handles.A).toEqual({ percentile: 73.2, distance: 1.2, nearest: 417 });
    expect(answer.path).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(answer.pixels).toHaveLength(72);
    expect(answer.pixels[25]).toBe(25);
  });

  it("reads a frame of a model that has no gauge", () => {
    const handles = { A: { percentile: null, distance: 1.2, nearest: 417 } };
    const answer = readBinary(STAGE, binary({ ...frame, handles, off: [] }, 72));
    if (answer.type !== "frame") throw new Error("not a frame");
    expect(answer.handles.A?.percentile).toBeNull();
    expect(answer.off).toEqual([]);
  });

  it("reads items", () => {
    const answer = readBinary(STAGE, binary(items, 18));
    expect(answer).toMatchObject({
      items: [5, 9],
      names: ["test 50", "train 90"],
      labels: [{ Smile: "0.71" }, {}],
    });
  });

  const broken: [string, Header | string, number, string][] = [
    ["too few pixels", frame, 71, "71 bytes of pixels, not 72"],
    ["too many pixels", frame, 73, "73 bytes of pixels, not 72"],
    ["a huge shape", { ...frame, shape: [3, 1e9, 1e9] }, 72, "impossible side"],
    ["two channels", { ...frame, shape: [2, 2, 4] }, 72, "channels"],
    ["a shape of two", { ...frame, shape: [3, 4] }, 72, "2 entries, not 3"],
    ["an unknown picture", { ...frame, pictures: ["A", "S0", "C"] }, 72, "a picture is unknown"],
    ["no pictures", { ...frame, pictures: null }, 72, "not a list"],
    ["a missing reading", { ...frame, handles: {} }, 72, "A has no gauge's reading"],
    ["null handles", { ...frame, handles: null }, 72, "handles is not an object"],
    ["a short path", { ...frame, path: [[0, 1]] }, 72, "1 entries, not 2"],
    [
      "a path of text",
      {
        ...frame,
        path: [
          ["a", 1],
          [1, 2],
        ],
      },
      72,
      "path is not a number",
    ],
    ["a path of numbers", { ...frame, path: [1, 2] }, 72, "not a pair"],
    ["a short off", { ...frame, off: [1] }, 72, "1 entries, not 2"],
    ["a negative number", { ...frame, seq: -1 }, 72, "seq is not a whole number"],
    ["no type", { seq: 1 }, 0, "type is unknown"],
    ["text that is not JSON", "{oops", 0, "not JSON"],
    ["a negative item", { ...items, items: [5, -9] }, 18, "items is not a whole number"],
    ["too few labels", { ...items, labels: [{}] }, 18, "1 entries, not 2"],
    ["labels of text", { ...items, labels: ["a", "b"] }, 18, "labels is not an object"],
  ];
  it.each(broken)("refuses %s", (_, header, pixels, rule) => {
    expect(() => readBinary(STAGE, binary(header, pixels))).toThrow(rule);
  });

  it("refuses a wrong magic, a cut header, a lying length and odd alignment", () => {
    const good = new Uint8Array(binary(frame, 72));
    const magic = good.slice();
    magic[0] = 0;
    expect(() => readBinary(STAGE, magic.buffer)).toThrow("LXP1");
    const lying = good.slice();
    new DataView(lying.buffer).setUint32(4, 0xfffffff0, true);
    expect(() => readBinary(STAGE, lying.buffer)).toThrow("cut off");
    const odd = good.slice();
    const length = new DataView(odd.buffer).getUint32(4, true);
    new DataView(odd.buffer).setUint32(4, length + 1, true);
    expect(() => readBinary(STAGE, odd.buffer)).toThrow("aligned");
    const bytes = good.slice();
    bytes[9] = 0xff;
    expect(() => readBinary(STAGE, bytes.buffer)).toThrow("UTF-8");
  });

  it("refuses any cut of a good answer, always with a WireError", () => {
    const good = new Uint8Array(binary(frame, 72));
    for (let n = 0; n < good.length; n++)
      expect(() => readBinary(STAGE, good.slice(0, n).buffer)).toThrow(WireError);
  });

  it("never throws anything else for random bytes", () => {
    let state = 1;
    for (let n = 0; n < 500; n++) {
      const good = new Uint8Array(binary(n % 2 ? frame : items, n % 2 ? 72 : 18));
      for (let k = 0; k < 1 + (n % 5); k++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        good[state % good.length] = state >>> 24;
      }
      try {
        readBinary(STAGE, good.buffer);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });

  it("checks the length of arrays fetched over HTTP", () => {
    expect(parseFloats(Float32Array.of(1, 2).buffer, 2, "The map")).toEqual(Float32Array.of(1, 2));
    expect(() => parseFloats(new ArrayBuffer(7), 2, "The map")).toThrow(
      "The map has 7 bytes, not 8",
    );
  });
});
