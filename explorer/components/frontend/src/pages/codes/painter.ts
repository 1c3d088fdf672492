// The hand on the grid: what is pointed at, the brush, what it paints with, and strokes by pointer and keys.
import type { EditStore, Gesture } from "../../core/edit-store";
import type { Scheduler } from "../../core/scheduler";
import { KEY_COMMIT_MS } from "../../core/waits";
import type { Drag } from "../../drag";
import type { Board } from "./board";
import { type Brush, brushed, type Grids, painted, sameGrids, stroke } from "./grids";
import type { Edit } from "./model";
import type { LevelInfo } from "./types";
import type { Want } from "./wire";

export type Ink = "b" | "a" | "code";

const PROBE_MS = 70;
const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface PainterContext {
  readonly edits: EditStore<Edit>;
  readonly scheduler: Scheduler;
  readonly canvas: Board;
  readonly other: Board;
  level(): LevelInfo;
  /** The codes of A and of B. */
  inks(): Record<"a" | "b", Grids>;
  changed(wants: readonly Want[], stamp: number | null): void;
  /** What is pointed at, or painted with, has changed. */
  show(): void;
  /** The choice of what to paint with has changed. */
  inked(): void;
  announce(): void;
  /** Takes away the glow of the pixels that a cell governs. */
  dim(): void;
  /** A stroke has ended, and is committed. */
  finish(): void;
}

export class Painter {
  brush: Brush = 1;
  ink: Ink = "b";
  /** The code that is painted with, in its level. */
  picked: { level: number; code: number } | null = null;
  /** The cell under the pointer or the keys' cursor; -1 for none. */
  cell = -1;
  /** The cells under the brush. */
  under: number[] = [];
  /** The code that is pointed at in the codebook; -1 for none. */
  looked = -1;

  constructor(private readonly on: PainterContext) {
    this.listen();
  }

  private get edit(): Edit {
    return this.on.edits.current;
  }

  /** Lets go of what was pointed at and picked. */
  forget(): void {
    this.picked = null;
    this.ink = "b";
    this.looked = this.cell = -1;
    this.under = [];
  }

  /** Another level: what was pointed at lies in the former one. */
  changeLevel(level: number): void {
    this.cell = this.looked = -1;
    this.under = [];
    if (this.ink === "code" && this.picked?.level !== level) this.ink = "b";
    this.on.inked();
  }

  setInk(ink: Ink): void {
    this.ink = ink;
    this.on.inked();
    this.on.show();
  }

  setBrush(brush: Brush): void {
    this.brush = brush;
    if (this.cell < 0) return;
    const { columns } = this.on.level();
    this.under = this.brushedAt((this.cell % columns) + 0.5, Math.floor(this.cell / columns) + 0.5);
    this.on.show();
  }

  lookAt(code: number): void {
    this.looked = code;
    this.on.show();
  }

  pickCode(code: number): void {
    this.picked = { level: this.edit.level, code };
    this.setInk("code");
  }

  // Strokes

  /** A press on the canvas begins a stroke; with Alt it picks the code. */
  press(event: PointerEvent): Drag | null {
    const { canvas, edits } = this.on;
    if (this.edit.codes.length === 0) return null;
    if (event.altKey) {
      const cell = canvas.placeAt(event.clientX, event.clientY);
      if (cell >= 0) this.pickCode(this.edit.codes[this.edit.level][cell]);
      return null;
    }
    event.preventDefault();
    canvas.element.focus({ preventScroll: true });
    const gesture = edits.begin();
    const first = canvas.cellsAt(event.clientX, event.clientY);
    this.on.dim();
    this.point(first);
    this.dab(this.brushedAt(first[0], first[1]), event.timeStamp);
    return this.strokeFrom(first, gesture);
  }

  private strokeFrom(first: readonly [number, number], gesture: Gesture<Edit>): Drag {
    let last = first;
    const go = (event: PointerEvent) => {
      if (!gesture.held) return;
      const next = this.on.canvas.cellsAt(event.clientX, event.clientY);
      const cells = new Set<number>();
      for (const [x, y] of stroke(last, next))
        for (const cell of this.brushedAt(x, y)) cells.add(cell);
      last = next;
      this.point(next);
      this.dab(cells, event.timeStamp);
    };
    return {
      move: go,
      up: (event) => {
        go(event);
        if (!gesture.held) return;
        gesture.commit();
        this.on.finish();
      },
      cancel: () => {
        const before = gesture.cancel();
        if (!before) return;
        this.on.edits.current = { ...this.edit, codes: before.codes };
        this.on.changed(["picture"], null);
      },
    };
  }

  private brushedAt(x: number, y: number): number[] {
    return brushed(this.on.level(), x, y, this.brush);
  }

  private dab(cells: Iterable<number>, stamp: number): void {
    const { ink, picked } = this;
    const { codes, level } = this.edit;
    if (ink === "code" && picked?.level !== level) return;
    const colour = ink === "code" ? (picked?.code ?? 0) : this.on.inks()[ink];
    const next = painted(codes, level, cells, colour);
    if (sameGrids(next, codes)) return;
    this.on.edits.current = { ...this.edit, codes: next };
    this.on.changed(["picture"], stamp);
  }

  // Pointing

  private listen(): void {
    const { canvas, other, edits } = this.on;
    const board = canvas.element;
    board.addEventListener("pointermove", (event) => {
      if (!edits.busy) this.point(canvas.cellsAt(event.clientX, event.clientY));
    });
    board.addEventListener("pointerleave", () => {
      if (!edits.busy) this.leave();
    });
    board.addEventListener("blur", () => this.leave());
    board.addEventListener("focus", () => {
      if (this.cell < 0 && board.matches(":focus-visible")) this.point([0.5, 0.5]);
    });
    board.addEventListener("keydown", (event) => this.key(event));
    other.element.addEventListener("pointermove", (event) =>
      this.point(other.cellsAt(event.clientX, event.clientY)),
    );
    other.element.addEventListener("pointerleave", () => this.leave());
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const { rows, columns } = this.on.level();
    const at = Math.max(0, this.cell);
    if (arrow) {
      const column = Math.min(columns - 1, Math.max(0, (at % columns) + arrow[0]));
      const row = Math.min(rows - 1, Math.max(0, Math.floor(at / columns) + arrow[1]));
      this.point([column + 0.5, row + 0.5]);
      if (event.shiftKey) this.dabHere(event.timeStamp);
    } else if (event.key === " " || event.key === "Enter") this.dabHere(event.timeStamp);
    else if (event.key.toLowerCase() === "c" && this.cell >= 0)
      this.pickCode(this.edit.codes[this.edit.level][this.cell]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private dabHere(stamp: number): void {
    if (this.cell < 0) return;
    this.dab(this.under, stamp);
    this.on.edits.commitSoon("keys");
    this.on.scheduler.after("rest", KEY_COMMIT_MS, () => this.on.finish());
  }

  private point([x, y]: readonly [number, number]): void {
    const { rows, columns } = this.on.level();
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const inside = column >= 0 && row >= 0 && column < columns && row < rows;
    const cell = inside ? row * columns + column : -1;
    const under = this.brushedAt(x, y);
    if (cell === this.cell && String(under) === String(this.under)) return;
    const moved = cell !== this.cell;
    this.cell = cell;
    this.under = under;
    if (moved) this.askReach();
    this.on.show();
    this.on.announce();
  }

  private leave(): void {
    if (this.cell < 0 && this.under.length === 0) return;
    this.cell = -1;
    this.under = [];
    this.on.scheduler.forget("reach");
    this.on.dim();
    this.on.show();
  }

  /** After a moment on a cell: which pixels it governs. */
  private askReach(): void {
    this.on.dim();
    this.on.scheduler.forget("reach");
    if (this.cell < 0 || this.on.edits.busy) return;
    this.on.scheduler.after("reach", PROBE_MS, () => {
      if (this.cell >= 0 && !this.on.edits.busy) this.on.changed(["reach"], null);
    });
  }
}
