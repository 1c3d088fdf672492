// The map: points, pictures beside them, the strip's path and the handles under one camera.
import { h, iconButton, prefersStill } from "../dom";
import type { Item } from "../items";
import type { Theme } from "../theme";
import type { HandleName } from "../types";
import { type Beside, BesideLayer } from "./beside-layer";
import { Camera } from "./camera";
import type { Shading } from "./colours";
import { panZoom } from "./gestures";
import { PathLayer } from "./path-layer";
import { PointsLayer } from "./points-layer";
import type { Bounds, Point } from "./viewport";
import * as viewports from "./viewport";
import { PointWalk } from "./walk";

export type { Beside } from "./beside-layer";

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

const REACH_PX = 14;
const APART_PX = 26;
const MAX_RATIO = 2.5;

export class MapView {
  readonly element: HTMLElement;
  readonly knobs = h("div", { class: "knobs" });
  private readonly surface = h("div", { class: "surface" });
  private readonly note = h("div", { class: "map-note" }, "Loading the map…");
  private readonly axisX = h("div", { class: "axis axis-x" });
  private readonly axisY = h("div", { class: "axis axis-y" });
  private readonly camera = new Camera();
  private readonly points = new PointsLayer(() => this.invalidate());
  private readonly path = new PathLayer();
  private readonly beside: BesideLayer;
  private readonly walk: PointWalk;
  private readonly ring = h("div", { class: "ring", "aria-hidden": "true", hidden: "" });
  private readonly stops: (() => void)[] = [];
  private ratio = 1;
  private shading: Shading | null = null;
  private picked: ReadonlySet<number> = new Set();
  private onlyPicked = true;
  private handles: Record<HandleName, Point> | null = null;
  private putKnob: (name: HandleName, x: number, y: number, dx: number, dy: number) => void =
    () => {};
  private scheduled = 0;

  constructor(private readonly on: MapEvents) {
    this.beside = new BesideLayer({
      beside: (items) => this.on.beside(items),
      item: (item) => this.on.item(item),
      accepts: this.accepts,
      changed: () => this.invalidate(),
    });
    this.walk = new PointWalk({
      show: (item) => this.show(item),
      pick: (item, stamp) => this.on.pick(item, stamp),
      accepts: this.accepts,
    });
    this.surface.setAttribute("tabindex", "0");
    this.surface.setAttribute("role", "group");
    this.surface.addEventListener("keydown", (event) => this.key(event));
    this.element = h(
      "div",
      { class: "map", "data-testid": "stage-map" },
      this.points.canvas,
      this.beside.canvas,
      this.path.element as unknown as HTMLElement,
      this.axisX,
      this.axisY,
      this.ring,
      this.surface,
      this.walk.element,
      this.knobs,
      this.note,
      this.beside.choice,
      this.makeTools(),
    );
    this.listen();
  }

  private makeTools(): HTMLElement {
    const activate = iconButton("move", "Move the map with one finger", () => {
      const active = this.element.classList.toggle("lx-activated");
      activate.setAttribute("aria-pressed", String(active));
    });
    activate.classList.add("lx-activate");
    activate.setAttribute("aria-pressed", "false");
    return h(
      "div",
      { class: "map-tools", role: "group", "aria-label": "Zoom" },
      iconButton("plus", "Zoom in", () => this.zoomBy(1.6)),
      iconButton("minus", "Zoom out", () => this.zoomBy(1 / 1.6)),
      iconButton("fit", "Show the whole map", () => this.goHome()),
      activate,
    );
  }

  private listen(): void {
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.element);
    this.stops.push(
      () => observer.disconnect(),
      watchRatio(() => this.measure()),
      panZoom(this.surface, this.element, {
        pan: (dx, dy) => this.move(() => this.camera.pan(dx, dy)),
        zoom: (factor, x, y) => this.move(() => this.camera.zoom(factor, x, y)),
        tap: (x, y, event) => this.tap(x, y, event),
        hover: (x, y) => this.on.hover(this.itemAt(x, y), x, y),
        leave: () => this.unshow(),
      }),
      () => cancelAnimationFrame(this.scheduled),
      () => this.beside.stop(),
      () => this.points.stop(),
    );
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  // What is shown

  /** Shows points; those of another map glide from where they were when there are as many. */
  setGeometry(xy: Float32Array): void {
    const before = this.points.xy;
    const old = this.camera.view;
    const glides = before !== null && before.length === xy.length && !prefersStill();
    this.note.hidden = true;
    this.camera.setPoints(xy);
    const { view } = this.camera;
    this.points.setPoints(xy, glides && before ? viewports.carried(before, old, view) : null, view);
    this.walk.setPoints(xy);
    this.follow();
    this.invalidate();
  }

  /** Marks the points inside a polygon (x, y, x, y, …): 1 inside, 0 outside; none before they are indexed. */
  inside(corners: readonly number[]): Uint8Array {
    const { picker, xy } = this.points;
    return picker?.inside(corners) ?? new Uint8Array((xy?.length ?? 0) >> 1);
  }

  setShading(shading: Shading | null): void {
    this.shading = shading;
    this.points.setShading(shading);
    this.walk.setShading(shading);
    this.invalidate();
  }

  /** Draws only these shades in full; unless `only`, the others can still be pointed at. */
  setPicked(shades: ReadonlySet<number>, only = true): void {
    this.picked = shades;
    this.onlyPicked = only;
    this.points.setLit(shades);
    this.invalidate();
  }

  setTheme(theme: Theme): void {
    this.points.setTheme(theme);
    this.beside.setTheme(theme);
    this.invalidate();
  }

  setSmooth(smooth: boolean): void {
    this.beside.setSmooth(smooth);
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
    this.beside.setMode(mode);
  }

  /** Pictures of items have come. */
  refreshBeside(): void {
    this.beside.refresh();
  }

  // Handles and path

  onKnob(put: (name: HandleName, x: number, y: number, dx: number, dy: number) => void): void {
    this.putKnob = put;
  }

  /** Places both handles (map coordinates); coinciding ones are set apart so both can be taken. */
  setHandles(a: Point, b: Point): void {
    this.handles = { A: a, B: b };
    const [ax, ay] = this.toScreen(a[0], a[1]);
    const [bx, by] = this.toScreen(b[0], b[1]);
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
    this.path.set(points, off);
    this.placePath();
  }

  /** Marks one frame of the strip on the path; -1 for none. */
  markPath(index: number): void {
    this.path.mark(index);
  }

  private placePath(): void {
    this.path.place((x, y) => this.toScreen(x, y));
  }

  // Coordinates

  /** The map's left top corner in the window. */
  origin(): Point {
    const box = this.surface.getBoundingClientRect();
    return [box.left, box.top];
  }

  toScreen(x: number, y: number): Point {
    return viewports.toScreen(this.camera.view, x, y);
  }

  /** The map place at a place of the screen, kept inside what is shown. */
  toMap(sx: number, sy: number): Point {
    const { width, height } = this.camera.view;
    const inside = (v: number, size: number) => Math.min(size - 2, Math.max(2, v));
    return viewports.toMap(this.camera.view, inside(sx, width), inside(sy, height));
  }

  /** Brings a map place into view, moving no more than needed. */
  reveal(x: number, y: number): void {
    const margin = 32;
    const [sx, sy] = this.toScreen(x, y);
    const { width, height } = this.camera.view;
    const lack = (v: number, size: number) =>
      v < margin ? margin - v : v > size - margin ? size - margin - v : 0;
    const dx = lack(sx, width);
    const dy = lack(sy, height);
    if (dx !== 0 || dy !== 0) this.move(() => this.camera.pan(dx, dy));
  }

  // Camera

  private measure(): void {
    const width = this.element.clientWidth;
    const height = this.element.clientHeight;
    if (width === 0 || height === 0) return;
    this.ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
    this.beside.resize(width, height, this.ratio);
    this.path.resize(width, height);
    this.camera.resize(width, height);
    this.follow();
    // A canvas that has been resized is blank until it is drawn: do not wait for the next frame.
    this.draw();
  }

  private follow(): void {
    this.placePath();
    if (this.handles) this.setHandles(this.handles.A, this.handles.B);
    this.on.moved?.();
  }

  private move(change: () => void): void {
    change();
    this.unshow();
    this.follow();
    this.invalidate();
  }

  private zoomBy(factor: number): void {
    const { width, height } = this.camera.view;
    this.move(() => this.camera.zoom(factor, width / 2, height / 2));
  }

  /** What the screen shows of the map, in the map's units. */
  get shown(): Bounds {
    return viewports.visible(this.camera.view);
  }

  /** Shows a part of the map, also after a change of size; null for the whole. */
  look(bounds: Bounds | null): void {
    this.camera.look(bounds);
    this.follow();
    this.invalidate();
  }

  private goHome(): void {
    this.move(() => this.camera.goHome());
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
    if (moved) this.move(() => this.camera.pan(moved[0], moved[1]));
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
    const { view } = this.camera;
    const [x, y] = viewports.toMap(view, sx, sy);
    return this.points.picker?.nearest(x, y, view.kx, view.ky, REACH_PX, this.accepts) ?? -1;
  }

  /** Shows a point as hovering does, wherever it lies. */
  private show(item: number): void {
    const { xy } = this.points;
    if (!xy) return;
    this.reveal(xy[2 * item], xy[2 * item + 1]);
    const [x, y] = this.toScreen(xy[2 * item], xy[2 * item + 1]);
    this.ring.style.transform = `translate3d(${x}px, ${y}px, 0)`;
    this.ring.hidden = false;
    this.on.hover(item, x, y);
  }

  private unshow(): void {
    this.ring.hidden = true;
    this.on.hover(-1, 0, 0);
  }

  private tap(x: number, y: number, event: PointerEvent): void {
    const item = this.itemAt(x, y);
    if (item >= 0) this.on.pick(item, event.timeStamp);
  }

  // Drawing

  private invalidate(): void {
    this.scheduled ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    this.points.draw(this.camera, this.ratio);
    this.beside.draw(this.points, this.camera.view);
    this.element.classList.toggle("lx-gliding", this.points.gliding);
  }
}

/** Tells when the page comes onto a screen with other pixels; returns a function that stops. */
function watchRatio(changed: () => void): () => void {
  let query: MediaQueryList;
  const arm = () => {
    query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", tell, { once: true });
  };
  const tell = () => {
    arm();
    changed();
  };
  arm();
  return () => query.removeEventListener("change", tell);
}
