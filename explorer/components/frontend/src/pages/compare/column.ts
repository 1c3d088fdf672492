// One model's column: its map with a handle, the picture that it makes, and what is measured of it.

import { h, setText } from "../../dom";
import { Gauge } from "../../gauge";
import { Knob } from "../../knob";
import { Brush, type Tool } from "../../map/brush";
import type { Shading } from "../../map/colours";
import { MapView } from "../../map/map";
import { decimalsFor, simplify } from "../../map/select";
import type { Point } from "../../map/viewport";
import type { Shape } from "../../messages.gen";
import { MAX_CORNERS } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { Theme } from "../../theme";
import { Peek } from "./peek";
import type { SharedItem } from "./shared-items";
import type { ColumnInfo } from "./types";
import type { Reading } from "./wire";

export interface ColumnEvents {
  /** The item under the pointer; -1 for none. */
  hover(item: number): void;
  pick(item: number, stamp: number): void;
  /** The hand has taken the handle, … */
  begin(): void;
  /** … moves it to a place of the map, … */
  drag(x: number, y: number, stamp: number): void;
  /** … and lets it go, or gives up. */
  release(): void;
  cancel(): void;
  /** An arrow key has moved the handle to a place of the map. */
  nudge(x: number, y: number, stamp: number): void;
  /** A shape was drawn, its corners in map units. */
  select(corners: number[]): void;
}

/** Column 0 is A. */
export const letter = (number: number): string => String.fromCharCode(65 + number);

/** A small number with three digits that count: 0.0123. */
export const short = (value: number): string =>
  value === 0 ? "0" : value < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));

export class Column {
  readonly element: HTMLElement;
  readonly map: MapView;
  readonly knob: Knob;
  private readonly peek: Peek;
  private readonly brush: Brush;
  private readonly gauge: Gauge;
  private readonly picture: PictureCanvas;
  private readonly title = h("h3", { class: "title column-title" });
  private readonly facts = h("span", { class: "column-facts" });
  private readonly role = h("span", { class: "column-role" }, "–");
  private readonly error = h(
    "span",
    {
      class: "column-error",
      title: "Mean squared error per pixel, compared with the picture that was encoded",
    },
    "–",
  );
  private xy: Float32Array | null = null;
  private handle: Point | null = null;
  private home: Point | null = null;
  private corners: readonly number[] = [];
  private shown: { item: number; full: boolean; data: SharedItem | undefined } | null = null;
  reading: Reading | null = null;

  constructor(
    readonly number: number,
    private readonly on: ColumnEvents,
  ) {
    const name = letter(number);
    this.map = new MapView({
      hover: (item) => this.on.hover(item),
      pick: (item, stamp) => this.on.pick(item, stamp),
      beside: () => {},
      item: () => undefined,
      moved: () => this.follow(),
    });
    this.map.setBeside("off");
    this.map.element.setAttribute("data-testid", `map-${name}`);
    this.knob = this.makeKnob(name);
    this.peek = new Peek(number);
    const surface = this.map.element.querySelector<HTMLElement>(".lx-surface");
    this.brush = new Brush(surface ?? this.map.element, {
      start: () => this.on.hover(-1),
      drawn: (corners, event) => this.drawn(corners, event),
    });
    this.gauge = new Gauge(name);
    this.picture = new PictureCanvas(
      h("canvas", {
        class: "picture",
        "data-testid": `picture-${name}`,
        role: "img",
        "aria-label": `Picture of ${name}`,
      }),
    );
    this.map.element.append(this.brush.element, this.peek.element, this.map.knobs);
    this.map.knobs.append(this.knob.element);
    this.element = h(
      "section",
      { class: "column", "data-testid": `column-${name}` },
      h(
        "header",
        { class: "column-head" },
        h("span", { class: "column-letter", "aria-hidden": "true" }, name),
        this.title,
        this.facts,
      ),
      h("div", { class: "map-card" }, this.map.element),
      h(
        "div",
        { class: "column-answer" },
        h("div", { class: "picture-frame" }, this.picture.canvas),
        h("div", { class: "column-figures" }, this.role, this.error, this.gauge.element),
      ),
    );
  }

  stop(): void {
    this.knob.stop();
    this.brush.stop();
    this.map.stop();
  }

  // What is shown

  show(info: ColumnInfo): void {
    setText(this.title, info.title);
    this.title.title = `${info.title} (${info.name})`;
    setText(this.facts, `${info.kind} · ${info.latent} dim`);
    this.facts.title = `${info.kind}, ${info.latent} latent dimensions. Map: ${info.view.title}`;
    this.element.setAttribute("aria-label", `${letter(this.number)}: ${info.title}`);
    this.map.setAxes(info.view.axes?.[0] ?? "", info.view.axes?.[1] ?? "");
    this.map.setLabel(
      `Map of ${info.title}, ${info.view.title}; arrow keys move it, plus and minus zoom, 0 shows all`,
    );
  }

  setGeometry(xy: Float32Array): void {
    this.xy = xy;
    this.map.setGeometry(xy);
    this.follow();
  }

  setShading(shading: Shading, lit: ReadonlySet<number>, only: boolean): void {
    this.map.setPicked(lit, only);
    this.map.setShading(shading);
  }

  setTheme(theme: Theme): void {
    this.map.setTheme(theme);
  }

  use(tool: Tool): void {
    this.brush.use(tool);
  }

  /** Where an item lies on this map; null while the map is on its way. */
  placeOf(item: number): Point | null {
    return this.xy && 2 * item < this.xy.length ? [this.xy[2 * item], this.xy[2 * item + 1]] : null;
  }

  get place(): Point | null {
    return this.handle;
  }

  /** Puts the handle onto a place of the map, with the way there from the item's own place. */
  put(at: Point, home: Point | null): void {
    this.handle = at;
    this.home = home;
    this.follow();
  }

  /** Draws the outline of the selection that was made on this map; no corners for none. */
  outline(corners: readonly number[]): void {
    this.corners = corners;
    this.follow();
  }

  /** Everything that stands on a place of the map goes with it. */
  private follow(): void {
    if (!this.knob) return; // the map measures itself before all is made
    if (this.handle) {
      const [sx, sy] = this.map.toScreen(this.handle[0], this.handle[1]);
      this.knob.put(sx, sy, 0, 0);
    }
    const apart = this.home && this.handle && this.home.some((v, i) => v !== this.handle?.[i]);
    const off = this.reading?.percentile ?? null;
    const gauged = off === null ? [] : [0, off];
    this.map.setPath(apart && this.home && this.handle ? [this.home, this.handle] : [], gauged);
    const corners: Point[] = [];
    for (let i = 0; i + 1 < this.corners.length; i += 2)
      corners.push(this.map.toScreen(this.corners[i], this.corners[i + 1]));
    this.brush.outline(corners);
    if (this.shown) this.point(this.shown.item, this.shown.full, this.shown.data);
  }

  /** Points at an item; `full` on the map where the pointer is. */
  point(item: number, full: boolean, data: SharedItem | undefined): void {
    const place = this.placeOf(item);
    if (!place) return;
    this.shown = { item, full, data };
    const { clientWidth, clientHeight } = this.map.element;
    const at = this.map.toScreen(place[0], place[1]);
    this.peek.show(item, full, data, at, [clientWidth, clientHeight]);
  }

  unpoint(): void {
    this.shown = null;
    this.peek.hide();
  }

  itemArrived(data: SharedItem): void {
    if (this.shown?.item !== data.item) return;
    this.point(this.shown.item, this.shown.full, data);
  }

  paint(pixels: Uint8Array, index: number, shape: Shape): void {
    this.picture.paint(pixels, index, shape);
  }

  /**
   * Shows what is known of this model's answer.
   *
   * Arguments:
   *   driver: the model that is driven, null where all stand on the item.
   *   best: whether no other model's error is smaller.
   */
  read(reading: Reading, driver: number | null, best: boolean): void {
    this.reading = reading;
    this.gauge.set(reading.percentile);
    const drives = driver === this.number;
    setText(this.role, drives ? "Under the hand" : "Its reconstruction");
    const says = reading.error === null ? "" : `Error ${short(reading.error)}`;
    setText(this.error, drives ? "The other models encode this picture" : says);
    this.element.classList.toggle("lx-drives", drives);
    this.element.classList.toggle("lx-best", best && reading.error !== null);
  }

  // The handle

  private makeKnob(name: string): Knob {
    let origin: Point = [0, 0];
    const place = (): Point => this.handle ?? [0, 0];
    return new Knob(name, {
      place: () => {
        origin = this.map.origin();
        const [sx, sy] = this.map.toScreen(place()[0], place()[1]);
        return [origin[0] + sx, origin[1] + sy];
      },
      start: () => this.on.begin(),
      move: (sx, sy, stamp) => {
        const [x, y] = this.map.toMap(sx - origin[0], sy - origin[1]);
        this.on.drag(x, y, stamp);
      },
      end: () => this.on.release(),
      cancel: () => this.on.cancel(),
      nudge: (dx, dy, stamp) => {
        const [sx, sy] = this.map.toScreen(place()[0], place()[1]);
        const [x, y] = this.map.toMap(sx + dx, sy + dy);
        this.on.nudge(x, y, stamp);
      },
      nudged: () => {},
      activate: () => {
        if (this.handle) this.map.reveal(this.handle[0], this.handle[1]);
      },
    });
  }

  // Selecting

  private drawn(corners: Point[], event: PointerEvent): void {
    if (corners.length < 3) {
      const item = this.map.itemAt(corners[0][0], corners[0][1]);
      if (item >= 0) this.on.pick(item, event.timeStamp);
      return;
    }
    const [x0, y0] = this.map.toMap(10, 10);
    const [x1, y1] = this.map.toMap(11, 11);
    const dx = decimalsFor(Math.abs(x1 - x0));
    const dy = decimalsFor(Math.abs(y1 - y0));
    const short = ([sx, sy]: Point) => {
      const [x, y] = this.map.toMap(sx, sy);
      return [Number(x.toFixed(dx)), Number(y.toFixed(dy))];
    };
    const kept = simplify(corners, MAX_CORNERS);
    if (kept.length > 2) this.on.select(kept.flatMap(short));
  }
}
