// Draws a map of points into pixels, without a GPU: points where few are in view, a density else.
import { Density } from "./density";
import { Picker } from "./picker";
import { type Answer, answerTo, type Question } from "./questions";
import { type Discs, makeDiscs, Raster, radiusFor } from "./raster";
import { type Viewport, visible } from "./viewport";

/** With more points than this in view a density is drawn. */
export const POINTS_AT_MOST = 200_000;
/** Opacity of the points that the legend leaves out. */
export const DIM = 0.1;

/** What to draw. */
export interface Scene {
  /** In css pixels. */
  readonly view: Viewport;
  /** Device pixels of a css pixel. */
  readonly ratio: number;
  /** How much larger the map is shown than at first, and the shorter side of the screen. */
  readonly zoomed: number;
  readonly side: number;
  /** Behind the points, 0xAABBGGRR. */
  readonly background: number;
  /** Shades to draw in full, marked 1; null for all. */
  readonly lit: Uint8Array | null;
  /** From where the points were on the former map, 0, to where they are, 1. */
  readonly glided: number;
}

/** A drawn map. */
export interface Painted {
  /** What it shows; in css pixels. */
  readonly view: Viewport;
  /** Its own pixels of a css pixel. */
  readonly ratio: number;
  readonly width: number;
  readonly height: number;
  readonly density: boolean;
}

/** A viewport in device pixels. */
export const deviceView = (view: Viewport, ratio: number): Viewport => ({
  ...view,
  kx: view.kx * ratio,
  ky: view.ky * ratio,
  width: Math.round(view.width * ratio),
  height: Math.round(view.height * ratio),
});

export class Painter {
  readonly raster = new Raster();
  picker: Picker | null = null;
  private readonly density = new Density();
  private xy: Float32Array = new Float32Array(0);
  private before: Float32Array | null = null;
  private between: Float32Array | null = null;
  private shade: Uint16Array = new Uint16Array(0);
  private ordered: Uint16Array | null = null;
  private palette: Uint32Array = new Uint32Array(1);
  private discs: { key: string; full: Discs; dim: Discs } | null = null;

  /** Takes other points (interleaved), not yet indexed, and from where they glide. */
  setPoints(xy: Float32Array, from: Float32Array | null): void {
    this.xy = xy;
    this.before = from;
    this.between = null;
    this.picker = null;
    this.ordered = null;
  }

  /** Builds the index: from here on only points in view cost anything. */
  index(): Picker {
    this.picker ??= Picker.of(this.xy);
    return this.picker;
  }

  /** Takes the index of each point's colour in a palette of opaque colours, 0xAABBGGRR. */
  setShading(shade: Uint16Array, palette: Uint32Array): void {
    this.shade = shade;
    this.palette = palette;
    this.ordered = null;
  }

  /** Answers at once; indexes the points first if they are not yet. */
  answer(question: Question): Answer {
    return answerTo(question, this.index(), this.xy, this.shade);
  }

  paint(scene: Scene): Painted {
    const dense = scene.glided >= 1 && this.isDense(scene.view);
    const ratio = dense ? Math.min(1, scene.ratio) : scene.ratio;
    const view = deviceView(scene.view, ratio);
    this.raster.resize(view.width, view.height);
    this.raster.clear(scene.background);
    const { lit } = scene;
    const unlit = lit ? lit.map((v) => 1 - v) : null;
    if (dense) {
      if (unlit) this.drawDensity(view, unlit, DIM);
      this.drawDensity(view, lit, 1);
    } else {
      const { full, dim } = this.discsFor(scene, ratio);
      if (unlit) this.drawPoints(scene, view, dim, unlit);
      this.drawPoints(scene, view, full, lit);
    }
    return { view: scene.view, ratio, width: view.width, height: view.height, density: dense };
  }

  private get count(): number {
    return Math.min(this.shade.length, this.xy.length >> 1);
  }

  private isDense(view: Viewport): boolean {
    if (this.count <= POINTS_AT_MOST) return false;
    return !this.picker || this.picker.count(visible(view), POINTS_AT_MOST) > POINTS_AT_MOST;
  }

  private drawDensity(view: Viewport, only: Uint8Array | null, strength: number): void {
    const { palette, density, raster } = this;
    density.clear(view.width, view.height);
    this.eachRange(view, (xy, shade, from, to) =>
      density.add(xy, view, shade, palette, only, from, to),
    );
    density.blend(raster.pixels, strength);
  }

  private drawPoints(scene: Scene, view: Viewport, discs: Discs, only: Uint8Array | null): void {
    const { palette, raster } = this;
    if (scene.glided < 1 && this.before) {
      const xy = this.glide(this.before, scene.glided);
      raster.draw(xy, view, this.shade, palette, discs, only);
      return;
    }
    this.eachRange(view, (xy, shade, from, to) =>
      raster.draw(xy, view, shade, palette, discs, only, from, to),
    );
  }

  /** Visits the points that the view may show, in the order of the index where there is one. */
  private eachRange(
    view: Viewport,
    visit: (xy: Float32Array, shade: Uint16Array, from: number, to: number) => void,
  ): void {
    const { picker } = this;
    if (!picker || this.shade.length < picker.ids.length) {
      visit(this.xy, this.shade, 0, this.count);
      return;
    }
    const margin = 8 / view.kx;
    const across = 8 / view.ky;
    const { x0, y0, x1, y1 } = visible(view);
    const shown = { x0: x0 - margin, y0: y0 - across, x1: x1 + margin, y1: y1 + across };
    this.ordered ??= inOrder(this.shade, picker.ids);
    const { ordered } = this;
    picker.ranges(shown, (from, to) => {
      visit(picker.coords, ordered, from, to);
      return true;
    });
  }

  private glide(before: Float32Array, share: number): Float32Array {
    const { xy } = this;
    this.between ??= new Float32Array(xy.length);
    for (let i = 0; i < xy.length; i++) this.between[i] = before[i] + share * (xy[i] - before[i]);
    return this.between;
  }

  private discsFor(scene: Scene, ratio: number): { full: Discs; dim: Discs } {
    const { radius, opacity } = pointStyle(this.count, scene, ratio);
    const key = `${radius.toFixed(1)} ${opacity.toFixed(2)}`;
    if (this.discs?.key !== key)
      this.discs = { key, full: makeDiscs(radius, opacity), dim: makeDiscs(radius * 0.85, DIM) };
    return this.discs;
  }
}

/** Radius in device pixels and opacity of each of `count` points. */
export function pointStyle(
  count: number,
  scene: Scene,
  ratio: number,
): { radius: number; opacity: number } {
  const radius = radiusFor(count, scene.zoomed, scene.side) * ratio;
  // Fewer, bigger points can be more solid; many thin ones show density by their overlap.
  const opacity = 0.95 - 0.09 * Math.log10(Math.max(1, count / 500));
  return { radius, opacity: Math.min(0.92, Math.max(0.6, opacity)) };
}

function inOrder(shade: Uint16Array, ids: Uint16Array | Uint32Array): Uint16Array {
  const ordered = new Uint16Array(ids.length);
  for (let i = 0; i < ids.length; i++) ordered[i] = shade[ids[i]];
  return ordered;
}
