// The card beside the pointer: a real item's picture, its name and its labels.
import { h, setText } from "../dom";
import { type Item, itemName } from "../items";
import { PictureCanvas } from "../pictures";

const GAP = 16;
const EDGE = 6;

export class HoverCard {
  private readonly picture = new PictureCanvas(h("canvas", { class: "hover-picture" }));
  private readonly name = h("div", { class: "hover-name" });
  private readonly labels = h("dl", { class: "hover-labels" });
  readonly element = h(
    "div",
    { class: "hover", "aria-hidden": "true" },
    this.picture.canvas,
    h("div", { class: "hover-text" }, this.name, this.labels),
  );
  private item = -1;
  private shown: Item | null = null;

  constructor() {
    this.element.hidden = true;
  }

  /** Shows an item beside a place of the map; the picture may come later. */
  show(item: number, data: Item | undefined, x: number, y: number, width: number, height: number) {
    if (item !== this.item) {
      this.item = item;
      this.shown = null;
      setText(this.name, itemName(undefined));
      this.labels.replaceChildren();
      this.element.classList.add("lx-waiting");
    }
    if (data) this.fill(data);
    this.element.hidden = false;
    this.place(x, y, width, height);
  }

  /** Beside the point, on the side with more room, and never over the map's edge. */
  private place(x: number, y: number, width: number, height: number): void {
    const { offsetWidth: w, offsetHeight: t, style } = this.element;
    const left = x < width / 2 ? x + GAP : x - GAP - w;
    const top = y < height / 2 ? y + GAP / 2 : y - GAP / 2 - t;
    const inside = (v: number, size: number, room: number) =>
      Math.max(EDGE, Math.min(room - size - EDGE, v));
    style.left = `${inside(left, w, width)}px`;
    style.top = `${inside(top, t, height)}px`;
  }

  private fill(data: Item): void {
    if (data === this.shown) return;
    this.shown = data;
    this.picture.copy(data.canvas);
    this.element.classList.remove("lx-waiting");
    setText(this.name, `${itemName(data)} · ${data.source}`);
    this.labels.replaceChildren();
    for (const [name, value] of Object.entries(data.labels).slice(0, 8))
      this.labels.append(h("dt", {}, name), h("dd", {}, value));
  }

  /** The picture of the item under the pointer may have come. */
  refresh(get: (item: number) => Item | undefined): void {
    if (this.element.hidden) return;
    const data = get(this.item);
    if (data) this.fill(data);
  }

  hide(): void {
    this.element.hidden = true;
  }
}
