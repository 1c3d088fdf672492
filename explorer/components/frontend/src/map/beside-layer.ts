// Pictures beside the points in view, and the choice of when to show them.
import { h, segmented } from "../dom";
import type { Item } from "../items";
import { remember, remembered } from "../remembered";
import type { Theme } from "../theme";
import type { PointsLayer } from "./points-layer";
import { drawThumbnails, type Placed, placeThumbnails } from "./thumbnails";
import type { Bounds, Viewport } from "./viewport";
import * as viewports from "./viewport";

export interface BesideEvents {
  /** The items whose pictures are to stand beside them. */
  beside(items: number[]): void;
  item(item: number): Item | undefined;
  accepts(item: number): boolean;
  changed(): void;
}

const BESIDE = ["off", "auto", "on"] as const;
export type Beside = (typeof BESIDE)[number];

const AUTO_ITEMS = 60;
const BESIDE_LIMIT = 90;
const BESIDE_SEARCH = 4000;
const ASK_MS = 120;

export class BesideLayer {
  readonly canvas = h("canvas", { class: "beside", "aria-hidden": "true" });
  readonly choice: HTMLElement;
  private readonly context = this.canvas.getContext("2d");
  private readonly hint = h("span", { class: "beside-hint" }, "Zoom in to see them");
  private mode: Beside = remembered("pictures", BESIDE, "auto");
  private placed: Placed[] = [];
  private asking: ReturnType<typeof setTimeout> | undefined;
  private smooth = true;
  private theme: Theme | null = null;
  private ratio = 1;

  constructor(private readonly on: BesideEvents) {
    const choice = segmented<Beside>(
      "Pictures beside points",
      [
        ["off", "Off"],
        ["auto", "Near"],
        ["on", "Always"],
      ],
      (mode) => {
        remember("pictures", mode);
        this.setMode(mode);
      },
    );
    choice.set(this.mode);
    this.choice = h(
      "div",
      {
        class: "map-pictures",
        title: `Pictures beside the points: never, when at most ${AUTO_ITEMS} are in view, or always`,
      },
      h("span", { class: "field-name" }, "Pictures"),
      choice.element,
      this.hint,
    );
  }

  setMode(mode: Beside): void {
    this.mode = mode;
    this.on.changed();
  }

  setSmooth(smooth: boolean): void {
    this.smooth = smooth;
    this.on.changed();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
  }

  resize(width: number, height: number, ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  stop(): void {
    clearTimeout(this.asking);
  }

  /** Chooses what stands in view, and draws it. */
  draw(points: PointsLayer, view: Viewport): void {
    const before = this.placed.length;
    this.choose(points, view);
    if (before > 0 || this.placed.length > 0) this.paint();
  }

  /** Pictures of items have come. */
  refresh(): void {
    if (this.placed.length > 0) this.paint();
  }

  private choose(points: PointsLayer, view: Viewport): void {
    this.placed = [];
    this.hint.hidden = true;
    clearTimeout(this.asking);
    const { picker, xy } = points;
    if (!picker || !xy || this.mode === "off" || points.gliding) return;
    const shown = viewports.visible(view);
    if (this.mode === "auto") {
      const items = picker.within(shown, AUTO_ITEMS + 1, this.on.accepts);
      this.hint.hidden = items.length <= AUTO_ITEMS;
      if (items.length > AUTO_ITEMS) return;
      items.sort((a, b) => a - b);
      this.placed = placeThumbnails(items, xy, view, AUTO_ITEMS);
    } else {
      const items = this.firstIn(points, shown);
      this.placed = placeThumbnails(items, xy, view, BESIDE_LIMIT);
    }
    if (this.placed.length === 0) return;
    const items = this.placed.map((p) => p.item);
    this.asking = setTimeout(() => this.on.beside(items), ASK_MS);
  }

  /** The first items in view in the order of the data, so that panning keeps the choice. */
  private firstIn({ picker, xy }: PointsLayer, shown: Bounds): number[] {
    if (!picker || !xy) return [];
    const few = picker.within(shown, 5 * BESIDE_SEARCH, this.on.accepts);
    if (few.length < 5 * BESIDE_SEARCH) return few.sort((a, b) => a - b).slice(0, BESIDE_SEARCH);
    const found: number[] = [];
    for (let i = 0; i < xy.length >> 1 && found.length < BESIDE_SEARCH; i++) {
      const [x, y] = [xy[2 * i], xy[2 * i + 1]];
      if (x >= shown.x0 && x <= shown.x1 && y >= shown.y0 && y <= shown.y1 && this.on.accepts(i))
        found.push(i);
    }
    return found;
  }

  private paint(): void {
    if (!this.context) return;
    const edge = this.theme?.tone === "dark" ? "#3b3f49" : "#ffffff";
    const get = (item: number) => this.on.item(item);
    drawThumbnails(this.context, this.placed, get, this.ratio, edge, this.smooth);
  }
}
