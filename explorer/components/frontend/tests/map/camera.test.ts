// The camera: a first view without far outliers, a pan that cannot lose the map, a zoom with ends.
import { describe, expect, it } from "vitest";
import { Camera, coreBounds } from "../../src/map/camera";
import { toScreen, visible } from "../../src/map/viewport";

/** A disc of points of radius 1, and others. */
function disc(count: number, ...others: number[]): Float32Array {
  const places = Array.from({ length: count }, (_, i) => {
    const [r, t] = [Math.sqrt((i + 0.5) / count), 2.4 * i];
    return [r * Math.cos(t), r * Math.sin(t)];
  });
  return Float32Array.from([...places.flat(), ...others]);
}

function over(xy: Float32Array): Camera {
  const camera = new Camera();
  camera.resize(800, 600);
  camera.setPoints(xy);
  return camera;
}

describe("the first view", () => {
  it("holds every point where none is far off", () => {
    for (const count of [3, 100, 5000]) {
      const { x0, x1, y0, y1 } = coreBounds(disc(count));
      const xs = disc(count).filter((_, i) => i % 2 === 0);
      expect([x0, x1]).toEqual([Math.min(...xs), Math.max(...xs)]);
      expect(y1 - y0).toBeGreaterThan(0.5);
    }
  });

  it("leaves out a far outlier, which zooming out still reaches", () => {
    const camera = over(disc(1000, 1e6, 0));
    expect(visible(camera.view).x1).toBeLessThan(2);
    for (let n = 0; n < 200; n++) camera.zoom(0.5, 400, 300);
    camera.pan(-1e9, 0);
    const [sx] = toScreen(camera.view, 1e6, 0);
    expect(sx).toBeLessThanOrEqual(800);
  });
});

describe("a hand on the map", () => {
  it("cannot pan the map away, at any zoom", () => {
    for (const zoom of [1, 30]) {
      for (const [dx, dy] of [
        [1e7, 0],
        [-1e7, 0],
        [0, 1e7],
        [0, -1e7],
      ]) {
        const camera = over(disc(500));
        const home = visible(camera.view);
        camera.zoom(zoom, 400, 300);
        camera.pan(dx, dy);
        const { cx, cy } = camera.view;
        expect(cx).toBeGreaterThanOrEqual(home.x0);
        expect(cx).toBeLessThanOrEqual(home.x1);
        expect(cy).toBeGreaterThanOrEqual(home.y0);
        expect(cy).toBeLessThanOrEqual(home.y1);
      }
    }
  });

  it("zooms up to 400 times and goes home", () => {
    const camera = over(disc(500));
    const home = camera.view;
    for (let n = 0; n < 50; n++) camera.zoom(2, 100, 100);
    expect(camera.zoomed).toBeCloseTo(400);
    camera.goHome();
    expect(camera.view).toEqual(home);
  });

  it("stays home when the screen changes its size, and elsewhere stays where it is", () => {
    const camera = over(disc(500));
    camera.resize(400, 300);
    expect(camera.zoomed).toBe(1);
    expect(visible(camera.view).x1).toBeGreaterThan(1);
    camera.zoom(4, 0, 0);
    const { cx, cy } = camera.view;
    camera.resize(900, 700);
    expect([camera.view.cx, camera.view.cy]).toEqual([cx, cy]);
  });
});
