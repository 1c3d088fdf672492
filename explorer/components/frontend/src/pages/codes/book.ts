// A codebook as the browser has it: where its codes lie, how often they are used, what they look like, their colours.

import type { Shape } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { LevelInfo } from "./types";

export interface Book {
  /** x and y of each code. */
  xy: Float32Array;
  uses: Float32Array;
  /** Places of the atlas that were counted. */
  total: number;
  /** Codes, the most used first. */
  order: number[];
  /** Place in `order` of each code. */
  rank: Uint32Array;
  colours: string[];
}

/** Reads x, y and use of each code. */
export function readBook(values: Float32Array): Book {
  const count = values.length / 3;
  const xy = new Float32Array(2 * count);
  const uses = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    xy[2 * i] = values[3 * i];
    xy[2 * i + 1] = values[3 * i + 1];
    uses[i] = values[3 * i + 2];
  }
  const order = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => uses[b] - uses[a] || a - b,
  );
  const rank = new Uint32Array(count);
  order.forEach((code, place) => {
    rank[code] = place;
  });
  return {
    xy,
    uses,
    total: uses.reduce((sum, v) => sum + v, 0),
    order,
    rank,
    colours: colours(xy),
  };
}

/** Colours that are alike for codes that lie near: hue by direction from the middle, strength by distance. */
function colours(xy: Float32Array): string[] {
  const count = xy.length / 2;
  let [mx, my] = [0, 0];
  for (let i = 0; i < count; i++) {
    mx += xy[2 * i] / count;
    my += xy[2 * i + 1] / count;
  }
  const far = Array.from({ length: count }, (_, i) =>
    Math.hypot(xy[2 * i] - mx, xy[2 * i + 1] - my),
  );
  const most = Math.max(...far, 1e-9);
  return far.map((distance, i) => {
    const hue = (Math.atan2(xy[2 * i + 1] - my, xy[2 * i] - mx) * 180) / Math.PI;
    return `hsl(${hue.toFixed(0)} ${(35 + 55 * (distance / most)).toFixed(0)}% 55%)`;
  });
}

/** Positions in a box of pixels that keep the map's shape, its ends at the box's edge. */
export function fitted(
  xy: Float32Array,
  width: number,
  height: number,
  edge: number,
): Float32Array<ArrayBuffer> {
  const count = xy.length / 2;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < count; i++)
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], xy[2 * i + axis]);
      high[axis] = Math.max(high[axis], xy[2 * i + axis]);
    }
  const size = [width - 2 * edge, height - 2 * edge];
  const placed = new Float32Array(xy.length);
  for (let i = 0; i < count; i++)
    for (const axis of [0, 1]) {
      const span = high[axis] - low[axis];
      const t = span > 0 ? (xy[2 * i + axis] - low[axis]) / span : 0.5;
      placed[2 * i + axis] = edge + size[axis] * (axis === 0 ? t : 1 - t);
    }
  return placed;
}

const ROUNDS = 80;
const SPREAD_AT_MOST = 1024;

/**
 * Pushes squares apart that lie over each other, a little in each round; they stay in the box.
 *
 * Arguments:
 *   placed: middles, x and y of each; changed in place.
 *   sides: side of each square.
 */
export function spread(
  placed: Float32Array,
  sides: ArrayLike<number>,
  width: number,
  height: number,
) {
  const count = sides.length;
  if (count > SPREAD_AT_MOST) return;
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    for (let i = 0; i < count; i++)
      for (let j = i + 1; j < count; j++) {
        const least = (sides[i] + sides[j]) / 2;
        let dx = placed[2 * j] - placed[2 * i];
        const dy = placed[2 * j + 1] - placed[2 * i + 1];
        const over = least - Math.max(Math.abs(dx), Math.abs(dy));
        if (over <= 0) continue;
        moved = true;
        if (dx === 0 && dy === 0) dx = i % 2 ? 1 : -1; // of two at one place each goes its way
        const axis = Math.abs(dx) > Math.abs(dy) ? 0 : 1;
        const push = 0.3 * over * Math.sign(axis === 0 ? dx : dy) || 0.3 * over;
        placed[2 * i + axis] -= push;
        placed[2 * j + axis] += push;
      }
    for (let i = 0; i < count; i++) {
      const half = sides[i] / 2;
      placed[2 * i] = Math.min(width - half, Math.max(half, placed[2 * i]));
      placed[2 * i + 1] = Math.min(height - half, Math.max(half, placed[2 * i + 1]));
    }
    if (!moved) return;
  }
}

/** The pictures of a level's codes, each on a canvas of its own. */
export function readLooks(
  buffer: ArrayBuffer,
  level: LevelInfo,
  channels: number,
): HTMLCanvasElement[] {
  const [height, width] = level.look;
  const bytes = new Uint8Array(buffer);
  const size = channels * height * width;
  if (bytes.length !== level.codes * size)
    throw new Error(`The codes' pictures have ${bytes.length} bytes, not ${level.codes * size}.`);
  const shape: Shape = [channels, height, width];
  return Array.from({ length: level.codes }, (_, code) => {
    const picture = new PictureCanvas(document.createElement("canvas"));
    picture.paint(bytes, code, shape);
    return picture.canvas;
  });
}
