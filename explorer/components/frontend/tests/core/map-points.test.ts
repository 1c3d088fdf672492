// The points of a map as the server packs them: what is read, and that a broken answer is refused.
import { describe, expect, it } from "vitest";
import { mapPoints, mapPositions, mapValues } from "../../src/core/map-points";

interface Parts {
  positions?: number;
  values?: number;
  scales?: number[];
  body?: ArrayBufferView[];
  magic?: string;
}

/** An answer with `count` points. */
function packed(count: number, parts: Parts): ArrayBuffer {
  const body = (parts.body ?? []).flatMap((each) => [
    ...new Uint8Array(each.buffer, each.byteOffset, each.byteLength),
  ]);
  const bytes = new Uint8Array(64 + body.length);
  bytes.set(new TextEncoder().encode(parts.magic ?? "LXM1"));
  bytes.set(body, 64);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, count, true);
  view.setUint8(8, parts.positions ?? 0);
  view.setUint8(9, parts.values ?? 0);
  (parts.scales ?? []).forEach((scale, place) => {
    view.setFloat64(16 + 8 * place, scale, true);
  });
  return bytes.buffer;
}

const read = (count: number, parts: Parts) => mapPoints(count, "The map")(packed(count, parts));

describe("the points of a map", () => {
  it("are numbers as they are", () => {
    const [xy, values] = [Float32Array.of(1, 2, -3, 0.1), Float32Array.of(7, Number.NaN)];
    expect(read(2, { positions: 1, values: 1, body: [xy, values] })).toEqual({ xy, values });
  });

  it("are numbers on a grid, rounded to 32 bits as the server rounds them", () => {
    const scales = [-1, 0.3, 2, 0.7, 10, 0.1];
    const found = read(2, {
      positions: 2,
      values: 3,
      scales,
      body: [Uint16Array.of(0, 1, 65535, 3), Uint16Array.of(5, 65535)],
    });
    expect(found.xy).toEqual(
      Float32Array.of(-1, Math.fround(2 + 0.7), Math.fround(-1 + 0.3 * 65535), 2 + 0.7 * 3),
    );
    expect(found.values).toEqual(Float32Array.of(10.5, Number.NaN));
  });

  it("have whole values in a byte", () => {
    const found = read(3, { values: 2, body: [Uint8Array.of(0, 254, 255)] });
    expect(found).toEqual({ xy: null, values: Float32Array.of(0, 254, Number.NaN) });
  });

  it("are refused where the answer breaks a rule", () => {
    const xy = Float32Array.of(1, 2);
    const broken: [string, ArrayBuffer][] = [
      ["too short", new ArrayBuffer(8)],
      ["another format", packed(1, { magic: "NOPE", positions: 1, body: [xy] })],
      ["2 points, not 1", packed(2, { positions: 1, body: [xy, xy] })],
      ["another length", packed(1, { positions: 1 })],
      ["another length", packed(1, { positions: 9, body: [xy] })],
      ["another length", packed(1, { values: 4, body: [xy] })],
      ["an impossible scale", packed(1, { positions: 1, body: [xy], scales: [Number.NaN] })],
    ];
    for (const [rule, buffer] of broken)
      expect(() => mapPoints(1, "The map")(buffer)).toThrow(rule);
    expect(() => mapPositions(1, "The map")(packed(1, {}))).toThrow("has no positions");
    expect(() => mapValues(1, "The map")(packed(1, {}))).toThrow("has no values");
  });
});
