// The codebook as a map of what its codes look like, or as a list of them by use; a code is pointed at and picked.
import { h, segmented, setText } from "../../dom";
import { type Book, fitted, spread } from "./book";

export interface BookEvents {
  /** The code under the pointer, -1 for none. */
  look(code: number): void;
  pick(code: number): void;
}

type Arrangement = "map" | "use";

const EDGE = 14;
const SIDES = { least: 0.55, most: 1.35 };
const GAP = 2;
const UNUSED = "#d43d51";
const WORDS: Record<Arrangement, string> = {
  map: "Codes whose vectors are alike lie near each other (principal components); the larger, the more used.",
  use: "The most used first.",
};

export class BookView {
  private readonly canvas = h("canvas", {
    class: "book-canvas",
    tabindex: "0",
    role: "application",
    "data-testid": "codebook",
    "aria-label": "Codebook; arrow keys go from code to code, Enter paints with it",
  });
  private readonly note = h("div", { class: "code-note" });
  private readonly title = h("h3", { class: "title" }, "Codebook");
  private readonly arrange = segmented<Arrangement>(
    "How the codes are laid out",
    [
      ["map", "Map"],
      ["use", "By use"],
    ],
    (how) => {
      this.how = how;
      this.arrange.set(how);
      this.layOut();
    },
  );
  readonly element = h(
    "section",
    { class: "book", "aria-label": "Codebook" },
    h("header", { class: "head" }, this.title, this.arrange.element),
    h("div", { class: "book-box" }, this.canvas),
    this.note,
  );
  private how: Arrangement = "map";
  private book: Book | null = null;
  private looks: HTMLCanvasElement[] = [];
  private middles = new Float32Array(0);
  private sides = new Float32Array(0);
  private width = 0;
  private height = 0;
  private looked = -1;
  private picked: number | null = null;
  private present: ReadonlySet<number> = new Set();
  private frame = 0;
  private readonly resized = new ResizeObserver(() => this.layOut());

  constructor(private readonly on: BookEvents) {
    this.arrange.set("map");
    this.canvas.addEventListener("pointermove", (e) =>
      this.look(this.codeAt(e.offsetX, e.offsetY)),
    );
    this.canvas.addEventListener("pointerleave", () => this.look(-1));
    this.canvas.addEventListener("click", (e) => {
      const code = this.codeAt(e.offsetX, e.offsetY);
      if (code >= 0) on.pick(code);
    });
    this.canvas.addEventListener("keydown", (e) => this.key(e));
    this.canvas.addEventListener("blur", () => this.look(-1));
    this.resized.observe(this.canvas);
  }

  stop(): void {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  set(name: string, book: Book | null, looks: HTMLCanvasElement[]): void {
    setText(this.title, name);
    this.book = book;
    this.looks = looks;
    this.layOut();
  }

  /** What is marked: the code that was picked as paint, the one pointed at, those of the picture. */
  mark(picked: number | null, looked: number, present: ReadonlySet<number>): void {
    this.picked = picked;
    this.looked = looked;
    this.present = present;
    this.redraw();
  }

  private look(code: number): void {
    if (code === this.looked) return;
    this.looked = code;
    this.redraw();
    this.on.look(code);
  }

  private key(event: KeyboardEvent): void {
    const { book } = this;
    if (!book || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      const count = book.order.length;
      const at = this.looked < 0 ? (step > 0 ? -1 : count) : book.rank[this.looked];
      this.look(book.order[Math.min(count - 1, Math.max(0, at + step))]);
    } else if ((event.key === "Enter" || event.key === " ") && this.looked >= 0)
      this.on.pick(this.looked);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private layOut(): void {
    const { book, canvas } = this;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    if (!book || this.width < 40) return;
    const count = book.uses.length;
    if (this.how === "map") this.layOutMap(book, count);
    else this.layOutList(book, count);
    const unused = book.uses.reduce((sum, uses) => sum + (uses === 0 ? 1 : 0), 0);
    const words = [
      WORDS[this.how],
      "Point at one to find it in the picture, click to paint with it. Yellow: in the picture now.",
    ];
    if (unused) words.push(`Framed in red: ${unused} that no image uses.`);
    setText(this.note, words.join(" "));
    this.redraw();
  }

  private layOutMap(book: Book, count: number): void {
    const usual = 0.62 * Math.sqrt((this.width * this.height) / count);
    const most = Math.max(...book.uses, 1);
    const { least, most: largest } = SIDES;
    this.sides = Float32Array.from(
      book.uses,
      (uses) => usual * (least + (largest - least) * Math.sqrt(uses / most)),
    );
    this.middles = fitted(book.xy, this.width, this.height, EDGE);
    const room = this.sides.map((side) => side + GAP);
    spread(this.middles, room, this.width, this.height);
  }

  private layOutList(book: Book, count: number): void {
    let columns = 1;
    while (Math.ceil(count / columns) * (this.width / columns) > this.height) columns += 1;
    const side = this.width / columns;
    this.sides = new Float32Array(count).fill(side - GAP);
    this.middles = new Float32Array(2 * count);
    book.order.forEach((code, place) => {
      this.middles[2 * code] = ((place % columns) + 0.5) * side;
      this.middles[2 * code + 1] = (Math.floor(place / columns) + 0.5) * side;
    });
  }

  /** The code at a place of the canvas; of several, the one whose middle is nearest; -1 for none. */
  private codeAt(x: number, y: number): number {
    let found = -1;
    let least = Infinity;
    for (let code = 0; code < this.sides.length; code++) {
      const dx = Math.abs(this.middles[2 * code] - x);
      const dy = Math.abs(this.middles[2 * code + 1] - y);
      const apart = Math.max(dx, dy);
      if (apart > this.sides[code] / 2 + GAP || apart >= least) continue;
      least = apart;
      found = code;
    }
    return found;
  }

  private redraw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { book, canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    const context = canvas.getContext("2d");
    if (!context || !book || this.sides.length !== book.uses.length) return;
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = false;
    for (const code of [...book.order].reverse()) this.tile(context, book, code);
    if (this.picked !== null) this.tile(context, book, this.picked);
    if (this.looked >= 0) this.tile(context, book, this.looked);
  }

  private tile(on: CanvasRenderingContext2D, book: Book, code: number): void {
    const looked = code === this.looked;
    const side = looked ? Math.max(40, this.sides[code]) : this.sides[code];
    const clamp = (v: number, room: number) => Math.min(room - side / 2, Math.max(side / 2, v));
    const x = clamp(this.middles[2 * code], this.width) - side / 2;
    const y = clamp(this.middles[2 * code + 1], this.height) - side / 2;
    const unused = book.uses[code] === 0;
    const look = this.looks[code];
    on.globalAlpha = unused && !looked ? 0.55 : 1;
    if (look) on.drawImage(look, x, y, side, side);
    else {
      on.fillStyle = book.colours[code];
      on.fillRect(x, y, side, side);
    }
    on.globalAlpha = 1;
    if (this.present.has(code)) outline(on, x, y, side, "#ffd43b", 2);
    if (unused) outline(on, x, y, side, UNUSED, 1.5, [3, 2]);
    if (code === this.picked) outline(on, x, y, side, "#3b6fe0", 3);
    if (looked) outline(on, x, y, side, "#2fd3ff", 2.5);
  }
}

function outline(
  on: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  colour: string,
  width: number,
  dash: number[] = [],
): void {
  on.setLineDash(dash);
  on.lineWidth = width;
  on.strokeStyle = colour;
  on.strokeRect(x + width / 2, y + width / 2, side - width, side - width);
  on.setLineDash([]);
}
