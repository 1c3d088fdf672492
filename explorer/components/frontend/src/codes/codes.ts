// The grid of codes, live: A to paint on, B to paint with, the codebook, the walk between them.
import { serverUrl } from "../address";
import { Banner } from "../banner";
import { h, iconButton, segmented, setText } from "../dom";
import { draggable } from "../drag";
import { Loader } from "../geometry";
import { History } from "../history";
import { ItemStore, itemName, labelLine } from "../items";
import { Pace } from "../pace";
import { PictureCanvas } from "../pictures";
import { Readout } from "../readout";
import {
  ARROW_KEYS,
  type Direction,
  heard,
  type ShortcutGroup,
  Shortcuts,
  told,
} from "../shortcuts";
import { LiveSocket, type ModelView, socketUrl } from "../socket";
import { FrameStats } from "../stats";
import { type Theme, watchTheme } from "../theme";
import { ANNOUNCE_MS, KEY_COMMIT_MS } from "../waits";
import type { ItemsAnswer, Opened } from "../wire";
import { Board, type Overlay } from "./board";
import { type Book, readBook, readLooks } from "./book";
import { BookView } from "./book-view";
import {
  BRUSHES,
  type Brush,
  brushed,
  decode,
  encode,
  type Grids,
  painted,
  readEdit,
  roundShare,
  sameGrids,
  stroke,
  swapped,
} from "./grids";
import { download } from "./save";
import type { GridData, Side, Told } from "./types";
import { STRIP, stepFrom, WalkView } from "./walk";
import { type FrameAnswer, type FrameBody, speech, type Want } from "./wire";

export type Publish = (told: Told) => void;
type Ink = "b" | "a" | "code";

const PROBE_MS = 70;
const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A small picture of an input or a reconstruction, with a name. */
function small(name: string, what: string, canvas: HTMLElement): HTMLElement {
  canvas.classList.add("lx-picture");
  return h(
    "div",
    { class: "code-small" },
    h("div", { class: "code-name" }, name),
    h("div", { class: "picture-frame" }, canvas),
    h("div", { class: "code-note" }, what),
  );
}

export class CodeGrid {
  readonly element = h("div", {
    class: "stage codes sharp",
    "data-testid": "codes",
    "data-connection": "connecting",
    "data-ready": "false",
  });
  private a: Grids = [];
  private b: Grids = [];
  private codes: Grids = [];
  private level = 0;
  private t = 0.5;
  private overlay: Overlay = "lines";
  private brush: Brush = 1;
  private ink: Ink = "b";
  /** The code that is painted with, in its level. */
  private picked: { level: number; code: number } | null = null;
  /** The cell under the pointer or the keys' cursor; -1 for none. */
  private cell = -1;
  private under: number[] = [];
  /** The code that is pointed at in the codebook; -1 for none. */
  private looked = -1;
  private gestures = 0;
  private published = "";
  private readonly wants = new Set<Want>();
  private history: History<Grids>;
  private books: (Book | null)[] = [];
  private looks: HTMLCanvasElement[][] = [];
  private fetches: AbortController | null = null;
  private loaders: Loader[] = [];

  private readonly socket: LiveSocket<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer>;
  private readonly pace = new Pace(() => this.socket.wake());
  private readonly items: ItemStore;
  private readonly stats = new FrameStats();
  private readonly readout = new Readout(this.stats);
  private readonly banner = new Banner();
  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });

  private readonly canvas = new Board("canvas", "A as it is painted, decoded");
  private readonly other = new Board("b", "B, decoded");
  private readonly own = new Board("a", "A, decoded");
  private readonly inputs = {
    a: new PictureCanvas(
      h("canvas", { "data-testid": "input-a", role: "img", "aria-label": "Input A" }),
    ),
    b: new PictureCanvas(
      h("canvas", { "data-testid": "input-b", role: "img", "aria-label": "Input B" }),
    ),
  };
  private readonly inputBoxes: Record<Side, HTMLElement>;
  private readonly inputNotes: Record<Side, HTMLElement>;
  private readonly bookView: BookView;
  private readonly walk: WalkView;
  private readonly info = h("div", { class: "code-info", "data-testid": "code-info" });
  private readonly infoLook = h("canvas", { class: "code-look" });
  private readonly infoName = h("div", { class: "code-info-name" });
  private readonly infoText = h("div", { class: "code-note" });
  private readonly undo = iconButton("undo", "Undo (Ctrl+Z)", () => this.travel("undo"));
  private readonly redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () => this.travel("redo"));
  private readonly reset = iconButton("reset", "Reset: A's own codes again", () =>
    this.set(this.a),
  );
  private readonly levelBox = h("div", { class: "code-field" });
  private readonly swapBox = h("div", { class: "code-swap", "data-testid": "swap" });
  private readonly inkBox = h("div", {});
  private readonly shortcuts = new Shortcuts(
    () => this.keys(),
    (direction) => this.travel(direction),
  );
  private readonly stopTheme: () => void;
  private readonly stopDrag: () => void;
  private commitTimer: ReturnType<typeof setTimeout> | undefined;
  private probeTimer: ReturnType<typeof setTimeout> | undefined;
  private announceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    parent: HTMLElement,
    private data: GridData,
    private publish: Publish,
  ) {
    this.history = new History<Grids>([]);
    this.socket = this.makeSocket();
    this.items = new ItemStore(
      (items) => this.socket.items(items, "best"),
      () => this.showInputs(),
    );
    this.bookView = new BookView({
      look: (code) => this.lookAt(code),
      pick: (code) => this.pickCode(code),
    });
    this.walk = new WalkView({
      go: (t, stamp, done) => this.goTo(t, stamp, done),
      take: () => {
        const step = this.walk.codes;
        if (step) this.set(step);
      },
    });
    this.inputNotes = { a: h("div", { class: "code-note" }), b: h("div", { class: "code-note" }) };
    this.inputBoxes = {
      a: small("Input A", "", this.inputs.a.canvas),
      b: small("Input B", "", this.inputs.b.canvas),
    };
    for (const side of ["a", "b"] as const) this.inputBoxes[side].append(this.inputNotes[side]);
    this.assemble();
    parent.append(this.element);
    this.stopTheme = watchTheme(this.element, this.probe, (theme) => this.setTheme(theme));
    this.stopDrag = draggable(this.canvas.element, (event) => this.paint(event));
    this.listen();
    this.takeModel();
    this.takeEdit();
    this.banner.wait("Opening the model…");
    this.socket.ask({ model: this.data.model.name, view: this.data.view });
  }

  // From Streamlit

  update(data: GridData, publish: Publish): void {
    const before = this.data;
    this.data = data;
    this.publish = publish;
    const model =
      data.model.name !== before.model.name || data.model.version !== before.model.version;
    if (model) {
      this.element.dataset["ready"] = "false";
      this.items.clear();
      this.stats.clear();
      this.banner.clear();
      this.takeModel();
      this.banner.wait("Opening the model…");
      this.socket.ask({ model: data.model.name, view: data.view });
    }
    if (model || data.revision > before.revision) this.takeEdit(model);
  }

  dispose(): void {
    this.socket.close();
    this.pace.dispose();
    this.stopTheme();
    this.shortcuts.stop();
    this.stopDrag();
    this.fetches?.abort();
    for (const loader of this.loaders) loader.cancel();
    this.items.clear();
    for (const part of [this.canvas, this.own, this.other, this.bookView, this.walk]) part.stop();
    this.readout.stop();
    this.banner.stop();
    for (const timer of [this.commitTimer, this.probeTimer, this.announceTimer])
      clearTimeout(timer);
    this.element.remove();
  }

  /** Another model: its codebooks are fetched, and what was picked of the former one is let go. */
  private takeModel(): void {
    const { model, levels } = this.data;
    this.element.style.setProperty("--lx-ratio", `${model.shape[2]} / ${model.shape[1]}`);
    this.books = levels.map(() => null);
    this.looks = levels.map(() => []);
    this.picked = null;
    this.ink = "b";
    this.looked = this.cell = -1;
    this.under = [];
    for (const loader of this.loaders) loader.cancel();
    this.loaders = levels.map(() => new Loader());
    this.fetches?.abort();
    const fetches = new AbortController();
    this.fetches = fetches;
    levels.forEach((level, i) => {
      this.loaders[i].load(
        level.url,
        3 * level.codes,
        "The codebook",
        (values) => {
          this.books[i] = readBook(values);
          this.showBook();
          this.show();
        },
        (message) => this.banner.show(message),
      );
      void fetch(serverUrl(level.looks), { signal: fetches.signal })
        .then(async (response) => {
          if (!response.ok)
            throw new Error(`The codes' pictures: ${(await response.text()).slice(0, 200)}`);
          this.looks[i] = readLooks(await response.arrayBuffer(), level, model.shape[0]);
          this.showBook();
          this.showInfo();
        })
        .catch((error: unknown) => {
          if (!fetches.signal.aborted)
            this.banner.show(error instanceof Error ? error.message : String(error));
        });
    });
    this.makeLevels();
    this.makeSwap();
    this.makeInk();
  }

  /** Takes over images and edit as Python has them; what can be undone stays where A and its codes are the same. */
  private takeEdit(model = false): void {
    clearTimeout(this.commitTimer);
    const { levels, images } = this.data;
    const a = decode(images.a.codes, levels);
    const b = decode(images.b.codes, levels);
    if (!a || !b) {
      this.banner.show("The page sent codes that do not fit the model. Reload it.");
      return;
    }
    const edit = readEdit(this.data.edit, levels);
    const codes = edit.codes ?? a;
    const same =
      !model && this.a.length > 0 && sameGrids(a, this.a) && sameGrids(codes, this.codes);
    this.a = a;
    this.b = b;
    this.codes = codes;
    this.level = edit.level;
    this.t = edit.t;
    if (!same) this.history = new History(codes);
    this.published = this.told();
    this.levels?.set(String(edit.level));
    this.walk.setStep(edit.t);
    this.askInputs();
    this.showBook();
    this.changed(["picture", "a", "b", "step", "strip"], null);
  }

  // The socket

  private makeSocket() {
    return new LiveSocket<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer>(
      socketUrl(this.data.socket),
      {
        connection: (state) => {
          this.element.dataset["connection"] = state;
          this.banner.connect(state);
        },
        opened: () => {
          this.items.renew();
          this.changed(["picture", "a", "b", "step", "strip"], null);
        },
        pull: () => this.pull(),
        frame: (answer) => this.take(answer),
        items: (answer) => this.items.receive(answer),
        itemsFailed: (seq) => this.items.failed(seq),
        originals: (state) => {
          if (state === "ready") this.items.originalsCame();
        },
        error: (message) => this.banner.show(message),
      },
      speech(() => this.data.levels),
    );
  }

  private changed(wants: readonly Want[], stamp: number | null): void {
    for (const want of wants) this.wants.add(want);
    this.pace.touch(stamp);
    this.show();
    this.socket.wake();
  }

  private pull(): FrameBody | null {
    if (this.codes.length === 0) return null;
    if (this.cell < 0) this.wants.delete("reach");
    if (this.wants.size === 0 || !this.pace.ready()) return null;
    const want = [...this.wants];
    this.wants.clear();
    this.pace.take();
    this.pace.spend();
    return {
      codes: encode(this.codes),
      a: encode(this.a),
      b: encode(this.b),
      t: this.t,
      frames: STRIP,
      probe: this.cell < 0 ? null : [this.level, this.cell],
      want,
    };
  }

  private take(answer: FrameAnswer): void {
    const stamp = this.pace.takeStamp();
    const at = (name: string) => answer.pictures.indexOf(name);
    for (const [name, board] of [
      ["picture", this.canvas],
      ["a", this.own],
      ["b", this.other],
    ] as const)
      if (at(name) >= 0) board.picture.paint(answer.pixels, at(name), answer.shape);
    if (at("reach") >= 0 && this.cell >= 0)
      this.canvas.glow(answer.pixels, at("reach"), answer.shape);
    this.walk.paint(answer);
    if (at("picture") >= 0) {
      this.element.dataset["ready"] = "true";
      this.banner.wait("");
    }
    if (stamp !== null) {
      const now = performance.now();
      this.stats.add(now, now - stamp);
      this.readout.touch();
    }
  }

  // Inputs

  private askInputs(): void {
    const { a, b } = this.data.images;
    const items = [a.item, b.item].filter((item): item is number => item !== null);
    this.items.want("handles", items);
    this.showInputs();
  }

  private showInputs(): void {
    for (const side of ["a", "b"] as const) {
      const { item } = this.data.images[side];
      const found = item === null ? undefined : this.items.get(item);
      this.inputBoxes[side].classList.toggle("lx-sample", item === null);
      if (found) this.inputs[side].copy(found.canvas);
      const text =
        item === null
          ? "A sample has no input."
          : found
            ? `${itemName(found)} · ${found.source} · ${labelLine(found.labels, 2)}`
            : "";
      setText(this.inputNotes[side], text);
    }
  }

  // Painting

  private paint(event: PointerEvent) {
    if (this.codes.length === 0) return null;
    if (event.altKey) {
      const cell = this.canvas.placeAt(event.clientX, event.clientY);
      if (cell >= 0) this.pickCode(this.codes[this.level][cell]);
      return null;
    }
    event.preventDefault();
    this.canvas.element.focus({ preventScroll: true });
    const before = this.codes;
    let last = this.canvas.cellsAt(event.clientX, event.clientY);
    this.gestures += 1;
    this.canvas.glow(null, 0, this.data.model.shape);
    this.dab(last, event.timeStamp);
    const go = (e: PointerEvent) => {
      const next = this.canvas.cellsAt(e.clientX, e.clientY);
      const cells = new Set<number>();
      for (const [x, y] of stroke(last, next))
        for (const cell of this.brushedAt(x, y)) cells.add(cell);
      last = next;
      this.point(next);
      this.dabCells(cells, e.timeStamp);
    };
    return {
      move: go,
      up: (e: PointerEvent) => {
        go(e);
        this.gestures -= 1;
        this.finish();
      },
      cancel: () => {
        this.gestures -= 1;
        this.codes = before;
        this.changed(["picture"], null);
      },
    };
  }

  private brushedAt(x: number, y: number): number[] {
    return brushed(this.data.levels[this.level], x, y, this.brush);
  }

  private dab([x, y]: readonly [number, number], stamp: number): void {
    this.point([x, y]);
    this.dabCells(this.brushedAt(x, y), stamp);
  }

  private dabCells(cells: Iterable<number>, stamp: number): void {
    const { ink, picked, level } = this;
    if (ink === "code" && picked?.level !== level) return;
    const colour = ink === "code" ? (picked?.code ?? 0) : ink === "a" ? this.a : this.b;
    const next = painted(this.codes, level, cells, colour);
    if (sameGrids(next, this.codes)) return;
    this.codes = next;
    this.changed(["picture"], stamp);
  }

  /** A stroke has ended: an entry for undo, the walk from here, and word to Streamlit. */
  private finish(tag: string | null = null): void {
    if (!sameGrids(this.codes, this.history.current)) this.history.push(this.codes, tag);
    this.changed(["step", "strip"], null);
    this.commit();
  }

  /** All codes at once: a reset, a swap, a step of the walk. */
  private set(codes: Grids): void {
    if (codes.length === 0 || sameGrids(codes, this.codes)) return;
    this.codes = codes;
    this.changed(["picture"], performance.now());
    this.finish();
  }

  private travel(direction: Direction): void {
    if (this.gestures > 0) return;
    this.codes = direction === "undo" ? this.history.undo() : this.history.redo();
    this.changed(["picture", "step", "strip"], performance.now());
    this.commit();
  }

  // Pointing

  private listen(): void {
    const board = this.canvas.element;
    board.addEventListener("pointermove", (e) => {
      if (this.gestures > 0) return;
      this.point(this.canvas.cellsAt(e.clientX, e.clientY));
    });
    board.addEventListener("pointerleave", () => {
      if (this.gestures === 0) this.leave();
    });
    board.addEventListener("blur", () => this.leave());
    board.addEventListener("focus", () => {
      if (this.cell < 0 && board.matches(":focus-visible")) this.pointAt(0, 0);
    });
    board.addEventListener("keydown", (e) => this.key(e));
    this.other.element.addEventListener("pointermove", (e) => {
      const [x, y] = this.other.cellsAt(e.clientX, e.clientY);
      this.point([x, y]);
    });
    this.other.element.addEventListener("pointerleave", () => this.leave());
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const { rows, columns } = this.data.levels[this.level];
    const at = Math.max(0, this.cell);
    if (arrow) {
      const column = Math.min(columns - 1, Math.max(0, (at % columns) + arrow[0]));
      const row = Math.min(rows - 1, Math.max(0, Math.floor(at / columns) + arrow[1]));
      this.pointAt(column, row);
      if (event.shiftKey) this.dabHere(event.timeStamp);
    } else if (event.key === " " || event.key === "Enter") this.dabHere(event.timeStamp);
    else if (event.key.toLowerCase() === "c" && this.cell >= 0)
      this.pickCode(this.codes[this.level][this.cell]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private dabHere(stamp: number): void {
    if (this.cell < 0) return;
    this.dabCells(this.under, stamp);
    if (!sameGrids(this.codes, this.history.current)) this.history.push(this.codes, "keys");
    this.show();
    clearTimeout(this.commitTimer);
    this.commitTimer = setTimeout(() => this.finish(), KEY_COMMIT_MS);
  }

  private keys(): ShortcutGroup[] {
    const ink = (side: Side) => {
      this.ink = side;
      this.makeInk();
      this.show();
    };
    return [
      {
        title: "Painting",
        shortcuts: [
          heard("g", "Take the grid", () => this.canvas.element.focus()),
          told(ARROW_KEYS, "Go over the grid, with Shift painting"),
          told("Space / Enter", "Paint the place"),
          told("C", "Pick the place's code"),
          told("Alt + click", "Pick a code from the picture"),
          told("Esc", "While painting: give up the stroke"),
        ],
      },
      {
        title: "Brush",
        shortcuts: [
          ...BRUSHES.map((size) =>
            heard(String(size), `${size}×${size}`, () => this.setBrush(size)),
          ),
          heard("a", "Paint with A's own codes", () => ink("a")),
          heard("b", "Paint with B's codes", () => ink("b")),
        ],
      },
      {
        title: "Codebook",
        shortcuts: [
          told(ARROW_KEYS, "Go from code to code, with the codebook in focus"),
          told("Space / Enter", "Paint with the code"),
        ],
      },
      {
        title: "Walk from A to B",
        shortcuts: [
          heard(".", "A step on", () => this.walkOn(1), true),
          heard(",", "A step back", () => this.walkOn(-1), true),
        ],
      },
    ];
  }

  private walkOn(by: -1 | 1): void {
    const t = stepFrom(this.t, by);
    this.walk.setStep(t);
    this.goTo(t, performance.now(), true);
  }

  private pointAt(column: number, row: number): void {
    this.point([column + 0.5, row + 0.5]);
  }

  private point([x, y]: readonly [number, number]): void {
    const { rows, columns } = this.data.levels[this.level];
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const inside = column >= 0 && row >= 0 && column < columns && row < rows;
    const cell = inside ? row * columns + column : -1;
    const under = this.brushedAt(x, y);
    if (cell === this.cell && String(under) === String(this.under)) return;
    const moved = cell !== this.cell;
    this.cell = cell;
    this.under = under;
    if (moved) this.askReach();
    this.show();
    this.announce();
  }

  private leave(): void {
    if (this.cell < 0 && this.under.length === 0) return;
    this.cell = -1;
    this.under = [];
    clearTimeout(this.probeTimer);
    this.canvas.glow(null, 0, this.data.model.shape);
    this.show();
  }

  /** After a moment on a cell: which pixels it governs. */
  private askReach(): void {
    clearTimeout(this.probeTimer);
    this.canvas.glow(null, 0, this.data.model.shape);
    if (this.cell < 0 || this.gestures > 0) return;
    this.probeTimer = setTimeout(() => {
      if (this.cell < 0 || this.gestures > 0) return;
      this.wants.add("reach");
      this.socket.wake();
    }, PROBE_MS);
  }

  private lookAt(code: number): void {
    this.looked = code;
    this.show();
  }

  private pickCode(code: number): void {
    this.picked = { level: this.level, code };
    this.ink = "code";
    this.makeInk();
    this.show();
  }

  private goTo(t: number, stamp: number, done: boolean): void {
    this.t = roundShare(t);
    this.changed(["step"], stamp);
    if (done) this.commit();
  }

  // Showing

  private show(): void {
    const { levels } = this.data;
    const { level, codes } = this;
    if (codes.length === 0) return;
    const shape = levels[level];
    const book = this.books[level];
    const differs = (from: Grids) => {
      const places = new Set<number>();
      codes[level].forEach((code, place) => {
        if (code !== from[level][place]) places.add(place);
      });
      return places;
    };
    const overlay = this.overlay;
    const pointed = this.looked >= 0 ? this.looked : null;
    const shown = { shape, overlay, book, code: pointed };
    this.canvas.show({
      ...shown,
      codes: codes[level],
      changed: overlay === "off" ? undefined : differs(this.a),
      under: this.under,
    });
    this.own.show({
      ...shown,
      codes: this.a[level],
      overlay: overlay === "codes" ? "codes" : "off",
    });
    this.other.show({ ...shown, codes: this.b[level], under: this.ink === "b" ? this.under : [] });
    this.walk.set(codes, this.b, level, shape, book);
    this.bookView.mark(
      this.picked?.level === level ? this.picked.code : null,
      this.looked >= 0 ? this.looked : this.cell >= 0 ? codes[level][this.cell] : -1,
      new Set(codes[level]),
    );
    this.undo.disabled = !this.history.canUndo;
    this.redo.disabled = !this.history.canRedo;
    this.reset.disabled = sameGrids(codes, this.a);
    this.showInfo();
  }

  private showBook(): void {
    const { levels } = this.data;
    const name = levels.length > 1 ? `Codebook of the ${levels[this.level].name}` : "Codebook";
    this.bookView.set(name, this.books[this.level], this.looks[this.level] ?? []);
  }

  /** What is known of the cell or the code that is pointed at. */
  private showInfo(): void {
    const { level, cell, looked } = this;
    const info = this.data.levels[level];
    const book = this.books[level];
    const code = looked >= 0 ? looked : cell >= 0 ? this.codes[level]?.[cell] : undefined;
    this.info.classList.toggle("lx-empty", code === undefined);
    if (code === undefined || !book) {
      setText(this.infoName, "Point at a place of the grid, or at a code.");
      setText(
        this.infoText,
        "Drag to paint. Keys: arrows move, Space paints (with Shift while moving), 1 2 3 set the brush, C picks the code.",
      );
      return;
    }
    const look = this.looks[level]?.[code];
    if (look) {
      this.infoLook.width = look.width;
      this.infoLook.height = look.height;
      this.infoLook.getContext("2d")?.drawImage(look, 0, 0);
    }
    const uses = book.uses[code];
    const used =
      uses === 0
        ? "no image of the atlas uses it"
        : `used in ${uses.toLocaleString("en")} of ${book.total.toLocaleString("en")} places ` +
          `(${((100 * uses) / book.total).toPrecision(2)} %), no. ${book.rank[code] + 1} of ${info.codes}`;
    if (looked >= 0) {
      const here = this.codes[level].reduce((sum, own) => sum + (own === code ? 1 : 0), 0);
      setText(this.infoName, `Code ${code}`);
      setText(this.infoText, `In ${here} of this picture's places; ${used}.`);
      return;
    }
    const row = Math.floor(cell / info.columns);
    const of = this.data.levels.length > 1 ? `${info.name}, ` : "";
    setText(
      this.infoName,
      `Code ${code} · ${of}row ${row + 1}, column ${(cell % info.columns) + 1}`,
    );
    setText(
      this.infoText,
      `${used.charAt(0).toUpperCase()}${used.slice(1)}. A has ${this.a[level][cell]} here, B ${this.b[level][cell]}. ` +
        "The glow: the pixels that change with this code.",
    );
  }

  private setTheme(theme: Theme): void {
    this.walk.setTheme(theme);
  }

  // Controls

  private levels: { set(value: string): void } | null = null;

  private makeLevels(): void {
    const { levels } = this.data;
    this.levelBox.hidden = levels.length < 2;
    const choice = segmented<string>(
      "Level that is painted",
      levels.map((level, i) => [
        String(i),
        `${level.name.charAt(0).toUpperCase()}${level.name.slice(1)} ${level.rows}×${level.columns}`,
      ]),
      (value) => this.setLevel(Number(value)),
    );
    this.levels = choice;
    choice.set(String(this.level));
    this.levelBox.replaceChildren(h("span", { class: "field-name" }, "Level"), choice.element);
  }

  private setLevel(level: number): void {
    this.level = level;
    this.cell = this.looked = -1;
    this.under = [];
    if (this.ink === "code" && this.picked?.level !== level) this.ink = "b";
    this.levels?.set(String(level));
    this.makeInk();
    this.showBook();
    this.show();
    this.commit();
  }

  /** Buttons that put a level of one image and the other level of the other together; none for a single level. */
  private makeSwap(): void {
    const { levels } = this.data;
    if (levels.length !== 2) {
      this.swapBox.replaceChildren(
        h(
          "span",
          { class: "code-note" },
          levels.length === 1
            ? "One level of codes: there is no coarse one to keep and no fine one to swap."
            : "Levels are swapped where there are two.",
        ),
      );
      return;
    }
    const [coarse, fine] = levels.map((level) => level.name);
    const button = (text: string, make: () => Grids) => {
      const made = h("button", { type: "button", class: "button text-button" }, text);
      made.addEventListener("click", () => this.set(make()));
      return made;
    };
    this.swapBox.replaceChildren(
      h("span", { class: "field-name" }, "Swap"),
      button(`A's ${coarse}, B's ${fine}`, () => swapped(this.a, this.b, 1)),
      button(`B's ${coarse}, A's ${fine}`, () => swapped(this.a, this.b, 0)),
    );
  }

  private makeInk(): void {
    const { picked, level } = this;
    const options: [Ink, string][] = [
      ["b", "B's codes"],
      ["a", "A's own"],
    ];
    if (picked?.level === level) options.push(["code", `Code ${picked.code}`]);
    const choice = segmented<Ink>("Paint with", options, (ink) => {
      this.ink = ink;
      this.show();
    });
    choice.set(this.ink);
    this.inkBox.replaceChildren(choice.element);
  }

  private brushes: { set(value: string): void } | null = null;

  private setBrush(brush: Brush): void {
    this.brush = brush;
    this.brushes?.set(String(brush));
    if (this.cell < 0) return;
    const { columns } = this.data.levels[this.level];
    this.under = this.brushedAt((this.cell % columns) + 0.5, Math.floor(this.cell / columns) + 0.5);
    this.show();
  }

  private assemble(): void {
    const overlays = segmented<Overlay>(
      "Grid over the picture",
      [
        ["off", "Off"],
        ["lines", "Lines"],
        ["codes", "Codes"],
      ],
      (overlay) => {
        this.overlay = overlay;
        this.show();
      },
    );
    overlays.set(this.overlay);
    const brushes = segmented<string>(
      "Brush",
      BRUSHES.map((size) => [String(size), `${size}×${size}`]),
      (size) => this.setBrush(Number(size) as Brush),
    );
    brushes.set("1");
    this.brushes = brushes;
    const save = h("button", { type: "button", class: "button text-button" }, "Download PNG");
    save.addEventListener("click", () => this.save());
    const named = (name: string, ...parts: HTMLElement[]) =>
      h("div", { class: "code-field" }, h("span", { class: "field-name" }, name), ...parts);
    const board = this.canvas.element;
    board.classList.add("lx-paintable");
    board.tabIndex = 0;
    board.setAttribute("role", "application");
    board.setAttribute(
      "aria-label",
      "A's grid of codes to paint on; arrow keys move, Space paints",
    );
    this.info.append(this.infoLook, h("div", {}, this.infoName, this.infoText));
    this.element.append(
      this.probe,
      h(
        "div",
        { class: "toolbar", role: "toolbar", "aria-label": "Paint" },
        h("div", { class: "actions" }, this.undo, this.redo, this.reset),
        h(
          "div",
          { class: "controls" },
          this.levelBox,
          named("Grid", overlays.element),
          named("Brush", brushes.element),
          named("Paint with", this.inkBox),
          save,
        ),
      ),
      this.swapBox,
      h(
        "div",
        { class: "codes-grid" },
        h(
          "div",
          { class: "code-side code-side-a" },
          this.inputBoxes.a,
          h(
            "div",
            { class: "code-small" },
            h("div", { class: "code-name" }, "A"),
            this.own.element,
            h("div", { class: "code-note" }, "As its own codes decode"),
          ),
        ),
        h(
          "section",
          { class: "code-main", "aria-label": "A as it is painted" },
          h("div", { class: "code-name" }, "A, to paint on"),
          board,
          this.info,
        ),
        h(
          "div",
          { class: "code-side code-side-b" },
          h(
            "div",
            { class: "code-small" },
            h("div", { class: "code-name" }, "B"),
            this.other.element,
            h("div", { class: "code-note" }, "What the brush takes"),
          ),
          this.inputBoxes.b,
        ),
        this.bookView.element,
      ),
      this.walk.element,
      this.banner.element,
      h(
        "footer",
        { class: "foot" },
        h(
          "span",
          { class: "hint" },
          "Alt+click picks a code from the picture. Yellow: places that differ from A. ",
          this.shortcuts.button,
        ),
        this.readout.element,
      ),
      this.live,
      this.shortcuts.element,
    );
  }

  private save(): void {
    const name = `${this.data.model.name}-codes.png`;
    download(this.canvas.picture.canvas, name).catch((error: unknown) =>
      this.banner.show(error instanceof Error ? error.message : String(error)),
    );
  }

  // Word to Streamlit

  private told(): string {
    return `${encode(this.codes)} ${this.level} ${this.t}`;
  }

  private commit(): void {
    clearTimeout(this.commitTimer);
    this.announce();
    if (this.gestures > 0 || this.told() === this.published || this.codes.length === 0) return;
    this.published = this.told();
    this.publish({
      model: this.data.model.name,
      revision: this.data.revision,
      codes: sameGrids(this.codes, this.a) ? null : encode(this.codes),
      level: this.level,
      t: this.t,
    });
  }

  private announce(): void {
    clearTimeout(this.announceTimer);
    this.announceTimer = setTimeout(() => {
      setText(this.live, `${this.infoName.textContent ?? ""} ${this.infoText.textContent ?? ""}`);
    }, ANNOUNCE_MS);
  }
}
