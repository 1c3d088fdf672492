// The rasteriser: right places, right colours, clipped at the edges, blended in order.
import { describe, expect, it } from "vitest";
import { makeDiscs, Raster, radiusFor } from "../../src/map/raster";
import type { Viewport } from "../../src/map/viewport";

const BLACK = 0xff000000;
const RED = 0xff0000ff;
const GREEN = 0xff00ff00;
const view: Viewport = { cx: 0, cy: 0, kx: 1, ky: 1, width: 40, height: 30 };

function raster(): Raster {
  const r = new Raster();
  r.resize(40, 30);
  r.clear(BLACK);
  return r;
}
const at = (r: Raster, x: number, y: number) => r.pixels[y * r.width + x];
const lit = (r: Raster) => r.pixels.reduce((n, p) => n + (p === BLACK ? 0 : 1), 0);

describe("Raster", () => {
  it("draws a point where the viewport shows it, y upwards", () => {
    const r = raster();
    r.draw(Float32Array.of(10, 5), view, Uint16Array.of(0), Uint32Array.of(RED), makeDiscs(3, 1));
    expect(at(r, 30, 10)).toBe(RED);
    expect(at(r, 20, 15)).toBe(BLACK);
    expect(lit(r)).toBeGreaterThan(24);
    expect(lit(r)).toBeLessThan(64);
  });

  it("covers the area of a disc, wherever it lies between pixels", () => {
    for (const shift of [0, 0.24, 0.5, 0.77]) {
      const r = raster();
      const xy = Float32Array.of(shift, -shift);
      r.draw(xy, view, Uint16Array.of(0), Uint32Array.of(RED), makeDiscs(4, 1));
      const area = r.pixels.reduce((sum, p) => sum + (p & 255) / 255, 0);
      expect(area).toBeGreaterThan(Math.PI * 16 * 0.94);
      expect(area).toBeLessThan(Math.PI * 16 * 1.08);
    }
  });

  it("clips at every edge and skips what is outside or nowhere", () => {
    const r = raster();
    const xy = Float32Array.of(-20, 0, 20, 0, 0, 15, 0, -15, 999, 0, 0, -999, Number.NaN, 0);
    r.draw(xy, view, new Uint16Array(7), Uint32Array.of(RED), makeDiscs(3, 1));
    expect(at(r, 0, 15)).toBe(RED);
    expect(at(r, 39, 15)).toBe(RED);
    expect(at(r, 20, 0)).toBe(RED);
    expect(at(r, 20, 29)).toBe(RED);
    expect(lit(r)).toBeLessThan(4 * 30);
  });

  it("blends by opacity, the later over the earlier", () => {
    const r = raster();
    const xy = Float32Array.of(0, 0, 0, 0);
    r.draw(xy, view, Uint16Array.of(0, 1), Uint32Array.of(RED, GREEN), makeDiscs(3, 0.5));
    const mixed = at(r, 20, 15);
    expect(mixed & 255).toBeGreaterThan(58);
    expect(mixed & 255).toBeLessThan(68);
    expect((mixed >> 8) & 255).toBeGreaterThan(122);
    expect((mixed >> 8) & 255).toBeLessThan(130);
    expect(mixed >>> 24).toBe(255);
  });

  it("keeps full colours exact, with no bleeding between channels", () => {
    const r = raster();
    const white = 0xffffffff;
    r.draw(Float32Array.of(0, 0), view, Uint16Array.of(0), Uint32Array.of(white), makeDiscs(3, 1));
    expect(at(r, 20, 15)).toBe(white);
    r.draw(Float32Array.of(0, 0), view, Uint16Array.of(0), Uint32Array.of(BLACK), makeDiscs(6, 1));
    expect(lit(r)).toBe(0);
  });

  it("leaves out shades that are not asked for", () => {
    const r = raster();
    const xy = Float32Array.of(-10, 0, 10, 0);
    const only = Uint8Array.of(0, 1);
    r.draw(xy, view, Uint16Array.of(0, 1), Uint32Array.of(RED, GREEN), makeDiscs(2, 1), only);
    expect(at(r, 10, 15)).toBe(BLACK);
    expect(at(r, 30, 15)).toBe(GREEN);
  });
});

describe("radiusFor", () => {
  it("is 3 at 5,000 points and 1.3 at 100,000, and grows on zooming in", () => {
    expect(radiusFor(5000)).toBeCloseTo(3, 1);
    expect(radiusFor(100_000)).toBeCloseTo(1.3, 1);
    expect(radiusFor(100_000, 10)).toBeGreaterThan(2);
    expect(radiusFor(10, 400)).toBeLessThanOrEqual(6.5);
  });
});
