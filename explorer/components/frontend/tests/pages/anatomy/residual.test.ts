// Signed differences, their scale and their colours.
import { describe, expect, it } from "vitest";
import { diverging, psnr, residual, scaleFor, shade } from "../../../src/pages/anatomy/residual";

describe("residual", () => {
  it("is x minus the reconstruction, the mean of the channels", () => {
    const x = Uint8Array.of(255, 0, 0, 51, 51, 51);
    const y = Uint8Array.of(0, 0, 0, 51, 102, 51);
    const found = residual(x, 0, y, 0, [3, 1, 2]);
    expect(found.values[0]).toBeCloseTo(1 / 3, 6);
    expect(found.values[1]).toBeCloseTo(-0.2 / 3, 6);
    expect(found.mse).toBeCloseTo((1 + 0.04) / 6, 6);
  });

  it("reads each picture from its place", () => {
    const bytes = Uint8Array.of(9, 9, 10, 20, 30, 25);
    const found = residual(bytes, 2, bytes, 4, [1, 1, 2]);
    expect([...found.values].map((v) => Math.round(255 * v))).toEqual([-20, -5]);
  });

  it("of equal pictures is nothing", () => {
    const x = Uint8Array.from({ length: 64 }, (_, i) => i);
    const found = residual(x, 0, x, 0, [1, 8, 8]);
    expect(found).toMatchObject({ mse: 0, extent: 0 });
  });

  it("has an extent that single pixels do not set", () => {
    const x = new Uint8Array(400).fill(51);
    x[7] = 255;
    expect(residual(x, 0, new Uint8Array(400), 0, [1, 20, 20]).extent).toBeCloseTo(0.2, 6);
  });
});

describe("scale", () => {
  it("is the next round number, and never shrinks", () => {
    expect(scaleFor(0)).toBe(0.02);
    expect(scaleFor(0.021)).toBe(0.05);
    expect(scaleFor(0.2)).toBe(0.2);
    expect(scaleFor(3)).toBe(1);
    expect(scaleFor(0.01, 0.5)).toBe(0.5);
  });
});

describe("colours", () => {
  it("are blue below, red above and the ground's in the middle", () => {
    for (const tone of ["light", "dark"] as const) {
      const [low, zero, high] = [-1, 0, 1].map((t) => diverging(t, tone));
      expect(low[2]).toBeGreaterThan(low[0]);
      expect(high[0]).toBeGreaterThan(high[2]);
      expect(Math.max(...zero) - Math.min(...zero)).toBeLessThan(12);
    }
  });

  it("grow from nothing with the size on either side", () => {
    for (const tone of ["light", "dark"] as const) {
      const from = (t: number) => {
        const colour = diverging(t, tone);
        const zero = diverging(0, tone);
        return colour.reduce((sum, v, i) => sum + Math.abs(v - zero[i]), 0);
      };
      for (const side of [-1, 1])
        expect([0.25, 0.5, 0.75, 1].map((t) => from(side * t))).toEqual(
          [0.25, 0.5, 0.75, 1].map((t) => from(side * t)).sort((a, b) => a - b),
        );
    }
  });

  it("end at the scale", () => {
    const pixels = shade(Float32Array.of(-0.9, -0.1, 0, 0.1, 0.9), 0.1, "light");
    expect(pixels[0]).toBe(pixels[1]);
    expect(pixels[3]).toBe(pixels[4]);
    expect(pixels[2] >>> 24).toBe(255);
  });
});

it("gives decibels", () => {
  expect(psnr(0.01)).toBeCloseTo(20, 9);
  expect(psnr(0)).toBe(100);
});
