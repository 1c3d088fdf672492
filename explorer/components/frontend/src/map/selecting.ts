// Selecting images on the map: the tools, the marked images, and the line that counts them.

import { type Choice, h, iconButton, segmented, setText } from "../dom";
import type { SelectionInfo } from "../types";
import { Brush, type Tool } from "./brush";
import { pack, type Rgb, type Shading, shadePlain } from "./colours";
import { Latest, overPoints } from "./over-points";
import { type Joining, joining, type Selection, simplify } from "./select";
import { litShades, type Marked, makeup } from "./shade";
import type { Point } from "./viewport";

export interface SelectingEvents {
  /** Which images are marked has changed. */
  changed(): void;
  /** A person has selected images; see `bitsOf`. */
  tell(bits: string): void;
  /** The place on the map of one of the screen. */
  toMap(x: number, y: number): Point;
  itemAt(x: number, y: number): number;
  /** Marks the items inside a polygon of the map (x, y, x, y, …); null where that cannot be had. */
  inside(corners: readonly number[], done: (marks: Uint8Array | null) => void): void;
  start(): void;
}

type Found = (selection: Selection | null) => void;

interface Change {
  /** Finds the next selection, at once or later. */
  begin(done: Found): void;
  take: Found;
}

const KEPT = 30;
/** Corners of a lasso; more would not be told apart. */
const CORNERS = 500;

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
  /** Images on the map; 0 before there is one. */
  private images = 0;
  private selection: Selection | null = null;
  private earlier: (Selection | null)[] = [];
  private waiting: string | null = null;
  /** Changes of the selection, one after another: the next begins where the last has led to. */
  private queue: Change[] = [];
  private readonly work = new Latest();
  /** The selection's latest shading, and of what it is. */
  private marked: { base: Shading; selection: Selection; found: Marked } | null = null;
  private plain: { key: string; shading: Shading } | null = null;
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
    this.clear = iconButton("close", "Clear the selection (Escape)", () =>
      this.change((done) => done(null)),
    );
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
    return this.selection !== null;
  }

  /** Another map; of the same images unless their number differs. */
  setGeometry(xy: Float32Array): void {
    this.images = xy.length >> 1;
    if (this.selection && this.selection.marks.length !== this.images) this.selection = null;
    if (this.waiting !== null) this.read(this.waiting);
    this.waiting = null;
  }

  /** Another model: what was selected means nothing. */
  forget(): void {
    this.images = 0;
    this.selection = null;
    this.earlier = [];
    this.waiting = null;
    this.queue = [];
    this.work.cancel();
    this.marked = null;
    this.revision = -1;
    this.say("");
  }

  /** Takes the selection that Python tells, if it is news. */
  take(told: SelectionInfo): void {
    if (told.revision === this.revision) return;
    const first = this.revision < 0;
    this.revision = told.revision;
    if (this.images === 0) {
      this.waiting = told.bits;
      return;
    }
    if (!first || told.bits !== "") this.remember();
    this.read(told.bits);
  }

  private read(bits: string): void {
    this.soon({
      begin: (done) => overPoints(this.images, "readBits", [bits, this.images], done),
      take: (selection) => {
        this.selection = selection;
        this.on.changed();
      },
    });
  }

  /** Gives the shading and the shades to draw in full, with the selection standing out; says what it is made of. */
  shade(
    base: Shading | null,
    picked: ReadonlySet<number>,
    plain: Rgb,
    done: (shading: Shading | null, lit: ReadonlySet<number>) => void,
  ): void {
    const { selection, marked } = this;
    if (!selection) {
      this.work.cancel();
      this.say("");
      done(base, picked);
      return;
    }
    const under = base ?? this.shadePlain(selection.marks.length, plain);
    const show = ({ shading, counts }: Marked) => {
      this.say(base ? makeup(base.legend, counts) : "");
      done(shading, litShades(under.palette.length, picked));
    };
    if (marked?.base === under && marked.selection === selection) {
      this.work.cancel();
      show(marked.found);
      return;
    }
    this.work.ask(this.images, "markPoints", [under, selection.marks], (found) => {
      this.marked = { base: under, selection, found };
      show(found);
    });
  }

  private shadePlain(count: number, colour: Rgb): Shading {
    const key = `${count} ${pack(colour)}`;
    if (this.plain?.key !== key) this.plain = { key, shading: shadePlain(count, colour) };
    return this.plain.shading;
  }

  /** Clears, or says that there was nothing to clear. */
  escape(): boolean {
    if (!this.selection) return false;
    this.change((done) => done(null));
    return true;
  }

  private drawn(corners: Point[], event: PointerEvent): void {
    if (this.images === 0) return;
    if (corners.length < 3) {
      const item = this.on.itemAt(corners[0][0], corners[0][1]);
      if (item >= 0) this.turnOver(item);
      return;
    }
    const places = simplify(corners, CORNERS).flatMap(([x, y]) => this.on.toMap(x, y));
    const how = joining(event);
    this.change((done) =>
      this.on.inside(places, (found) =>
        found?.length === this.images ? this.join(found, how, done) : done(this.selection),
      ),
    );
  }

  private turnOver(item: number): void {
    const one = new Uint8Array(this.images);
    one[item] = 1;
    this.change((done) => this.join(one, this.selection?.marks[item] ? "take" : "add", done));
  }

  private join(found: Uint8Array, how: Joining, done: Found): void {
    overPoints(found.length, "join", [this.selection, found, how], done);
  }

  /** Changes the selection by hand. */
  private change(find: (done: Found) => void): void {
    this.soon({
      begin: find,
      take: (selection) => {
        this.remember();
        this.choose(selection);
      },
    });
  }

  /** Makes a change after those before it; one whose model is gone by then is dropped. */
  private soon(change: Change): void {
    this.queue.push(change);
    if (this.queue.length === 1) this.next();
  }

  private next(): void {
    const [change] = this.queue;
    change?.begin((selection) => {
      if (this.queue[0] !== change) return;
      change.take(selection);
      this.queue.shift();
      this.next();
    });
  }

  private choose(selection: Selection | null): void {
    this.selection = selection;
    this.on.changed();
    this.on.tell(selection?.bits ?? "");
  }

  private takeBack(): void {
    if (this.earlier.length === 0) return;
    this.soon({
      begin: (done) => done(this.earlier.pop() ?? null),
      take: (selection) => this.choose(selection),
    });
  }

  private remember(): void {
    this.earlier.push(this.selection);
    if (this.earlier.length > KEPT) this.earlier.shift();
  }

  private say(makeup: string): void {
    const { selection } = this;
    setText(this.count, selection ? `${selection.count.toLocaleString("en")} selected` : "");
    this.count.title = makeup;
    this.allow();
  }

  private allow(): void {
    this.clear.hidden = this.selection === null;
    this.back.hidden = this.earlier.length === 0;
  }
}
