// A codebook's order of use, its map fitted to a box, and tiles that lie over each other pushed apart.
import { describe, expect, it } from "vitest";
import { fitted, readBook, spread } from "../../../src/pages/codes/book";

describe("a codebook", () => {
  const book = readBook(Float32Array.from([0, 0, 5, 1, 0, 0, 0, 1, 9, -1, -1, 5]));
  it("is in the order of use, equals by their number", () => {
    expect(book.order).toEqual([2, 0, 3, 1]);
    expect([...book.rank]).toEqual([1, 3, 0, 2]);
    expect(book.total).toBe(19);
    expect([...book.xy.slice(2, 4)]).toEqual([1, 0]);
  });

  it("has like colours for codes that lie near", () => {
    const near = readBook(Float32Array.from([1, 0, 1, 1, 0.01, 1, -1, 0, 1])).colours;
    const hue = (colour: string) => Number(/hsl\((-?\d+)/.exec(colour)?.[1]);
    expect(Math.abs(hue(near[0]) - hue(near[1]))).toBeLessThan(5);
    expect(Math.abs(hue(near[0]) - hue(near[2]))).toBeGreaterThan(90);
  });
});

describe("the map", () => {
  it("fills its box, up is up", () => {
    const placed = fitted(Float32Array.from([0, 0, 2, 4, 1, 2]), 120, 220, 10);
    expect([...placed]).toEqual([10, 210, 110, 10, 60, 110]);
  });

  it("puts what has no extent into the middle", () => {
    expect([...fitted(Float32Array.from([3, 3, 3, 3]), 100, 100, 10)]).toEqual([50, 50, 50, 50]);
  });

  it("pushes tiles apart, also two at one place, and keeps them inside", () => {
    const sides = [20, 20, 20, 30];
    const placed = Float32Array.from([50, 50, 50, 50, 55, 52, 99, 99]);
    spread(placed, sides, 200, 200);
    for (let i = 0; i < sides.length; i++) {
      for (let j = i + 1; j < sides.length; j++) {
        const apart = Math.max(
          Math.abs(placed[2 * i] - placed[2 * j]),
          Math.abs(placed[2 * i + 1] - placed[2 * j + 1]),
        );
        expect(apart).toBeGreaterThan((sides[i] + sides[j]) / 2 - 1);
      }
      expect(placed[2 * i]).toBeGreaterThanOrEqual(sides[i] / 2);
      expect(placed[2 * i]).toBeLessThanOrEqual(200 - sides[i] / 2);
    }
  });
});
