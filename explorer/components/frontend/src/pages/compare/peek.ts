// What stands beside an item that is pointed at: a ring on every map, and the model's picture of it.
import { h, setText } from "../../dom";
import { itemName } from "../../items";
import type { Point } from "../../map/viewport";
import { PictureCanvas } from "../../pictures";
import type { SharedItem } from "./shared-items";

const GAP = 14;
const EDGE = 4;

/** Beside a point, on the side with more room, and never over the edge. */
export function beside(
  [x, y]: Point,
  [width, height]: Point,
  [roomX, roomY]: Point,
): [number, number] {
  const left = x < roomX / 2 ? x + GAP : x - GAP - width;
  const top = y < roomY / 2 ? y + GAP / 2 : y - GAP / 2 - height;
  const inside = (v: number, size: number, room: number) =>
    Math.max(EDGE, Math.min(room - size - EDGE, v));
  return [inside(left, width, roomX), inside(top, height, roomY)];
}

export class Peek {
  private readonly original = new PictureCanvas(h("canvas", { class: "peek-picture" }));
  private readonly picture = new PictureCanvas(h("canvas", { class: "peek-picture" }));
  private readonly name = h("div", { class: "hover-name" });
  private readonly labels = h("div", { class: "peek-labels" });
  private readonly ring = h("div", { class: "item-ring" });
  private readonly card: HTMLElement;
  readonly element: HTMLElement;
  private item = -1;
  private full = false;

  constructor(private readonly number: number) {
    const caption = (text: string, canvas: HTMLCanvasElement) =>
      h("figure", { class: "peek-figure" }, canvas, h("figcaption", {}, text));
    this.card = h(
      "div",
      { class: "peek-card" },
      h(
        "div",
        { class: "peek-pictures" },
        caption("original", this.original.canvas),
        caption("here", this.picture.canvas),
      ),
      h("div", { class: "peek-text" }, this.name, this.labels),
    );
    this.element = h("div", { class: "peek", "aria-hidden": "true" }, this.ring, this.card);
    this.element.hidden = true;
  }

  /**
   * Shows an item at a place of the map's screen.
   *
   * Arguments:
   *   full: on the map that is pointed at: the original and the labels too.
   *   room: width and height of the map.
   */
  show(item: number, full: boolean, data: SharedItem | undefined, at: Point, room: Point): void {
    const outside = at[0] < 0 || at[1] < 0 || at[0] > room[0] || at[1] > room[1];
    this.element.hidden = outside;
    this.item = item;
    this.full = full;
    if (outside) return;
    this.fill(data);
    this.ring.style.transform = `translate(${at[0]}px, ${at[1]}px)`;
    const { offsetWidth, offsetHeight } = this.card;
    const [left, top] = beside(at, [offsetWidth, offsetHeight], room);
    this.card.style.transform = `translate(${left}px, ${top}px)`;
  }

  private fill(data: SharedItem | undefined): void {
    this.element.classList.toggle("lx-peek-full", this.full);
    this.card.classList.toggle("lx-waiting", !data);
    setText(this.name, itemName(data));
    const labels = Object.entries(data?.labels ?? {}).slice(0, 3);
    setText(this.labels, labels.map(([name, value]) => `${name} ${value}`).join(" · "));
    this.element.classList.toggle("lx-no-original", data?.original === null);
    if (!data) return;
    this.picture.copy(data.pictures[this.number]);
    if (data.original) this.original.copy(data.original);
  }

  /** The pictures of the item that is shown have come. */
  refresh(data: SharedItem): void {
    if (!this.element.hidden && data.item === this.item) this.fill(data);
  }

  hide(): void {
    this.element.hidden = true;
    this.item = -1;
  }
}
