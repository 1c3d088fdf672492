// Draws more points than can be told apart: how many lie on each pixel, and the mean of their colours.
//
// The mean of the colours is that of the categories weighted by their counts. How opaque a pixel is
// follows the rank of its count among the pixels with points (histogram equalisation), so that thin
// and thick parts of a map show their structure at once.
import type { Viewport } from "./viewport";

/** Counts from here on are equally opaque. */
const MOST = 4096;
/** Opacity of the pixels with the fewest points. */
const LEAST_OPACITY = 0.4;

export class Density {
  private width = 0;
  private height = 0;
  /** Of each pixel: points, and the sums of their red, green and blue. */
  private sums = new Uint32Array(0);

  clear(width: number, height: number): void {
    if (width !== this.width || height !== this.height) {
      this.width = width;
      this.height = height;
      this.sums = new Uint32Array(4 * width * height);
    } else this.sums.fill(0);
  }

  /**
   * Counts points.
   *
   * Arguments:
   *   xy: places on the map, interleaved.
   *   view: the viewport in pixels.
   *   shade: index of each point's colour in `palette` (opaque, 0xAABBGGRR).
   *   only: if given, points whose shade is marked 0 in it are left out.
   *   from, to: the range of the points.
   */
  add(
    xy: Float32Array,
    view: Viewport,
    shade: Uint16Array,
    palette: Uint32Array,
    only: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    const { sums, width, height } = this;
    const { kx, ky } = view;
    const ox = width / 2 - view.cx * kx;
    const oy = height / 2 + view.cy * ky;
    for (let i = from; i < to; i++) {
      const s = shade[i];
      if (only !== null && only[s] === 0) continue;
      const x = xy[2 * i] * kx + ox;
      const y = oy - xy[2 * i + 1] * ky;
      if (!(x >= 0 && y >= 0 && x < width && y < height)) continue;
      const at = ((y | 0) * width + (x | 0)) << 2;
      const colour = palette[s];
      sums[at] += 1;
      sums[at + 1] += colour & 255;
      sums[at + 2] += (colour >>> 8) & 255;
      sums[at + 3] += (colour >>> 16) & 255;
    }
  }

  /** Blends what was counted onto pixels of the same size; `strength` scales the opacity. */
  blend(pixels: Uint32Array, strength = 1): void {
    const { sums } = this;
    const opacity = this.opacities(strength);
    for (let p = 0; p < pixels.length; p++) {
      const n = sums[4 * p];
      if (n === 0) continue;
      const a = opacity[n < MOST ? n : MOST];
      const b = 256 - a;
      const under = pixels[p];
      const share = a / n;
      const red = (sums[4 * p + 1] * share + (under & 255) * b) >>> 8;
      const green = (sums[4 * p + 2] * share + ((under >>> 8) & 255) * b) >>> 8;
      const blue = (sums[4 * p + 3] * share + ((under >>> 16) & 255) * b) >>> 8;
      pixels[p] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  }

  /** Opacity, 0 to 256, of each count up to `MOST`: by its rank among the pixels with points. */
  private opacities(strength: number): Uint16Array {
    const { sums } = this;
    const pixels = new Uint32Array(MOST + 1);
    let some = 0;
    for (let at = 0; at < sums.length; at += 4) {
      const n = sums[at];
      if (n === 0) continue;
      pixels[n < MOST ? n : MOST] += 1;
      some += 1;
    }
    const opacity = new Uint16Array(MOST + 1);
    let below = 0;
    for (let n = 1; n <= MOST; n++) {
      const rank = some > pixels[n] ? below / (some - pixels[n]) : 1;
      opacity[n] = Math.round(256 * strength * (LEAST_OPACITY + (1 - LEAST_OPACITY) * rank));
      below += pixels[n];
    }
    return opacity;
  }
}
