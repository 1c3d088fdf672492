// A handle on the map: a letter in a ring that can be dragged, or moved with the arrow keys.
import { h } from "./dom";
import { draggable } from "./drag";

const STEP_PX = 8;
const FINE_PX = 1;

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface KnobEvents {
  /** Where the knob is now, on the screen. */
  place(): readonly [number, number];
  start(): void;
  /** To a place of the screen; `stamp` is the event's time stamp. */
  move(x: number, y: number, stamp: number): void;
  end(): void;
  cancel(): void;
  /** By arrow keys, in screen pixels. */
  nudge(dx: number, dy: number, stamp: number): void;
  nudged(): void;
  activate(): void;
}

export class Knob {
  readonly element: HTMLButtonElement;
  readonly stop: () => void;
  private apart: readonly [number, number] = [0, 0];

  constructor(
    readonly name: string,
    private readonly on: KnobEvents,
  ) {
    this.element = h(
      "button",
      {
        type: "button",
        class: `knob knob-${name.toLowerCase()}`,
        "data-testid": `handle-${name}`,
        "aria-roledescription": "draggable handle",
      },
      h("span", { class: "knob-ring" }, name),
    );
    this.stop = draggable(this.element, (event) => this.begin(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("keyup", (event) => {
      if (event.key in ARROWS) this.on.nudged();
    });
    this.element.addEventListener("focus", () => this.on.activate());
    this.element.addEventListener("click", () => this.on.activate());
  }

  private begin(event: PointerEvent) {
    const { on, element } = this;
    const [x, y] = on.place();
    // The handle keeps its distance to the pointer: it does not jump when it is taken.
    const dx = x - event.clientX;
    const dy = y - event.clientY;
    let moved = false;
    element.classList.add("lx-dragging");
    element.focus({ preventScroll: true });
    on.start();
    return {
      move: (e: PointerEvent) => {
        moved = true;
        on.move(e.clientX + dx, e.clientY + dy, e.timeStamp);
      },
      up: (e: PointerEvent) => {
        element.classList.remove("lx-dragging");
        if (moved) on.move(e.clientX + dx, e.clientY + dy, e.timeStamp);
        on.end();
      },
      cancel: () => {
        element.classList.remove("lx-dragging");
        on.cancel();
      },
    };
  }

  private key(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? FINE_PX : STEP_PX;
    this.on.nudge(arrow[0] * step, arrow[1] * step, event.timeStamp);
  }

  /** Moves the element; (dx, dy) sets the letter apart when the handles lie on each other. */
  put(x: number, y: number, dx: number, dy: number): void {
    const { style } = this.element;
    style.transform = `translate3d(${x}px, ${y}px, 0)`;
    if (dx === this.apart[0] && dy === this.apart[1]) return;
    this.apart = [dx, dy];
    style.setProperty("--lx-apart-x", `${dx}px`);
    style.setProperty("--lx-apart-y", `${dy}px`);
  }

  setActive(active: boolean): void {
    this.element.classList.toggle("lx-active", active);
    this.element.setAttribute("aria-pressed", String(active));
  }

  describe(text: string): void {
    this.element.setAttribute("aria-label", text);
  }
}
