// The map: points, pictures beside them, the strip's path and the handles under one camera.
import { h, prefersStill } from "../dom";
import type { Item } from "../items";
import type { Theme } from "../theme";
import { type Beside, BesideLayer } from "./beside-layer";
import { Camera } from "./camera";
import { type CameraMoves, cameraButtons, cameraKey, watchRatio } from "./camera-controls";
import type { Shading } from "./colours";
import { panZoom } from "./gestures";
import { HandlePlaces, type PutKnob } from "./handle-places";
import { PathLayer } from "./path-layer";
import { Pointing, type PointingEvents } from "./pointing";
import { GLIDE_POINTS, PointsLayer } from "./points-layer";
import type { Bounds, Point } from "./viewport";
import * as viewports from "./viewport";

export type { Beside } from "./beside-layer";

export interface MapEvents extends PointingEvents {
  /** The items whose pictures are to stand beside them. */
  beside(items: number[]): void;
  item(item: number): Item | undefined;
  /** The map was panned, zoomed or resized: places on its screen have changed. */
  moved?(): void;
}

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
  private readonly pointing: Pointing;
  private readonly stops: (() => void)[] = [];
  private ratio = 1;
  private readonly handles = new HandlePlaces((x, y) => this.toScreen(x, y));
  private readonly moves: CameraMoves = {
    pan: (dx, dy) => this.move(() => this.camera.pan(dx, dy)),
    zoom: (factor) => this.zoomBy(factor),
    home: () => this.move(() => this.camera.goHome()),
  };
  private scheduled = 0;

  constructor(private readonly on: MapEvents) {
    this.beside = new BesideLayer({
      beside: (items) => this.on.beside(items),
      item: (item) => this.on.item(item),
      changed: () => this.invalidate(),
    });
    this.pointing = new Pointing(this.points, this.camera, this.on, (x, y) => this.reveal(x, y));
    this.surface.setAttribute("tabindex", "0");
    this.surface.setAttribute("role", "group");
    this.surface.addEventListener("keydown", (event) => cameraKey(event, this.moves));
    this.element = h(
      "div",
      { class: "map", "data-testid": "stage-map" },
      this.points.canvas,
      this.beside.canvas,
      this.path.element as unknown as HTMLElement,
      this.axisX,
      this.axisY,
      this.pointing.ring,
      this.surface,
      this.pointing.walk.element,
      this.knobs,
      this.note,
      this.beside.choice,
    );
    this.element.append(cameraButtons(this.element, this.moves));
    this.listen();
  }

  private listen(): void {
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.element);
    this.stops.push(
      () => observer.disconnect(),
      watchRatio(() => this.measure()),
      panZoom(this.surface, this.element, {
        pan: this.moves.pan,
        zoom: (factor, x, y) => this.move(() => this.camera.zoom(factor, x, y)),
        tap: (x, y, event) => this.pointing.tap(x, y, event),
        hover: (x, y) => this.pointing.hover(x, y),
        leave: () => this.pointing.unshow(),
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
    const glides =
      before?.length === xy.length && xy.length >> 1 <= GLIDE_POINTS && !prefersStill();
    this.note.hidden = true;
    this.camera.setPoints(xy);
    const { view } = this.camera;
    this.points.setPoints(xy, glides && before ? viewports.carried(before, old, view) : null, view);
    this.pointing.walk.setPoints(xy);
    this.follow();
    this.invalidate();
  }

  /** Marks the points inside a polygon (x, y, x, y, …): 1 inside, 0 outside; null where that cannot be had. */
  inside(corners: readonly number[], done: (marks: Uint8Array | null) => void): void {
    this.points.inside(corners, done);
  }

  setShading(shading: Shading | null): void {
    this.points.setShading(shading);
    this.invalidate();
  }

  /** Draws only these shades in full; unless `only`, the others can still be pointed at. */
  setPicked(shades: ReadonlySet<number>, only = true): void {
    this.points.setLit(shades, only);
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

  onKnob(put: PutKnob): void {
    this.handles.onKnob(put);
  }

  /** Places both handles (map coordinates). */
  setHandles(a: Point, b: Point): void {
    this.handles.set(a, b);
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
    this.handles.place();
    this.on.moved?.();
  }

  private move(change: () => void): void {
    change();
    this.pointing.unshow();
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

  /** The item at a place of the screen, or -1. */
  itemAt(sx: number, sy: number): number {
    return this.pointing.itemAt(sx, sy);
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
