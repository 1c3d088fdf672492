// What the code grid's boards, codebook and texts show of the edit and of what is pointed at.
import type { Pictures } from "../../ui/pictures-of-items";
import type { Overlay } from "./board";
import type { BookView } from "./book-view";
import type { Books } from "./books";
import type { Controls } from "./controls";
import { type Grids, sameGrids } from "./grids";
import { cellInfo, codeInfo, differing, type Edit, NOTHING } from "./model";
import type { Painter } from "./painter";
import type { GridData } from "./types";
import type { CodesView } from "./view";
import type { WalkView } from "./walk";

export interface ShowingContext {
  readonly view: CodesView;
  readonly controls: Controls;
  readonly books: Books;
  readonly bookView: BookView;
  readonly walk: WalkView;
  readonly painter: Painter;
  readonly items: Pictures;
  data(): GridData;
  edit(): Edit;
  /** The codes of A and of B. */
  inks(): Record<"a" | "b", Grids>;
}

export class Showing {
  overlay: Overlay = "lines";

  constructor(private readonly on: ShowingContext) {}

  /** Shows the edit on the boards, and what is pointed at. */
  show(): void {
    const { view, walk, painter, controls, books } = this.on;
    const { codes, level } = this.on.edit();
    const { a, b } = this.on.inks();
    if (codes.length === 0) return;
    const { overlay } = this;
    const shape = this.on.data().levels[level];
    const book = books.of(level);
    const { looked, under } = painter;
    const shown = { shape, overlay, book, code: looked >= 0 ? looked : null };
    const changed = overlay === "off" ? undefined : differing(codes, a, level);
    view.canvas.show({ ...shown, codes: codes[level], changed, under });
    view.own.show({ ...shown, codes: a[level], overlay: overlay === "codes" ? "codes" : "off" });
    view.other.show({ ...shown, codes: b[level], under: painter.ink === "b" ? under : [] });
    walk.set(codes, b, level, shape, book);
    this.markBook();
    controls.showOwn(sameGrids(codes, a));
    this.describe();
  }

  private markBook(): void {
    const { picked, looked, cell } = this.on.painter;
    const { codes, level } = this.on.edit();
    const pointed = looked >= 0 ? looked : cell >= 0 ? codes[level][cell] : -1;
    const own = picked?.level === level ? picked.code : null;
    this.on.bookView.mark(own, pointed, new Set(codes[level]));
  }

  showBook(): void {
    const { levels } = this.on.data();
    const { level } = this.on.edit();
    const name = levels.length > 1 ? `Codebook of the ${levels[level].name}` : "Codebook";
    this.on.bookView.set(name, this.on.books.of(level), this.on.books.looks(level));
  }

  /** What is known of the cell or the code that is pointed at. */
  private describe(): void {
    const { books, painter, view } = this.on;
    const { cell, looked } = painter;
    const { codes, level } = this.on.edit();
    const { levels } = this.on.data();
    const book = books.of(level);
    const code = looked >= 0 ? looked : cell >= 0 ? codes[level][cell] : undefined;
    if (code === undefined || !book) {
      view.describe(NOTHING, code === undefined, undefined);
      return;
    }
    const { a, b } = this.on.inks();
    const info =
      looked >= 0
        ? codeInfo(book, levels[level], code, codes[level])
        : cellInfo(
            book,
            levels[level],
            cell,
            code,
            [a[level][cell], b[level][cell]],
            levels.length === 1,
          );
    view.describe(info, false, books.looks(level)[code]);
  }

  askInputs(): void {
    const { a, b } = this.on.data().images;
    const items = [a.item, b.item].filter((item): item is number => item !== null);
    this.on.items.want("handles", items);
    this.showInputs();
  }

  showInputs(): void {
    for (const side of ["a", "b"] as const) {
      const { item } = this.on.data().images[side];
      this.on.view.inputs[side].show(item, item === null ? undefined : this.on.items.get(item));
    }
  }
}
