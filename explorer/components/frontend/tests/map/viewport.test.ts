// The viewport's two transforms are inverse, and pan, zoom and fit keep what they promise.
import { describe, expect, it } from "vitest";
import * as vp from "../../src/map/viewport";

const view: vp.Viewport = { cx: 3, cy: -2, kx: 12, ky: 7, width: 800, height: 500 };

describe("viewport", () => {
  it("shows its centre in the middle of the screen, with y upwards", () => {
    expect(vp.toScreen(view, 3, -2)).toEqual([400, 250]);
    expect(vp.toScreen(view, 4, -1)).toEqual([412, 243]);
  });

  it("comes back from the screen", () => {
    for (const [x, y] of [
      [0, 0],
      [-17.25, 3.5],
      [1e4, -1e4],
    ]) {
      const [sx, sy] = vp.toScreen(view, x, y);
      const [mx, my] = vp.toMap(view, sx, sy);
      expect(mx).toBeCloseTo(x, 8);
      expect(my).toBeCloseTo(y, 8);
    }
  });

  it("pans by screen pixels", () => {
    const moved = vp.pan(view, 30, -10);
    const [sx, sy] = vp.toScreen(view, 5, 5);
    const [mx, my] = vp.toScreen(moved, 5, 5);
    expect(mx - sx).toBeCloseTo(30);
    expect(my - sy).toBeCloseTo(-10);
  });

  it("zooms about a place that stays where it is", () => {
    const zoomed = vp.zoomAbout(view, 2.5, 120, 430);
    const [x, y] = vp.toMap(view, 120, 430);
    const [sx, sy] = vp.toScreen(zoomed, x, y);
    expect(sx).toBeCloseTo(120);
    expect(sy).toBeCloseTo(430);
    expect(zoomed.kx / view.kx).toBeCloseTo(2.5);
    expect(zoomed.ky / view.ky).toBeCloseTo(2.5);
  });

  it("fits all data inside the margin with one scale", () => {
    const bounds = { x0: -4, y0: 10, x1: 8, y1: 17 };
    const fitted = vp.fit(bounds, 640, 480, 20);
    expect(fitted.kx).toBe(fitted.ky);
    const [left, top] = vp.toScreen(fitted, -4, 17);
    const [right, bottom] = vp.toScreen(fitted, 8, 10);
    expect(left).toBeGreaterThanOrEqual(20 - 1e-9);
    expect(top).toBeGreaterThanOrEqual(20 - 1e-9);
    expect(right).toBeLessThanOrEqual(620 + 1e-9);
    expect(bottom).toBeLessThanOrEqual(460 + 1e-9);
  });

  it("gives a sliver of data a scale for each axis", () => {
    const fitted = vp.fit({ x0: 0, y0: 0, x1: 100, y1: 0.5 }, 600, 400, 50);
    expect(fitted.kx * 100).toBeCloseTo(500);
    expect(fitted.ky * 0.5).toBeCloseTo(300);
  });

  it("stays finite for one point, a line and no points", () => {
    for (const b of [
      { x0: 1, y0: 1, x1: 1, y1: 1 },
      { x0: 0, y0: 2, x1: 5, y1: 2 },
      vp.boundsOf(new Float32Array(0)),
    ]) {
      const fitted = vp.fit(b, 300, 200);
      expect(Number.isFinite(fitted.kx) && fitted.kx > 0).toBe(true);
      expect(Number.isFinite(fitted.ky) && fitted.ky > 0).toBe(true);
    }
  });

  it("finds bounds past points without a place", () => {
    const xy = Float32Array.of(1, 2, Number.NaN, 9, -3, 5, Infinity, 0);
    expect(vp.boundsOf(xy)).toEqual({ x0: -3, y0: 2, x1: 1, y1: 5 });
  });
});

it("carries points of one map to another, so that they stay where they are on the screen", () => {
  const xy = Float32Array.of(1, 2, -3, 4);
  const from = { cx: 1, cy: -2, kx: 30, ky: 40, width: 800, height: 600 };
  const to = { cx: -5, cy: 7, kx: 3, ky: 2, width: 700, height: 500 };
  const moved = vp.carried(xy, from, to);
  for (const i of [0, 2]) {
    const [x, y] = vp.toScreen(from, xy[i], xy[i + 1]);
    const [mx, my] = vp.toScreen(to, moved[i], moved[i + 1]);
    expect(mx).toBeCloseTo(x, 3);
    expect(my).toBeCloseTo(y, 3);
  }
});
