// Small pictures beside the points in view: chosen so that none covers another.
import type { Item } from "../items";
import type { Viewport } from "./viewport";
import { toScreen } from "./viewport";

export interface Placed {
  item: number;
  /** The picture's left top corner on the screen. */
  x: number;
  y: number;
}

export const THUMB_PX = 38;
const SPACING_PX = 6;
const AWAY_PX = 6;

/**
 * Chooses places for pictures, in the order of the items, leaving out those that would overlap.
 *
 * A picture stands above and to the right of its point. The work is bounded: a coarse grid answers
 * what is taken.
 */
export function placeThumbnails(
  items: readonly number[],
  xy: Float32Array,
  view: Viewport,
  limit: number,
  size = THUMB_PX,
): Placed[] {
  const cell = size + SPACING_PX;
  const taken = new Map<string, Placed>();
  const placed: Placed[] = [];
  for (const item of items) {
    const [sx, sy] = toScreen(view, xy[2 * item], xy[2 * item + 1]);
    const x = sx + AWAY_PX;
    const y = sy - AWAY_PX - size;
    if (x < 0 || y < 0 || x + size > view.width || y + size > view.height) continue;
    const column = Math.floor(x / cell);
    const row = Math.floor(y / cell);
    let free = true;
    for (let r = row - 1; r <= row + 1 && free; r++) {
      for (let c = column - 1; c <= column + 1 && free; c++) {
        const other = taken.get(`${c},${r}`);
        free = !other || Math.abs(other.x - x) >= cell || Math.abs(other.y - y) >= cell;
      }
    }
    if (!free) continue;
    const place = { item, x, y };
    taken.set(`${column},${row}`, place);
    placed.push(place);
    if (placed.length >= limit) break;
  }
  return placed;
}

/** Draws the pictures that have come; the canvas is in device pixels, `ratio` a css pixel. */
export function drawThumbnails(
  context: CanvasRenderingContext2D,
  placed: readonly Placed[],
  get: (item: number) => Item | undefined,
  ratio: number,
  edge: string,
  smooth: boolean,
): void {
  const { canvas } = context;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  for (const { item, x, y } of placed) {
    const data = get(item);
    if (!data) continue;
    context.save();
    context.beginPath();
    context.roundRect(x, y, THUMB_PX, THUMB_PX, 5);
    context.fillStyle = edge;
    context.shadowColor = "rgb(0 0 0 / 0.28)";
    context.shadowBlur = 5 * ratio;
    context.shadowOffsetY = 1 * ratio;
    context.fill();
    context.shadowColor = "transparent";
    context.beginPath();
    context.roundRect(x + 1, y + 1, THUMB_PX - 2, THUMB_PX - 2, 4);
    context.clip();
    const { width, height } = data.canvas;
    const scale = (THUMB_PX - 2) / Math.max(width, height);
    const w = width * scale;
    const t = height * scale;
    context.drawImage(data.canvas, x + (THUMB_PX - w) / 2, y + (THUMB_PX - t) / 2, w, t);
    context.restore();
  }
}
