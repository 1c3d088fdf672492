// The map's camera: its first view, and how far it pans and zooms.
import type { Bounds, Viewport } from "./viewport";
import * as viewports from "./viewport";

const MAX_ZOOM = 400;
const MIN_ZOOM = 0.4;
/** Points that the extent of most points is read from. */
const SAMPLE = 4096;
/** Fewer points than this have no outliers. */
const FEW = 20;
/** The share of the points at each end that may be outliers. */
const TAIL = 0.005;

/** The interval that holds all but outliers: those farther off than the spread of the rest. */
function usual(values: Float32Array): [number, number] {
  const sorted = values.sort();
  const last = sorted.length - 1;
  const cut = sorted.length < FEW ? 0 : Math.max(1, Math.floor(TAIL * sorted.length));
  const [low, high] = [sorted[cut], sorted[last - cut]];
  return high > low ? [low - (high - low), high + (high - low)] : [-Infinity, Infinity];
}

/**
 * The extent of interleaved x, y without far outliers.
 *
 * An outlier lies farther from the middle 99 % of a sample than these spread, on either axis.
 */
export function coreBounds(xy: Float32Array): Bounds {
  const count = xy.length >> 1;
  const step = Math.max(1, Math.floor(count / SAMPLE));
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i += step) {
    if (!Number.isFinite(xy[2 * i]) || !Number.isFinite(xy[2 * i + 1])) continue;
    xs.push(xy[2 * i]);
    ys.push(xy[2 * i + 1]);
  }
  if (xs.length === 0) return viewports.boundsOf(xy);
  const [x0, x1] = usual(Float32Array.from(xs));
  const [y0, y1] = usual(Float32Array.from(ys));
  return viewports.boundsOf(xy, { x0, y0, x1, y1 });
}

const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));

export class Camera {
  view: Viewport = viewports.fit({ x0: 0, y0: 0, x1: 1, y1: 1 }, 1, 1);
  /** Whether the camera shows what it shows at first, also after a change of size. */
  atHome = true;
  private home: Viewport = this.view;
  private core: Bounds = { x0: 0, y0: 0, x1: 1, y1: 1 };
  private whole: Bounds = this.core;
  /** What is shown at first instead of the whole map. */
  private looked: Bounds | null = null;

  /** Takes the points of another map, and shows them all but far outliers. */
  setPoints(xy: Float32Array): void {
    this.whole = viewports.boundsOf(xy);
    this.core = coreBounds(xy);
    this.atHome = true;
    this.fitHome();
  }

  resize(width: number, height: number): void {
    this.view = viewports.resize(this.view, width, height);
    this.fitHome();
  }

  /** Shows a part of the map; null for the whole. */
  look(bounds: Bounds | null): void {
    this.looked = bounds;
    this.atHome = true;
    this.fitHome();
  }

  goHome(): void {
    this.looked = null;
    this.atHome = true;
    this.fitHome();
  }

  /** Moves the map under the screen; its middle stays on the first view or among the points. */
  pan(dx: number, dy: number): void {
    this.take(viewports.pan(this.view, dx, dy));
  }

  zoom(factor: number, x: number, y: number): void {
    const { width, height } = this.view;
    const all = viewports.fit(this.whole, width, height);
    const least = Math.min(MIN_ZOOM, (0.8 * all.kx) / this.home.kx, (0.8 * all.ky) / this.home.ky);
    const allowed = clamp(factor, least / this.zoomed, MAX_ZOOM / this.zoomed);
    if (allowed !== 1) this.take(viewports.zoomAbout(this.view, allowed, x, y));
  }

  /** How much larger the map is shown than at first. */
  get zoomed(): number {
    return this.view.kx / this.home.kx;
  }

  private take(view: Viewport): void {
    const home = viewports.visible(this.home);
    const cx = clamp(view.cx, Math.min(home.x0, this.whole.x0), Math.max(home.x1, this.whole.x1));
    const cy = clamp(view.cy, Math.min(home.y0, this.whole.y0), Math.max(home.y1, this.whole.y1));
    this.view = { ...view, cx, cy };
    this.atHome = false;
  }

  private fitHome(): void {
    const { width, height } = this.view;
    this.home = viewports.fit(this.core, width, height, Math.min(44, width / 12));
    if (this.atHome)
      this.view = this.looked ? viewports.fit(this.looked, width, height, 0) : this.home;
  }
}
