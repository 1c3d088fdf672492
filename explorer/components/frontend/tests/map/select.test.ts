// Shapes drawn on a map, and what lies inside them.
import { describe, expect, it } from "vitest";
import { Picker } from "../../src/map/picker";
import { countOf, decimalsFor, rectangle, simplify } from "../../src/map/select";
import type { Point } from "../../src/map/viewport";

const inside = (xy: Float32Array, corners: number[]) => Picker.of(xy).inside(corners);

describe("inside", () => {
  const xy = Float32Array.of(0.5, 0.5, 1.5, 0.5, -0.5, 0.5, 0.5, 1.5, 0.9, 0.1);

  it("marks the points of a rectangle, whichever corners made it", () => {
    for (const [a, b] of [
      [
        [0, 0],
        [1, 1],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ] as [Point, Point][]) {
      const marks = inside(xy, rectangle(a, b).flat());
      expect([...marks]).toEqual([1, 0, 0, 0, 1]);
      expect(countOf(marks)).toBe(2);
    }
  });

  it("knows a hollow: a C holds what is in its arms and not what is between them", () => {
    const c = [0, 0, 3, 0, 3, 1, 1, 1, 1, 2, 3, 2, 3, 3, 0, 3];
    const points = Float32Array.of(2, 0.5, 2, 1.5, 2, 2.5, 0.5, 1.5);
    expect([...inside(points, c)]).toEqual([1, 0, 1, 1]);
  });

  it("agrees with the winding of a circle", () => {
    const corners: number[] = [];
    for (let i = 0; i < 32; i++)
      corners.push(Math.cos((i * Math.PI) / 16), Math.sin((i * Math.PI) / 16));
    const grid: number[] = [];
    for (let x = -1.4; x <= 1.4; x += 0.1) for (let y = -1.4; y <= 1.4; y += 0.1) grid.push(x, y);
    const marks = inside(Float32Array.from(grid), corners);
    marks.forEach((mark, i) => {
      const radius = Math.hypot(grid[2 * i], grid[2 * i + 1]);
      if (radius < 0.98) expect(mark).toBe(1);
      if (radius > 1.001) expect(mark).toBe(0);
    });
  });

  it("marks nothing for points that are no numbers", () => {
    expect([...inside(Float32Array.of(Number.NaN, 0.5), [0, 0, 1, 0, 1, 1, 0, 1])]).toEqual([0]);
  });
});

describe("simplify", () => {
  it("keeps the corners of a square and drops what lies between", () => {
    const line: Point[] = [];
    for (let i = 0; i <= 20; i++) line.push([5 * i, 0]);
    for (let i = 1; i <= 20; i++) line.push([100, 5 * i]);
    for (let i = 1; i <= 20; i++) line.push([100 - 5 * i, 100]);
    expect(simplify(line, 32)).toEqual([
      [0, 0],
      [100, 0],
      [100, 100],
      [0, 100],
    ]);
  });

  it("never has more corners than it may", () => {
    const wild = Array.from({ length: 500 }, (_, i): Point => [i, 200 * ((i * 7919) % 97)]);
    expect(simplify(wild, 32).length).toBeLessThanOrEqual(32);
  });
});

it("writes a place to a tenth of a pixel", () => {
  expect([1, 0.1, 0.04, 1e-9, 100, 0].map(decimalsFor)).toEqual([1, 2, 3, 6, 0, 6]);
});
