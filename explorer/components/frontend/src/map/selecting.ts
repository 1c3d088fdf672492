// Selecting images on the map: the tools, the marked images, and the line that counts them.

import { type Choice, h, iconButton, segmented, setText } from "../dom";
import type { SelectionInfo } from "../types";
import { Brush, type Tool } from "./brush";
import { type Rgb, type Shading, shadePlain } from "./colours";
import { countOf, simplify } from "./select";
import { litShades, makeup, markedShading } from "./shade";
import type { Point } from "./viewport";

export interface SelectingEvents {
  /** Which images are marked has changed. */
  changed(): void;
  /** A person has selected images; see `bitsOf`. */
  tell(bits: string): void;
  /** The place on the map of one of the screen. */
  toMap(x: number, y: number): Point;
  itemAt(x: number, y: number): number;
  /** Marks the items inside a polygon of the map (x, y, x, y, …). */
  inside(corners: readonly number[]): Uint8Array;
  start(): void;
}

/** How a newly drawn shape joins what was selected before. */
export type Joining = "replace" | "add" | "take";

const KEPT = 30;
/** Corners of a lasso; more would not be told apart. */
const CORNERS = 500;

/** Shift adds to a selection, Alt takes away from it. */
export const joining = (event: { shiftKey: boolean; altKey: boolean }): Joining =>
  event.altKey ? "take" : event.shiftKey ? "add" : "replace";

/** Joins marks; null stands for none at all. */
export function join(
  before: Uint8Array | null,
  found: Uint8Array,
  how: Joining,
): Uint8Array | null {
  const marks =
    how === "replace" || !before
      ? how === "take"
        ? new Uint8Array(found.length)
        : found
      : before.map((mark, i) => (how === "add" ? mark | found[i] : mark & (1 - found[i])));
  return marks.includes(1) ? marks : null;
}

const CHUNK = 1 << 15;

/** Marks as text: a bit an item, the first item in the lowest bit, in base64; "" for none. */
export function bitsOf(marks: Uint8Array | null): string {
  if (!marks) return "";
  const bytes = new Uint8Array((marks.length + 7) >> 3);
  for (let i = 0; i < marks.length; i++) bytes[i >> 3] |= marks[i] << (i & 7);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK)
    text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}

/** The marks that a text of bits stands for; items beyond `count` are passed over. */
export function marksOf(bits: string, count: number): Uint8Array | null {
  const text = atob(bits);
  const marks = new Uint8Array(count);
  const marked = Math.min(count, 8 * text.length);
  for (let i = 0; i < marked; i++) marks[i] = (text.charCodeAt(i >> 3) >> (i & 7)) & 1;
  return marks.includes(1) ? marks : null;
}

export class Selecting {
  readonly brush: Brush;
  readonly element: HTMLElement;
  private readonly tool: Choice<Tool>;
  private readonly count = h("output", {
    class: "selecting-count",
    "data-testid": "selected-count",
  });
  private readonly clear: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private xy: Float32Array | null = null;
  private marks: Uint8Array | null = null;
  private earlier: (Uint8Array | null)[] = [];
  private waiting: string | null = null;
  private revision = -1;

  constructor(
    surface: HTMLElement,
    private readonly on: SelectingEvents,
  ) {
    this.brush = new Brush(surface, {
      start: () => this.on.start(),
      drawn: (corners, event) => this.drawn(corners, event),
    });
    this.tool = segmented<Tool>(
      "Pointer",
      [
        ["move", "Move"],
        ["rectangle", "Box"],
        ["lasso", "Lasso"],
      ],
      (tool) => this.brush.use(tool),
    );
    this.use("move");
    this.clear = iconButton("close", "Clear the selection (Escape)", () => this.choose(null));
    this.back = iconButton("undo", "Take back the last selection", () => this.takeBack());
    this.element = h(
      "div",
      {
        class: "selecting",
        role: "group",
        "aria-label": "Select images",
        title:
          "Box and Lasso select images: Shift adds to the selection, Alt takes away, a click turns one over",
      },
      this.tool.element,
      this.count,
      this.back,
      this.clear,
    );
    this.allow();
  }

  stop(): void {
    this.brush.stop();
  }

  /** Chooses what the pointer does. */
  use(tool: Tool): void {
    this.tool.set(tool);
    this.brush.use(tool);
  }

  get any(): boolean {
    return this.marks !== null;
  }

  /** Another map; of the same images unless their number differs. */
  setGeometry(xy: Float32Array): void {
    this.xy = xy;
    const count = xy.length >> 1;
    if (this.marks && this.marks.length !== count) this.marks = null;
    if (this.waiting !== null) {
      this.marks = marksOf(this.waiting, count);
      this.waiting = null;
    }
  }

  /** Another model: what was selected means nothing. */
  forget(): void {
    this.xy = null;
    this.marks = null;
    this.earlier = [];
    this.waiting = null;
    this.revision = -1;
    this.say(null);
  }

  /** Takes the selection that Python tells, if it is news. */
  take(told: SelectionInfo): void {
    if (told.revision === this.revision) return;
    const first = this.revision < 0;
    this.revision = told.revision;
    if (!this.xy) {
      this.waiting = told.bits;
      return;
    }
    if (!first || told.bits !== "") this.remember();
    this.marks = marksOf(told.bits, this.xy.length >> 1);
    this.on.changed();
  }

  /** The shading and the shades to draw in full, with the selection standing out; says what it is made of. */
  shade(base: Shading | null, picked: ReadonlySet<number>, plain: Rgb) {
    if (!this.marks) {
      this.say(base);
      return { shading: base, lit: picked };
    }
    const under = base ?? shadePlain(this.marks.length, plain);
    this.say(base);
    return {
      shading: markedShading(under, this.marks),
      lit: litShades(under, this.marks, picked),
    };
  }

  /** Clears, or says that there was nothing to clear. */
  escape(): boolean {
    if (!this.marks) return false;
    this.choose(null);
    return true;
  }

  private drawn(corners: Point[], event: PointerEvent): void {
    if (!this.xy) return;
    const count = this.xy.length >> 1;
    if (corners.length < 3) {
      const item = this.on.itemAt(corners[0][0], corners[0][1]);
      if (item < 0) return;
      const one = new Uint8Array(count);
      one[item] = 1;
      this.choose(join(this.marks, one, this.marks?.[item] ? "take" : "add"));
      return;
    }
    const places = simplify(corners, CORNERS).flatMap(([x, y]) => this.on.toMap(x, y));
    this.choose(join(this.marks, this.on.inside(places), joining(event)));
  }

  private choose(marks: Uint8Array | null): void {
    this.remember();
    this.marks = marks;
    this.on.changed();
    this.on.tell(bitsOf(marks));
  }

  private takeBack(): void {
    const last = this.earlier.pop();
    if (last === undefined) return;
    this.marks = last;
    this.on.changed();
    this.on.tell(bitsOf(last));
  }

  private remember(): void {
    this.earlier.push(this.marks);
    if (this.earlier.length > KEPT) this.earlier.shift();
  }

  private say(base: Shading | null): void {
    const { marks } = this;
    const says = marks && base ? makeup(base, base.legend, marks) : "";
    const text = marks ? `${countOf(marks).toLocaleString("en")} selected` : "";
    setText(this.count, text);
    this.count.title = says;
    this.allow();
  }

  private allow(): void {
    this.clear.hidden = this.marks === null;
    this.back.hidden = this.earlier.length === 0;
  }
}
