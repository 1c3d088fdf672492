// A way to every point without a pointer: by its number, and to the next one in a chosen order.
import { h, iconButton } from "../dom";
import type { Shading } from "./colours";

export interface WalkEvents {
  /** A point was reached: show it. */
  show(item: number): void;
  /** A point was chosen. */
  pick(item: number, stamp: number): void;
  accepts(item: number): boolean;
}

const ORDERS = ["number", "right", "up", "colour"] as const;
export type Order = (typeof ORDERS)[number];
const TITLES: Record<Order, string> = {
  number: "By number",
  right: "Left to right",
  up: "Bottom to top",
  colour: "By colour",
};

/**
 * The next item in the order of (value, number), or the previous one; from the other end again.
 *
 * Arguments:
 *   count: number of items.
 *   value: what they are ordered by; items without a finite value are passed over.
 *   from: the present item; -1 for none.
 *   step: 1 or -1.
 *   accept: whether an item may be reached.
 *
 * Returns: an item, or -1 when none may be reached.
 */
export function nextItem(
  count: number,
  value: (item: number) => number,
  from: number,
  step: 1 | -1,
  accept: (item: number) => boolean,
): number {
  const at = from < 0 ? -step * Infinity : value(from);
  let [best, first] = [-1, -1];
  const before = (a: number, b: number) => {
    const apart = step * (value(a) - value(b));
    return apart !== 0 ? apart < 0 : step * (a - b) < 0;
  };
  for (let i = 0; i < count; i++) {
    const v = value(i);
    if (!Number.isFinite(v)) continue;
    const apart = step * (v - at);
    const onward = apart > 0 || (apart === 0 && step * (i - from) > 0);
    const leads = first < 0 || before(i, first);
    const follows = onward && (best < 0 || before(i, best));
    if ((!leads && !follows) || !accept(i)) continue; // asked last: there may be a million
    if (leads) first = i;
    if (follows) best = i;
  }
  return best < 0 ? first : best;
}

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
  private shading: Shading | null = null;
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

  setShading(shading: Shading | null): void {
    this.shading = shading;
  }

  step(step: 1 | -1): void {
    const { xy } = this;
    if (!xy) return;
    const accepts = (item: number) => this.on.accepts(item);
    this.go(nextItem(xy.length >> 1, this.value(xy), this.item, step, accepts));
  }

  private value(xy: Float32Array): (item: number) => number {
    const order = this.order.value as Order;
    const shade = this.shading?.shade;
    if (order === "right") return (i) => xy[2 * i];
    if (order === "up") return (i) => xy[2 * i + 1];
    if (order === "colour" && shade) return (i) => shade[i];
    return (i) => i;
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
