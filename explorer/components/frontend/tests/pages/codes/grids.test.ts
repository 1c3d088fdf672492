// Codes as a text, under a brush, swapped between images, and told apart on a walk.
import { describe, expect, it } from "vitest";
import {
  brushed,
  decode,
  encode,
  type Grids,
  origins,
  painted,
  readEdit,
  roundShare,
  sameGrids,
  stroke,
  swapped,
  tally,
} from "../../../src/pages/codes/grids";

const LEVELS = [
  { rows: 1, columns: 2 },
  { rows: 2, columns: 3 },
];
const grids = (top: number[], bottom: number[]): Grids => [
  Uint16Array.from(top),
  Uint16Array.from(bottom),
];
const A = grids([1, 2], [0, 1, 2, 3, 4, 5]);
const B = grids([1, 9], [9, 9, 2, 9, 9, 65535]);

describe("codes as a text", () => {
  it("is what Python writes: little-endian, base64 for addresses, no padding", () => {
    expect(encode([Uint16Array.from([0, 1, 62, 511, 65535])])).toBe("AAABAD4A_wH__w");
    expect(encode([Uint16Array.from([0xfbff])])).toBe("__s");
  });

  it("comes back as it went", () => {
    expect(decode(encode(B), LEVELS)).toEqual(B);
  });

  it.each([
    [null],
    [7],
    [""],
    ["AAA"],
    [encode([A[0]])],
    [`${encode(A)}AAAA`],
    ["ä".repeat(22)],
    ["!!!!"],
  ])("is refused where it does not fit: %j", (text) => {
    expect(decode(text, LEVELS)).toBeNull();
  });
});

describe("a brush", () => {
  const shape = { rows: 4, columns: 5 };
  it.each([
    [1, 2.5, 1.5, [7]],
    [1, 2.01, 1.99, [7]],
    [2, 2.9, 1.9, [7, 8, 12, 13]],
    [2, 2.1, 1.1, [1, 2, 6, 7]],
    [3, 2.5, 1.5, [1, 2, 3, 6, 7, 8, 11, 12, 13]],
    [3, 0.5, 0.5, [0, 1, 5, 6]],
    [3, 4.5, 3.5, [13, 14, 18, 19]],
    [1, -0.5, 1.5, []],
    [1, 2.5, 4.2, []],
  ] as const)("of %i at (%f, %f) covers what lies inside", (size, x, y, cells) => {
    expect(brushed(shape, x, y, size)).toEqual([...cells]);
  });

  it("that moves fast skips no cell", () => {
    const points = stroke([0.5, 0.5], [4.5, 2.5]);
    const cells = points.flatMap(([x, y]) => brushed(shape, x, y, 1));
    expect(points.at(-1)).toEqual([4.5, 2.5]);
    for (let i = 1; i < cells.length; i++) {
      const [a, b] = [cells[i - 1], cells[i]];
      expect(Math.abs((a % 5) - (b % 5))).toBeLessThanOrEqual(1);
      expect(Math.abs(Math.floor(a / 5) - Math.floor(b / 5))).toBeLessThanOrEqual(1);
    }
    expect(stroke([1, 1], [1, 1])).toEqual([[1, 1]]);
  });
});

describe("painting", () => {
  it("takes what the other image has in the same places, or one code, and leaves the rest", () => {
    const done = painted(A, 1, [0, 5], B);
    expect(done).toEqual(grids([1, 2], [9, 1, 2, 3, 4, 65535]));
    expect(painted(done, 0, [1], 7)).toEqual(grids([1, 7], [9, 1, 2, 3, 4, 65535]));
    expect(A).toEqual(grids([1, 2], [0, 1, 2, 3, 4, 5]));
  });

  it("a level is swapped whole", () => {
    expect(swapped(A, B, 1)).toEqual(grids([1, 2], [9, 9, 2, 9, 9, 65535]));
    expect(sameGrids(swapped(swapped(A, B, 1), A, 1), A)).toBe(true);
    expect(sameGrids(A, B)).toBe(false);
    expect(sameGrids([], [])).toBe(true);
  });
});

describe("a step of the walk", () => {
  const step = grids([1, 2], [0, 9, 2, 7, 9, 5]);
  it("has places of A, of B, of both and of neither", () => {
    expect([...origins(step, A, B, 1)]).toEqual([1, 2, 0, 3, 2, 1]);
    expect(tally(step, A, B)).toEqual({ both: 2, a: 3, b: 2, neither: 1 });
  });
});

describe("an edit from elsewhere", () => {
  it("keeps what holds", () => {
    const read = readEdit({ codes: encode(B), level: 1, t: 0.25 }, LEVELS);
    expect(read).toEqual({ codes: B, level: 1, t: 0.25 });
  });

  it.each([
    [null],
    ["x"],
    [{ codes: "AA", level: 2, t: 1.5 }],
    [{ level: -1, t: "1" }],
    [{ level: 0.5, t: Number.NaN }],
  ])("leaves out what does not: %j", (value) => {
    expect(readEdit(value, LEVELS)).toEqual({ codes: null, level: 0, t: 0.5 });
  });

  it("rounds a share and keeps it between the ends", () => {
    expect([roundShare(0.12345), roundShare(-1), roundShare(2)]).toEqual([0.123, 0, 1]);
  });
});
