// The layer over a map that draws a rectangle or a lasso; what it does not need goes on to the map:
// the pointer that hovers, and two fingers.
import { h, svg } from "../dom";
import { draggable } from "../drag";
import { rectangle, simplify } from "./select";
import type { Point } from "./viewport";

export type Tool = "move" | "rectangle" | "lasso";

export interface BrushEvents {
  /** A shape was drawn, in screen pixels; fewer than three corners: a click. */
  drawn(corners: Point[], event: PointerEvent): void;
  start(): void;
}

const LEAST_PX = 4;
/** A line of more corners is thinned while it is drawn, so that every move costs the same. */
const CORNERS = 1000;

export class Brush {
  readonly element = h("div", { class: "brush" });
  readonly stop: () => void;
  private readonly drawing = svg("svg", { class: "lx-brush-drawing", "aria-hidden": "true" });
  private readonly shape = svg("polygon", { class: "lx-brush-shape" });
  private readonly kept = svg("polygon", { class: "lx-brush-kept" });
  private tool: Tool = "move";

  /** `under` is the map's own surface. */
  constructor(
    under: HTMLElement,
    private readonly on: BrushEvents,
  ) {
    this.drawing.append(this.kept, this.shape);
    this.element.append(this.drawing);
    const hover = (event: PointerEvent) => {
      if (event.buttons === 0) under.dispatchEvent(new PointerEvent("pointermove", event));
    };
    const leave = (event: PointerEvent) =>
      under.dispatchEvent(new PointerEvent("pointerleave", event));
    this.element.addEventListener("pointermove", hover);
    this.element.addEventListener("pointerleave", leave);
    this.passTwoFingers(under);
    this.stop = draggable(this.element, (event) => this.begin(event));
  }

  /** A second finger gives the shape up: both are the map's from then on. */
  private passTwoFingers(under: HTMLElement): void {
    const fingers = new Map<number, PointerEvent>();
    const down = (event: PointerEvent) => {
      if (event.pointerType !== "touch") return;
      fingers.set(event.pointerId, event);
      if (fingers.size < 2) return;
      event.stopImmediatePropagation();
      for (const finger of fingers.values()) {
        this.element.dispatchEvent(new PointerEvent("pointercancel", finger));
        under.dispatchEvent(new PointerEvent("pointerdown", pressed(finger)));
      }
      fingers.clear();
    };
    const up = (event: PointerEvent) => fingers.delete(event.pointerId);
    const move = (event: PointerEvent) => {
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
    };
    this.element.addEventListener("pointerdown", down);
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("pointerup", up);
    this.element.addEventListener("pointercancel", up);
  }

  use(tool: Tool): void {
    this.tool = tool;
    this.element.classList.toggle("lx-brushing", tool !== "move");
  }

  /** Shows the outline of the present selection; empty for none. */
  outline(corners: readonly Point[]): void {
    this.kept.setAttribute("points", corners.map((p) => p.join(",")).join(" "));
  }

  private begin(down: PointerEvent) {
    const box = this.element.getBoundingClientRect();
    const at = (event: PointerEvent): Point => [event.clientX - box.left, event.clientY - box.top];
    const first = at(down);
    let line: Point[] = [first];
    this.on.start();
    const corners = (): Point[] =>
      this.tool === "rectangle" ? rectangle(first, line[line.length - 1]) : line;
    let scheduled = 0;
    const draw = () => {
      scheduled = 0;
      this.shape.setAttribute("points", corners().join(" "));
    };
    const clear = () => {
      cancelAnimationFrame(scheduled);
      this.shape.setAttribute("points", "");
    };
    return {
      move: (event: PointerEvent) => {
        const next = at(event);
        if (this.tool === "rectangle") line = [first, next];
        else if (distance(next, line[line.length - 1]) >= 2) line.push(next);
        if (line.length > CORNERS) line = simplify(line, CORNERS / 2);
        scheduled ||= requestAnimationFrame(draw);
      },
      up: (event: PointerEvent) => {
        clear();
        const far = line.some((point) => distance(point, first) >= LEAST_PX);
        this.on.drawn(far ? corners() : [first], event);
      },
      cancel: clear,
    };
  }
}

const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** An event of a finger as one of its press: a move has no button. */
const pressed = ({ pointerId, pointerType, clientX, clientY, isPrimary }: PointerEvent) => ({
  pointerId,
  pointerType,
  clientX,
  clientY,
  isPrimary,
  button: 0,
  buttons: 1,
  bubbles: true,
});
