// The map: points, pictures beside them, the strip's path and the handles over one viewport.

import { h, iconButton, prefersStill, segmented, svg } from "../dom";
import { verdict } from "../gauge";
import type { Item } from "../items";
import { remember, remembered } from "../remembered";
import type { Theme } from "../theme";
import type { HandleName } from "../types";
import type { Shading } from "./colours";
import { pack, shadePlain } from "./colours";
import { panZoom } from "./panzoom";
import type { Discs } from "./points";
import { makeDiscs, Raster, radiusFor } from "./points";
import { SpatialIndex } from "./spatial";
import { drawThumbnails, type Placed, placeThumbnails } from "./thumbnails";
import type { Bounds, Point, Viewport } from "./viewport";
import * as viewports from "./viewport";

export interface MapEvents {
  /** The item under the pointer, at a place of the map's screen; -1 for none. */
  hover(item: number, x: number, y: number): void;
  pick(item: number, stamp: number): void;
  /** The items whose pictures are to stand beside them. */
  beside(items: number[]): void;
  item(item: number): Item | undefined;
  /** The map was panned, zoomed or resized: places on its screen have changed. */
  moved?(): void;
}

const BESIDE = ["off", "auto", "on"] as const;
export type Beside = (typeof BESIDE)[number];

const REACH_PX = 14;
const AUTO_ITEMS = 60;
const BESIDE_LIMIT = 90;
const BESIDE_SEARCH = 4000;
const MORPH_MS = 550;
const ASK_MS = 120;
const MAX_ZOOM = 400;
const MIN_ZOOM = 0.4;
const APART_PX = 26;
const MAX_RATIO = 2.5;
/** More points times device pixels than this are drawn coarsely while the map moves. */
const COARSE_FROM = 120_000;
const REFINE_MS = 160;

export class MapView {
  readonly element: HTMLElement;
  readonly knobs = h("div", { class: "knobs" });
  readonly stop: () => void;
  private readonly surface = h("div", { class: "surface" });
  private readonly canvas = h("canvas", { class: "points", "aria-hidden": "true" });
  private readonly besideCanvas = h("canvas", { class: "beside", "aria-hidden": "true" });
  private readonly path = svg("svg", { class: "lx-path", "aria-hidden": "true" });
  private readonly line = svg("polyline", { class: "lx-path-line" });
  private readonly note = h("div", { class: "map-note" }, "Loading the map…");
  private readonly axisX = h("div", { class: "axis axis-x" });
  private readonly axisY = h("div", { class: "axis axis-y" });
  private readonly context = this.canvas.getContext("2d", { alpha: false });
  private readonly besideContext = this.besideCanvas.getContext("2d");
  private readonly raster = new Raster();
  private dots: SVGCircleElement[] = [];

  private view: Viewport = viewports.fit({ x0: 0, y0: 0, x1: 1, y1: 1 }, 1, 1);
  private home: Viewport = this.view;
  private atHome = true;
  /** What is shown at first instead of the whole map. */
  private looked: Bounds | null = null;
  private ratio = 1;
  private xy: Float32Array | null = null;
  private drawn: Float32Array | null = null;
  private bounds: Bounds = { x0: 0, y0: 0, x1: 1, y1: 1 };
  private index: SpatialIndex | null = null;
  private shading: Shading | null = null;
  private picked: ReadonlySet<number> = new Set();
  private onlyPicked = true;
  private theme: Theme | null = null;
  private discs: { key: string; full: Discs; dim: Discs } | null = null;
  private besideMode: Beside = remembered("pictures", BESIDE, "auto");
  private readonly besideHint = h("span", { class: "beside-hint" }, "Zoom in to see them");
  private placed: Placed[] = [];
  private smooth = true;
  private pathPoints: readonly (readonly [number, number])[] = [];
  private handles: Record<HandleName, Point> | null = null;
  private putKnob: (name: HandleName, x: number, y: number, dx: number, dy: number) => void =
    () => {};
  private scheduled = 0;
  private morph = 0;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private refining: ReturnType<typeof setTimeout> | undefined;
  private coarse = false;

  constructor(private readonly on: MapEvents) {
    this.path.append(this.line);
    const beside = segmented<Beside>(
      "Pictures beside points",
      [
        ["off", "Off"],
        ["auto", "Near"],
        ["on", "Always"],
      ],
      (mode) => {
        remember("pictures", mode);
        this.setBeside(mode);
      },
    );
    beside.set(this.besideMode);
    const tools = h(
      "div",
      { class: "map-tools", role: "group", "aria-label": "Zoom" },
      iconButton("plus", "Zoom in", () => this.zoomBy(1.6)),
      iconButton("minus", "Zoom out", () => this.zoomBy(1 / 1.6)),
      iconButton("fit", "Show the whole map", () => this.goHome()),
    );
    const pictures = h(
      "div",
      {
        class: "map-pictures",
        title: `Pictures beside the points: never, when at most ${AUTO_ITEMS} are in view, or always`,
      },
      h("span", { class: "field-name" }, "Pictures"),
      beside.element,
      this.besideHint,
    );
    this.surface.setAttribute("tabindex", "0");
    this.surface.setAttribute("role", "group");
    this.surface.addEventListener("keydown", (event) => this.key(event));
    this.element = h(
      "div",
      { class: "map", "data-testid": "stage-map" },
      this.canvas,
      this.besideCanvas,
      this.path as unknown as HTMLElement,
      this.axisX,
      this.axisY,
      this.surface,
      this.knobs,
      this.note,
      pictures,
      tools,
    );
    const stopPanZoom = panZoom(this.surface, {
      pan: (dx, dy) => this.move(viewports.pan(this.view, dx, dy)),
      zoom: (factor, x, y) => this.zoomAt(factor, x, y),
      tap: (x, y, event) => this.tap(x, y, event),
      hover: (x, y) => this.on.hover(this.itemAt(x, y), x, y),
      leave: () => this.on.hover(-1, 0, 0),
    });
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.element);
    this.stop = () => {
      stopPanZoom();
      observer.disconnect();
      cancelAnimationFrame(this.scheduled);
      cancelAnimationFrame(this.morph);
      clearTimeout(this.asking);
      clearTimeout(this.refining);
    };
  }

  // What is shown

  /** Shows points; those of another map glide from where they were when there are as many. */
  setGeometry(xy: Float32Array): void {
    const before = this.drawn;
    const old = this.view;
    const glides = before !== null && before.length === xy.length && !prefersStill();
    this.xy = xy;
    this.drawn = xy;
    this.bounds = viewports.boundsOf(xy);
    this.index = new SpatialIndex(xy);
    this.note.hidden = true;
    this.atHome = true;
    this.fitHome();
    cancelAnimationFrame(this.morph);
    if (glides && before) this.glide(before, old, xy);
    this.invalidate();
  }

  /** Interpolates on the screen: the old places are carried into the new viewport first. */
  private glide(before: Float32Array, old: Viewport, xy: Float32Array): void {
    const from = new Float32Array(before.length);
    for (let i = 0; i < before.length; i += 2) {
      const [sx, sy] = viewports.toScreen(old, before[i], before[i + 1]);
      const [x, y] = viewports.toMap(this.view, sx, sy);
      from[i] = x;
      from[i + 1] = y;
    }
    const between = new Float32Array(from);
    this.drawn = between;
    this.element.classList.add("lx-gliding");
    const began = performance.now();
    const step = (now: number) => {
      const t = Math.min(1, Math.max(0, (now - began) / MORPH_MS));
      const eased = t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
      for (let i = 0; i < xy.length; i++) between[i] = from[i] + eased * (xy[i] - from[i]);
      if (t === 1) {
        this.drawn = xy;
        this.element.classList.remove("lx-gliding");
      } else this.morph = requestAnimationFrame(step);
      this.invalidate();
    };
    this.morph = requestAnimationFrame(step);
  }

  setShading(shading: Shading | null): void {
    this.shading = shading;
    this.invalidate();
  }

  /** Draws only these shades in full; unless `only`, the others can still be pointed at. */
  setPicked(shades: ReadonlySet<number>, only = true): void {
    this.picked = shades;
    this.onlyPicked = only;
    this.invalidate();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.invalidate();
  }

  setSmooth(smooth: boolean): void {
    this.smooth = smooth;
    this.invalidate();
  }

  setAxes(x: string, y: string): void {
    this.axisX.textContent = x;
    this.axisY.textContent = y;
  }

  setLabel(text: string): void {
    this.surface.setAttribute("aria-label", text);
  }

  setNote(text: string): void {
    this.note.textContent = text;
    this.note.hidden = text === "";
  }

  setBeside(mode: Beside): void {
    this.besideMode = mode;
    this.invalidate();
  }

  /** Pictures of items have come. */
  refreshBeside(): void {
    if (this.placed.length > 0) this.drawBeside();
  }

  // Handles and path

  onKnob(put: (name: HandleName, x: number, y: number, dx: number, dy: number) => void): void {
    this.putKnob = put;
  }

  /** Places both handles (map coordinates); coinciding ones are set apart so both can be taken. */
  setHandles(a: Point, b: Point): void {
    this.handles = { A: a, B: b };
    const [ax, ay] = viewports.toScreen(this.view, a[0], a[1]);
    const [bx, by] = viewports.toScreen(this.view, b[0], b[1]);
    const distance = Math.hypot(bx - ax, by - ay);
    let [dx, dy] = [0, 0];
    if (distance < APART_PX) {
      const [ux, uy] = distance > 1 ? [(bx - ax) / distance, (by - ay) / distance] : [1, 0];
      dx = (ux * (APART_PX + 4 - distance)) / 2;
      dy = (uy * (APART_PX + 4 - distance)) / 2;
    }
    this.putKnob("A", ax, ay, -dx, -dy);
    this.putKnob("B", bx, by, dx, dy);
  }

  /** Draws the strip's path; `off` is the percentile of each of its points, empty without a gauge. */
  setPath(points: readonly (readonly [number, number])[], off: readonly number[]): void {
    this.pathPoints = points;
    while (this.dots.length < points.length) {
      const dot = svg("circle", { r: "3.5" });
      this.dots.push(dot);
      this.path.append(dot);
    }
    while (this.dots.length > points.length) this.dots.pop()?.remove();
    this.dots.forEach((dot, i) => {
      const what = off[i] === undefined ? "" : ` lx-${verdict(off[i]).replaceAll(" ", "-")}`;
      dot.setAttribute("class", `lx-path-dot${what}`);
    });
    this.placePath();
  }

  /** Marks one frame of the strip on the path; -1 for none. */
  markPath(index: number): void {
    this.dots.forEach((dot, i) => {
      dot.setAttribute("r", i === index ? "7" : "3.5");
    });
  }

  private placePath(): void {
    let line = "";
    this.pathPoints.forEach(([x, y], i) => {
      const [sx, sy] = viewports.toScreen(this.view, x, y);
      line += `${sx.toFixed(1)},${sy.toFixed(1)} `;
      this.dots[i].setAttribute("cx", sx.toFixed(1));
      this.dots[i].setAttribute("cy", sy.toFixed(1));
    });
    this.line.setAttribute("points", line);
  }

  // Coordinates

  /** The map's left top corner in the window. */
  origin(): Point {
    const box = this.surface.getBoundingClientRect();
    return [box.left, box.top];
  }

  toScreen(x: number, y: number): Point {
    return viewports.toScreen(this.view, x, y);
  }

  /** The map place at a place of the screen, kept inside what is shown. */
  toMap(sx: number, sy: number): Point {
    const { width, height } = this.view;
    const inside = (v: number, size: number) => Math.min(size - 2, Math.max(2, v));
    return viewports.toMap(this.view, inside(sx, width), inside(sy, height));
  }

  /** Brings a map place into view, moving no more than needed. */
  reveal(x: number, y: number): void {
    const margin = 32;
    const [sx, sy] = this.toScreen(x, y);
    const { width, height } = this.view;
    const lack = (v: number, size: number) =>
      v < margin ? margin - v : v > size - margin ? size - margin - v : 0;
    const dx = lack(sx, width);
    const dy = lack(sy, height);
    if (dx !== 0 || dy !== 0) this.move(viewports.pan(this.view, dx, dy));
  }

  // Viewport

  private measure(): void {
    const width = this.element.clientWidth;
    const height = this.element.clientHeight;
    if (width === 0 || height === 0) return;
    this.ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
    this.besideCanvas.width = Math.round(width * this.ratio);
    this.besideCanvas.height = Math.round(height * this.ratio);
    this.path.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.view = viewports.resize(this.view, width, height);
    this.fitHome();
    // A canvas that has been resized is blank until it is drawn: do not wait for the next frame.
    this.draw();
  }

  private fitHome(): void {
    const { width, height } = this.view;
    this.home = viewports.fit(this.bounds, width, height, Math.min(44, width / 12));
    if (this.atHome)
      this.view = this.looked ? viewports.fit(this.looked, width, height, 0) : this.home;
    this.follow();
  }

  private follow(): void {
    this.placePath();
    if (this.handles) this.setHandles(this.handles.A, this.handles.B);
    this.on.moved?.();
  }

  private move(view: Viewport): void {
    this.view = view;
    this.atHome = false;
    this.on.hover(-1, 0, 0);
    this.follow();
    this.coarsen();
    this.invalidate();
  }

  /** On a fine screen many points are drawn with coarse pixels until the map rests. */
  private coarsen(): void {
    const points = (this.drawn?.length ?? 0) >> 1;
    if (this.ratio <= 1 || points * this.ratio ** 2 < COARSE_FROM) return;
    this.coarse = true;
    clearTimeout(this.refining);
    this.refining = setTimeout(() => {
      this.coarse = false;
      this.invalidate();
    }, REFINE_MS);
  }

  /** Gives the canvas the size of the screen in the pixels that are drawn now. */
  private sizeCanvas(): number {
    const ratio = this.coarse ? 1 : this.ratio;
    const width = Math.round(this.view.width * ratio);
    const height = Math.round(this.view.height * ratio);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.raster.resize(width, height);
    return ratio;
  }

  private zoomAt(factor: number, x: number, y: number): void {
    const zoom = this.view.kx / this.home.kx;
    const allowed = Math.min(MAX_ZOOM / zoom, Math.max(MIN_ZOOM / zoom, factor));
    if (allowed !== 1) this.move(viewports.zoomAbout(this.view, allowed, x, y));
  }

  private zoomBy(factor: number): void {
    this.zoomAt(factor, this.view.width / 2, this.view.height / 2);
  }

  /** What the screen shows of the map, in the map's units. */
  get shown(): Bounds {
    return viewports.visible(this.view);
  }

  /** Shows a part of the map, also after a change of size; null for the whole. */
  look(bounds: Bounds | null): void {
    this.looked = bounds;
    this.atHome = true;
    this.fitHome();
    this.invalidate();
  }

  private goHome(): void {
    this.looked = null;
    this.move(this.home);
    this.atHome = true;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 10 : 60;
    const pans: Record<string, readonly [number, number]> = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    const moved = pans[event.key];
    if (moved) this.move(viewports.pan(this.view, moved[0], moved[1]));
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.3);
    else if (event.key === "-") this.zoomBy(1 / 1.3);
    else if (event.key === "0") this.goHome();
    else return;
    event.preventDefault();
  }

  // Hits

  private readonly accepts = (item: number): boolean =>
    !this.onlyPicked ||
    this.picked.size === 0 ||
    !this.shading ||
    this.picked.has(this.shading.shade[item]);

  /** The item at a place of the screen, or -1. */
  itemAt(sx: number, sy: number): number {
    if (!this.index) return -1;
    const [x, y] = viewports.toMap(this.view, sx, sy);
    return this.index.nearest(x, y, this.view.kx, this.view.ky, REACH_PX, this.accepts);
  }

  private tap(x: number, y: number, event: PointerEvent): void {
    const item = this.itemAt(x, y);
    if (item >= 0) this.on.pick(item, event.timeStamp);
  }

  // Drawing

  private invalidate(): void {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    const { context, theme } = this;
    if (!context || !theme || this.view.width < 2) return;
    const ratio = this.sizeCanvas();
    this.raster.clear(pack(theme.map));
    if (this.drawn) this.drawPoints(this.drawn, theme, ratio);
    if (this.raster.image) context.putImageData(this.raster.image, 0, 0);
    this.chooseBeside();
    this.drawBeside();
  }

  private drawPoints(xy: Float32Array, theme: Theme, ratio: number): void {
    const count = xy.length >> 1;
    const shading = this.shading ?? shadePlain(count, theme.plain);
    const { full, dim } = this.discsFor(count, ratio);
    const device: Viewport = {
      ...this.view,
      kx: this.view.kx * ratio,
      ky: this.view.ky * ratio,
      width: this.canvas.width,
      height: this.canvas.height,
    };
    const { shade, palette } = shading;
    if (this.picked.size === 0) {
      this.raster.draw(xy, device, shade, palette, full);
      return;
    }
    const only = new Uint8Array(palette.length);
    for (const s of this.picked) if (s < only.length) only[s] = 1;
    this.raster.draw(
      xy,
      device,
      shade,
      palette,
      dim,
      only.map((v) => 1 - v),
    );
    this.raster.draw(xy, device, shade, palette, full, only);
  }

  private discsFor(count: number, ratio: number): { full: Discs; dim: Discs } {
    const { width, height } = this.view;
    const side = Math.min(width, height);
    const radius = radiusFor(count, this.view.kx / this.home.kx, side) * ratio;
    // Fewer, bigger points can be more solid; many thin ones show density by their overlap.
    const opacity = Math.min(
      0.92,
      Math.max(0.6, 0.95 - 0.09 * Math.log10(Math.max(1, count / 500))),
    );
    const key = `${radius.toFixed(1)} ${opacity.toFixed(2)}`;
    if (this.discs?.key !== key)
      this.discs = {
        key,
        full: makeDiscs(radius, opacity),
        dim: makeDiscs(radius * 0.85, 0.1),
      };
    return this.discs;
  }

  private chooseBeside(): void {
    this.placed = [];
    this.besideHint.hidden = true;
    const { index, xy } = this;
    if (!index || !xy || this.besideMode === "off" || this.drawn !== xy) return;
    const shown = viewports.visible(this.view);
    if (this.besideMode === "auto") {
      const items = index.within(shown, AUTO_ITEMS + 1, this.accepts);
      this.besideHint.hidden = items.length <= AUTO_ITEMS;
      if (items.length > AUTO_ITEMS) return;
      items.sort((a, b) => a - b);
      this.placed = placeThumbnails(items, xy, this.view, AUTO_ITEMS);
    } else {
      this.placed = placeThumbnails(this.firstIn(shown, xy), xy, this.view, BESIDE_LIMIT);
    }
    clearTimeout(this.asking);
    if (this.placed.length === 0) return;
    const items = this.placed.map((p) => p.item);
    this.asking = setTimeout(() => this.on.beside(items), ASK_MS);
  }

  /** The first items in view in the order of the data, so that panning keeps the choice. */
  private firstIn(shown: Bounds, xy: Float32Array): number[] {
    const found: number[] = [];
    for (let i = 0; i < xy.length >> 1 && found.length < BESIDE_SEARCH; i++) {
      const x = xy[2 * i];
      const y = xy[2 * i + 1];
      if (x >= shown.x0 && x <= shown.x1 && y >= shown.y0 && y <= shown.y1 && this.accepts(i))
        found.push(i);
    }
    return found;
  }

  private drawBeside(): void {
    if (!this.besideContext) return;
    const edge = this.theme?.tone === "dark" ? "#3b3f49" : "#ffffff";
    const get = (item: number) => this.on.item(item);
    drawThumbnails(this.besideContext, this.placed, get, this.ratio, edge, this.smooth);
  }
}
