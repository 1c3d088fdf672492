// The code grid's answers: what is taken, and what is refused.
import { describe, expect, it } from "vitest";
import { readBinary } from "../../../src/core/codec";
import { encode } from "../../../src/pages/codes/grids";
import { enlarged } from "../../../src/pages/codes/save";
import { codesCodec, encodeFrame } from "../../../src/pages/codes/wire";

const LEVELS = [{ rows: 1, columns: 2 }];
const CODES = encode([Uint16Array.from([3, 4])]);
const parseBinary = (buffer: ArrayBuffer) =>
  readBinary(
    codesCodec(() => LEVELS),
    buffer,
  );

function bytes(header: object, pixels: number): ArrayBuffer {
  let text = JSON.stringify(header);
  text += " ".repeat((4 - (text.length % 4)) % 4);
  const buffer = new ArrayBuffer(8 + text.length + pixels);
  const view = new DataView(buffer);
  view.setUint32(0, 0x3150584c, true);
  view.setUint32(4, text.length, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(text), 8);
  return buffer;
}

const FRAME = {
  type: "frame",
  seq: 3,
  shape: [1, 2, 2],
  pictures: ["picture", "step", "S0"],
  step: CODES,
  strip: [CODES],
};

describe("an answer", () => {
  it("has pictures, and the codes of the steps", () => {
    const answer = parseBinary(bytes(FRAME, 12));
    if (answer.type !== "frame") throw new Error("no frame");
    expect(answer.pictures).toEqual(["picture", "step", "S0"]);
    expect([...(answer.step?.[0] ?? [])]).toEqual([3, 4]);
    expect(answer.strip.length).toBe(1);
    expect(answer.pixels.length).toBe(12);
  });

  it.each([
    [{ step: null }, 12],
    [{ step: "AA" }, 12],
    [{ strip: [] }, 12],
    [{ strip: [CODES, CODES] }, 12],
    [{ strip: ["x"] }, 12],
    [{ pictures: ["picture", "step", "C"] }, 12],
    [{ pictures: ["picture", "a", "S0"] }, 12],
    [{ seq: -1 }, 12],
    [{}, 11],
  ])("is refused where it does not hold: %j with %i bytes", (changes, pixels) => {
    expect(() => parseBinary(bytes({ ...FRAME, ...changes }, pixels))).toThrow("not valid");
  });
});

it("a request carries what is painted and what is wanted", () => {
  const body = { codes: CODES, a: CODES, b: CODES, t: 0.5, frames: 9, probe: null } as const;
  const sent = JSON.parse(encodeFrame(4, { ...body, want: ["picture"] }));
  expect(sent).toEqual({ type: "frame", seq: 4, ...body, want: ["picture"] });
});

it("a small picture is saved large enough to be seen", () => {
  expect([enlarged(28, 28), enlarged(64, 64), enlarged(512, 600), enlarged(2000, 1500)]).toEqual([
    19, 8, 1, 1,
  ]);
});
