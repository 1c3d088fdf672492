// The map's viewport: an affine transform from map to screen and its inverse; no browser needed.

/** A place on the map or on the screen (css pixels, y down). */
export type Point = readonly [number, number];

export interface Viewport {
  /** The map point at the middle of the screen. */
  readonly cx: number;
  readonly cy: number;
  /** Screen pixels per map unit; y grows upwards on the map. */
  readonly kx: number;
  readonly ky: number;
  readonly width: number;
  readonly height: number;
}

export interface Bounds {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export const toScreen = (v: Viewport, x: number, y: number): Point => [
  (x - v.cx) * v.kx + v.width / 2,
  v.height / 2 - (y - v.cy) * v.ky,
];

export const toMap = (v: Viewport, sx: number, sy: number): Point => [
  (sx - v.width / 2) / v.kx + v.cx,
  (v.height / 2 - sy) / v.ky + v.cy,
];

/** Moves the map under the screen by (dx, dy) screen pixels. */
export const pan = (v: Viewport, dx: number, dy: number): Viewport => ({
  ...v,
  cx: v.cx - dx / v.kx,
  cy: v.cy + dy / v.ky,
});

/** Zooms by a factor; the map point under (sx, sy) stays under it. */
export function zoomAbout(v: Viewport, factor: number, sx: number, sy: number): Viewport {
  const [x, y] = toMap(v, sx, sy);
  const zoomed = { ...v, kx: v.kx * factor, ky: v.ky * factor };
  const [nx, ny] = toScreen(zoomed, x, y);
  return pan(zoomed, sx - nx, sy - ny);
}

/** Keeps the middle of the map in the middle when the screen changes its size. */
export const resize = (v: Viewport, width: number, height: number): Viewport => ({
  ...v,
  width,
  height,
});

export const EVERYWHERE: Bounds = { x0: -Infinity, y0: -Infinity, x1: Infinity, y1: Infinity };

/** The finite extent of interleaved x, y within bounds; a unit square for no points. */
export function boundsOf(xy: Float32Array, within: Bounds = EVERYWHERE): Bounds {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < xy.length; i += 2) {
    const x = xy[i];
    const y = xy[i + 1];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (x < within.x0 || x > within.x1 || y < within.y0 || y > within.y1) continue;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x0 <= x1 ? { x0, y0, x1, y1 } : { x0: 0, y0: 0, x1: 1, y1: 1 };
}

/** How unlike the screen's the data's shape may be before its axes get scales of their own. */
const MAX_STRETCH = 3;

/**
 * Fits bounds into a screen with a margin.
 *
 * Both axes have one scale, unless the data would then be a sliver: two latent dimensions may
 * differ a hundredfold in spread.
 */
export function fit(bounds: Bounds, width: number, height: number, margin = 28): Viewport {
  const w = bounds.x1 - bounds.x0;
  const h = bounds.y1 - bounds.y0;
  const room = (size: number) => Math.max(1, size - 2 * margin);
  let kx = w > 0 ? room(width) / w : Infinity;
  let ky = h > 0 ? room(height) / h : Infinity;
  if (!Number.isFinite(kx) && !Number.isFinite(ky)) kx = ky = room(Math.min(width, height));
  else if (!Number.isFinite(kx)) kx = ky;
  else if (!Number.isFinite(ky)) ky = kx;
  else if (Math.max(kx, ky) / Math.min(kx, ky) <= MAX_STRETCH) kx = ky = Math.min(kx, ky);
  return {
    cx: (bounds.x0 + bounds.x1) / 2,
    cy: (bounds.y0 + bounds.y1) / 2,
    kx,
    ky,
    width,
    height,
  };
}

/** The part of the map that the screen shows. */
export function visible(v: Viewport): Bounds {
  const [x0, y1] = toMap(v, 0, 0);
  const [x1, y0] = toMap(v, v.width, v.height);
  return { x0, y0, x1, y1 };
}

/** The part of the map that the screen shows, and `margin` screen pixels beyond. */
export const widened = (v: Viewport, margin: number): Viewport => ({
  ...v,
  width: v.width + 2 * margin,
  height: v.height + 2 * margin,
});

export const sameView = (a: Viewport, b: Viewport): boolean =>
  a.cx === b.cx &&
  a.cy === b.cy &&
  a.kx === b.kx &&
  a.ky === b.ky &&
  a.width === b.width &&
  a.height === b.height;

/** Where points of another map appear on this one, when they stay where they are on the screen. */
export function carried(xy: Float32Array, from: Viewport, to: Viewport): Float32Array {
  const scaleX = from.kx / to.kx;
  const scaleY = from.ky / to.ky;
  const shiftX = (from.width - to.width) / 2 / to.kx + to.cx - from.cx * scaleX;
  const shiftY = (to.height - from.height) / 2 / to.ky + to.cy - from.cy * scaleY;
  const moved = new Float32Array(xy.length);
  for (let i = 0; i < xy.length; i += 2) {
    moved[i] = xy[i] * scaleX + shiftX;
    moved[i + 1] = xy[i + 1] * scaleY + shiftY;
  }
  return moved;
}
