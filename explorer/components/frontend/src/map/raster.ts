// Draws the points of a map straight into pixels: small antialiased discs, blended by hand.
//
// Plain arrays: it works in a worker and on machines without a GPU, and at 100,000 points it is faster
// than WebGL on a software renderer.
import type { Viewport } from "./viewport";

/** Discs are prepared at this many sub-pixel places in each direction. */
const PHASES = 4;

/** The shorter side of a screen on which points have their full size, in css pixels. */
const FULL_SIZE_PX = 560;

/**
 * The radius of a point in css pixels: 3 at 5,000 points, 1.3 at 100,000.
 *
 * It grows on zooming in, and is smaller on a small screen, where the points lie closer.
 */
export function radiusFor(count: number, zoom = 1, side = FULL_SIZE_PX): number {
  const base = Math.min(4.2, 3 * (Math.max(1, count) / 5000) ** -0.279);
  const room = Math.min(1, Math.sqrt(side / FULL_SIZE_PX));
  const grown = Math.max(1.1, base * room) * Math.min(2.4, Math.max(1, zoom) ** 0.32);
  return Math.min(6.5, grown);
}

/** Discs of one radius: coverage times opacity, 0 to 256, at each sub-pixel place. */
export interface Discs {
  readonly size: number;
  readonly masks: readonly Uint16Array[];
}

export function makeDiscs(radius: number, opacity: number): Discs {
  const size = 2 * Math.ceil(radius + 1) + 1;
  const masks: Uint16Array[] = [];
  for (let py = 0; py < PHASES; py++) {
    for (let px = 0; px < PHASES; px++) {
      const mask = new Uint16Array(size * size);
      const mx = (size - 1) / 2 + (px + 0.5) / PHASES;
      const my = (size - 1) / 2 + (py + 0.5) / PHASES;
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const distance = Math.hypot(x + 0.5 - mx, y + 0.5 - my);
          const coverage = Math.min(1, Math.max(0, radius + 0.5 - distance));
          mask[y * size + x] = Math.round(256 * opacity * coverage);
        }
      }
      masks.push(mask);
    }
  }
  return { size, masks };
}

export class Raster {
  width = 0;
  height = 0;
  bytes: Uint8ClampedArray<ArrayBuffer> = new Uint8ClampedArray(0);
  pixels = new Uint32Array(0);

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.bytes = new Uint8ClampedArray(4 * width * height);
    this.pixels = new Uint32Array(this.bytes.buffer);
  }

  clear(colour: number): void {
    this.pixels.fill(colour);
  }

  /**
   * Draws points.
   *
   * Arguments:
   *   xy: places on the map, interleaved.
   *   view: the viewport in device pixels.
   *   shade: index of each point's colour in `palette` (opaque, 0xAABBGGRR).
   *   only: if given, points whose shade is marked 0 in it are left out.
   *   from, to: the range of the points.
   */
  draw(
    xy: Float32Array,
    view: Viewport,
    shade: Uint16Array,
    palette: Uint32Array,
    discs: Discs,
    only: Uint8Array | null = null,
    from = 0,
    to = Math.min(shade.length, xy.length >> 1),
  ): void {
    const { pixels, width, height } = this;
    const { size, masks } = discs;
    const half = (size - 1) / 2;
    const { kx, ky } = view;
    const ox = view.width / 2 - view.cx * kx - half;
    const oy = view.height / 2 + view.cy * ky - half;
    for (let i = from; i < to; i++) {
      const s = shade[i];
      if (only !== null && only[s] === 0) continue;
      const left = xy[2 * i] * kx + ox;
      const top = oy - xy[2 * i + 1] * ky;
      if (!(left > -size && top > -size && left < width && top < height)) continue;
      const x0 = Math.floor(left);
      const y0 = Math.floor(top);
      const phase = (((top - y0) * PHASES) | 0) * PHASES + (((left - x0) * PHASES) | 0);
      const mask = masks[phase];
      const colour = palette[s];
      const rb = colour & 0xff00ff;
      const g = colour & 0x00ff00;
      const xa = x0 < 0 ? -x0 : 0;
      const xb = x0 + size > width ? width - x0 : size;
      const ya = y0 < 0 ? -y0 : 0;
      const yb = y0 + size > height ? height - y0 : size;
      for (let y = ya; y < yb; y++) {
        const row = (y0 + y) * width + x0;
        for (let x = xa; x < xb; x++) {
          const a = mask[y * size + x];
          if (a === 0) continue;
          const under = pixels[row + x];
          const b = 256 - a;
          const mixedRb = (Math.imul(under & 0xff00ff, b) + Math.imul(rb, a)) | 0;
          const mixedG = Math.imul(under & 0x00ff00, b) + Math.imul(g, a);
          pixels[row + x] = 0xff000000 | ((mixedRb >>> 8) & 0xff00ff) | ((mixedG >>> 8) & 0x00ff00);
        }
      }
    }
  }
}
