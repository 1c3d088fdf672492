// The tree agrees with brute force, and is fast enough for a hover over 100,000 points.
import { describe, expect, it } from "vitest";
import { insidePolygon, Picker } from "../../src/map/picker";

function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function cloud(count: number, seed = 7): Float32Array {
  const random = randoms(seed);
  return Float32Array.from(
    { length: 2 * count },
    () => (random() + random() + random() - 1.5) * 20,
  );
}

function nearestByForce(
  xy: Float32Array,
  x: number,
  y: number,
  kx: number,
  ky: number,
  reach: number,
) {
  let best = -1;
  let least = reach;
  for (let i = 0; i < xy.length / 2; i++) {
    const d = Math.hypot((xy[2 * i] - x) * kx, (xy[2 * i + 1] - y) * ky);
    if (d < least) [best, least] = [i, d];
  }
  return best;
}

describe("Picker", () => {
  it("finds the same nearest point as brute force", () => {
    const xy = cloud(3000);
    const index = Picker.of(xy);
    const random = randoms(3);
    let hits = 0;
    for (let n = 0; n < 300; n++) {
      const [x, y] = [(random() - 0.5) * 40, (random() - 0.5) * 40];
      const expected = nearestByForce(xy, x, y, 20, 11, 25);
      expect(index.nearest(x, y, 20, 11, 25)).toBe(expected);
      if (expected >= 0) hits += 1;
    }
    expect(hits).toBeGreaterThan(50);
  });

  it("passes over points that are not accepted", () => {
    const index = Picker.of(Float32Array.of(0, 0, 1, 0));
    expect(index.nearest(0.1, 0, 1, 1, 5)).toBe(0);
    expect(index.nearest(0.1, 0, 1, 1, 5, (i) => i !== 0)).toBe(1);
    expect(index.nearest(0.1, 0, 1, 1, 5, () => false)).toBe(-1);
  });

  it("finds exactly the points in view, up to a limit", () => {
    const xy = cloud(2000);
    const index = Picker.of(xy);
    const view = { x0: -3, y0: -1, x1: 5, y1: 6 };
    const expected = [];
    for (let i = 0; i < 2000; i++) {
      const [x, y] = [xy[2 * i], xy[2 * i + 1]];
      if (x >= view.x0 && x <= view.x1 && y >= view.y0 && y <= view.y1) expected.push(i);
    }
    expect(expected.length).toBeGreaterThan(20);
    expect(index.within(view).sort((a, b) => a - b)).toEqual(expected);
    expect(index.within(view, 10)).toHaveLength(10);
  });

  it("holds points without a place, equal points and no points", () => {
    expect(Picker.of(new Float32Array(0)).nearest(0, 0, 1, 1, 10)).toBe(-1);
    const odd = Picker.of(Float32Array.of(Number.NaN, 1, 2, 2, 2, 2));
    expect([1, 2]).toContain(odd.nearest(2, 2, 1, 1, 1));
    expect(odd.within({ x0: 0, y0: 0, x1: 9, y1: 9 })).toHaveLength(2);
  });

  it("marks the same points inside a lasso as brute force, holes and all", () => {
    const xy = cloud(3000);
    const index = Picker.of(xy);
    const random = randoms(11);
    for (let n = 0; n < 40; n++) {
      const corners = Array.from({ length: 2 * (3 + (n % 20)) }, () => (random() - 0.5) * 40);
      const brute = Uint8Array.from(index.ids, (_, i) =>
        insidePolygon(xy[2 * i], xy[2 * i + 1], corners) ? 1 : 0,
      );
      expect(index.inside(corners)).toEqual(brute);
    }
    expect(index.inside([1, 1, 2, 2]).includes(1)).toBe(false);
  });

  it("is not defeated by a far outlier", () => {
    const xy = cloud(200_000);
    xy.set([1e9, 1e9], 0);
    const index = Picker.of(xy);
    const random = randoms(5);
    const began = performance.now();
    for (let n = 0; n < 1000; n++)
      index.nearest((random() - 0.5) * 40, (random() - 0.5) * 40, 12, 12, 14);
    expect((performance.now() - began) / 1000).toBeLessThan(0.5);
  });

  it("comes whole from a worker", () => {
    const xy = cloud(500);
    const index = Picker.from(Picker.of(xy).data.slice(0));
    expect(index.nearest(xy[60], xy[61], 10, 10, 5)).toBe(30);
  });

  it("answers a hover over 100,000 points in well under a millisecond", () => {
    const index = Picker.of(cloud(100_000));
    const random = randoms(5);
    const began = performance.now();
    for (let n = 0; n < 1000; n++)
      index.nearest((random() - 0.5) * 40, (random() - 0.5) * 40, 12, 12, 14);
    expect((performance.now() - began) / 1000).toBeLessThan(0.5);
  });
});
