// The painter: points where few are in view, a density else, and the same picture with an index.
import { describe, expect, it } from "vitest";
import { Density } from "../../src/map/density";
import { Painter, POINTS_AT_MOST, type Scene } from "../../src/map/painter";

const BLACK = 0xff000000;
const RED = 0xff0000ff;
const BLUE = 0xffff0000;
const view = { cx: 0, cy: 0, kx: 10, ky: 10, width: 100, height: 80 };
const scene: Scene = {
  view,
  ratio: 1,
  zoomed: 1,
  side: 560,
  background: BLACK,
  lit: null,
  glided: 1,
};

/** Points on a square of the map of the given side. */
function square(count: number, side: number): Float32Array {
  const across = Math.ceil(Math.sqrt(count));
  return Float32Array.from({ length: 2 * count }, (_, i) => {
    const [n, y] = [i >> 1, i & 1];
    const at = y ? Math.floor(n / across) : n % across;
    return side * ((at + 0.5) / across - 0.5);
  });
}

function paint(painter: Painter, of: Partial<Scene> = {}): Uint32Array {
  painter.paint({ ...scene, ...of });
  return painter.raster.pixels.slice();
}
const lit = (pixels: Uint32Array) => pixels.reduce((n, p) => n + (p === BLACK ? 0 : 1), 0);

describe("Painter", () => {
  it("draws the same points with its index as without", () => {
    const painter = new Painter();
    const xy = square(900, 30);
    painter.setPoints(xy, null);
    painter.setShading(new Uint16Array(900), Uint32Array.of(RED));
    const before = paint(painter);
    painter.index();
    expect(paint(painter)).toEqual(before);
    expect(lit(before)).toBeGreaterThan(500);
  });

  it("draws a density of many points, and points again when few are in view", () => {
    const count = POINTS_AT_MOST + 20_000;
    const painter = new Painter();
    painter.setPoints(square(count, 6), null);
    painter.setShading(new Uint16Array(count), Uint32Array.of(RED));
    painter.index();
    expect(painter.paint({ ...scene, ratio: 2 })).toMatchObject({ density: true, ratio: 1 });
    const pixels = painter.raster.pixels.slice();
    expect(pixels[40 * 100 + 50]).not.toBe(BLACK);
    expect(pixels[2 * 100 + 50]).toBe(BLACK);
    expect(lit(pixels)).toBeGreaterThan(3400);
    expect(lit(pixels)).toBeLessThan(3800);
    const near = { ...view, kx: 500, ky: 500 };
    expect(painter.paint({ ...scene, view: near, ratio: 2 })).toMatchObject({
      density: false,
      ratio: 2,
      width: 200,
    });
    expect(lit(painter.raster.pixels)).toBeGreaterThan(100);
  });

  it("draws points that the legend leaves out faintly, and under the others", () => {
    const painter = new Painter();
    painter.setPoints(Float32Array.of(0, 0, 3, 0), null);
    painter.setShading(Uint16Array.of(0, 1), Uint32Array.of(RED, BLUE));
    painter.index();
    const pixels = paint(painter, { lit: Uint8Array.of(1, 0) });
    expect(pixels[40 * 100 + 50] & 255).toBeGreaterThan(180);
    const blue = (pixels[40 * 100 + 80] >>> 16) & 255;
    expect(blue).toBeGreaterThan(10);
    expect(blue).toBeLessThan(60);
  });

  it("glides from where the points were", () => {
    const painter = new Painter();
    painter.setPoints(Float32Array.of(4, 0), Float32Array.of(-4, 0));
    painter.setShading(Uint16Array.of(0), Uint32Array.of(RED));
    painter.index();
    const at = (glided: number, x: number) => paint(painter, { glided })[40 * 100 + x] & 255;
    expect([at(0, 10), at(0.5, 50), at(1, 90)].every((red) => red > 100)).toBe(true);
    expect(at(0.5, 10)).toBe(0);
  });
});

describe("Density", () => {
  const one = { cx: 0, cy: 0, kx: 1, ky: 1, width: 4, height: 2 };

  it("mixes the colours of a pixel by their counts", () => {
    const density = new Density();
    density.clear(4, 2);
    const xy = Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5);
    density.add(xy, one, Uint16Array.of(0, 0, 0, 1), Uint32Array.of(RED, BLUE), null, 0, 4);
    const pixels = new Uint32Array(8).fill(BLACK);
    density.blend(pixels);
    const mixed = pixels[0 * 4 + 2];
    expect(mixed & 255).toBeCloseTo(0.75 * 255, -1);
    expect((mixed >>> 16) & 255).toBeCloseTo(0.25 * 255, -1);
    expect(pixels.filter((p) => p !== BLACK)).toHaveLength(1);
  });

  it("is more opaque where more points lie, by rank", () => {
    const density = new Density();
    density.clear(4, 2);
    const places = [-1.5, -0.5, -0.5, 0.5, 0.5, 0.5];
    for (let n = 0; n < 1000; n++) places.push(1.5);
    const xy = Float32Array.from(places.flatMap((x) => [x, 0.5]));
    const shade = new Uint16Array(places.length);
    density.add(xy, one, shade, Uint32Array.of(RED), null, 0, places.length);
    const pixels = new Uint32Array(8).fill(BLACK);
    density.blend(pixels);
    const reds = [...pixels.slice(0, 4)].map((p) => p & 255);
    const steps = [1, 2, 3].map((n) => reds[n] - reds[n - 1]);
    expect(Math.min(...steps)).toBeGreaterThan(40);
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(4);
    expect(reds[3]).toBe(255);
  });

  it("leaves out shades that are not asked for and points outside", () => {
    const density = new Density();
    density.clear(4, 2);
    const xy = Float32Array.of(0.5, 0.5, 9, 9, Number.NaN, 0, -1, 0.5);
    density.add(
      xy,
      one,
      Uint16Array.of(0, 0, 0, 1),
      Uint32Array.of(RED, BLUE),
      Uint8Array.of(0, 1),
      0,
      4,
    );
    const pixels = new Uint32Array(8).fill(BLACK);
    density.blend(pixels);
    expect(pixels.filter((p) => p !== BLACK)).toHaveLength(1);
  });
});
