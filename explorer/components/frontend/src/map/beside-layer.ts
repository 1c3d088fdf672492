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
  /** In view, and what they were found for. */
  private items: number[] = [];
  private found = "";
  private of: Float32Array | null = null;
  private finding = false;
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
    if (xy !== this.of) this.items = [];
    this.of = xy;
    this.find(points, viewports.visible(view));
    const many = this.mode === "auto" && this.items.length > AUTO_ITEMS;
    this.hint.hidden = !many;
    if (many) return;
    const most = this.mode === "auto" ? AUTO_ITEMS : BESIDE_LIMIT;
    this.placed = placeThumbnails(this.items, xy, view, most);
    if (this.placed.length === 0) return;
    const items = this.placed.map((p) => p.item);
    this.asking = setTimeout(() => this.on.beside(items), ASK_MS);
  }

  /** Finds the items in view; of many points, what was found before stands until the answer comes. */
  private find(points: PointsLayer, shown: Bounds): void {
    const { mode } = this;
    const wanted = [mode, points.version, ...Object.values(shown)].join(" ");
    if (wanted === this.found || this.finding) return;
    this.finding = true;
    let now = true;
    const limit = mode === "auto" ? AUTO_ITEMS + 1 : BESIDE_SEARCH;
    points.inView(shown, limit, mode === "on", (items) => {
      this.finding = false;
      if (!items) return;
      this.found = wanted;
      this.items = [...items];
      if (!now) this.on.changed();
    });
    now = false;
  }

  private paint(): void {
    if (!this.context) return;
    const edge = this.theme?.tone === "dark" ? "#3b3f49" : "#ffffff";
    const get = (item: number) => this.on.item(item);
    drawThumbnails(this.context, this.placed, get, this.ratio, edge, this.smooth);
  }
}
