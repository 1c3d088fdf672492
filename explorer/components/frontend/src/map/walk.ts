// A way to every point without a pointer: by its number, and to the next one in a chosen order.
import { h, iconButton } from "../dom";
import { ORDERS, type Order } from "./order";

export interface WalkEvents {
  /** A point was reached: show it. */
  show(item: number): void;
  /** A point was chosen. */
  pick(item: number, stamp: number): void;
  /** Finds the next item in an order, -1 for none; see `nextItem`. */
  next(order: Order, from: number, step: 1 | -1, done: (item: number) => void): void;
}

const TITLES: Record<Order, string> = {
  number: "By number",
  right: "Left to right",
  up: "Bottom to top",
  colour: "By colour",
};

export class PointWalk {
  readonly element: HTMLElement;
  private readonly number = h("input", {
    type: "number",
    min: "1",
    step: "1",
    class: "walk-number",
    "aria-label": "Number of the point",
    "data-testid": "walk-number",
  });
  private readonly order = h("select", {
    class: "walk-order",
    "aria-label": "Order of the points",
  });
  private readonly says = h("output", { class: "sr-only", "aria-live": "polite" });
  private xy: Float32Array | null = null;
  private item = -1;

  constructor(private readonly on: WalkEvents) {
    for (const order of ORDERS) this.order.append(h("option", { value: order }, TITLES[order]));
    this.number.addEventListener("change", () => this.go(this.number.valueAsNumber - 1));
    this.number.addEventListener("keydown", (event) => this.key(event));
    this.element = h(
      "div",
      { class: "point-walk", role: "group", "aria-label": "Points by keyboard" },
      iconButton("previous", "Previous point", () => this.step(-1)),
      this.number,
      iconButton("next", "Next point", () => this.step(1)),
      this.order,
      this.says,
    );
  }

  setPoints(xy: Float32Array): void {
    this.xy = xy;
    this.number.max = String(xy.length >> 1);
    if (this.item >= xy.length >> 1) this.item = -1;
  }

  step(step: 1 | -1): void {
    if (this.xy) this.on.next(this.order.value as Order, this.item, step, (item) => this.go(item));
  }

  private go(item: number): void {
    const count = (this.xy?.length ?? 0) >> 1;
    if (!(item >= 0 && item < count)) return;
    this.item = Math.floor(item);
    this.number.value = String(this.item + 1);
    this.says.textContent = `Point ${this.item + 1} of ${count.toLocaleString("en")}`;
    this.on.show(this.item);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Enter") {
      const asked = this.number.valueAsNumber - 1;
      if (asked !== this.item) this.go(asked);
      if (asked === this.item) this.on.pick(this.item, event.timeStamp);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp")
      this.step(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  }
}
