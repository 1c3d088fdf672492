// What the grid of codes consists of, and where it stands.
import type { Shell } from "../../core/shell";
import { h, setText } from "../../dom";
import { type Item, itemName, labelLine } from "../../items";
import { PictureCanvas } from "../../pictures";
import { Board } from "./board";
import type { BookView } from "./book-view";
import type { Controls } from "./controls";
import type { Info } from "./model";
import type { Side } from "./types";
import type { WalkView } from "./walk";

/** A small picture of an input or a reconstruction, with a name. */
function small(name: string, picture: HTMLElement, note: HTMLElement): HTMLElement {
  return h("div", { class: "code-small" }, h("div", { class: "code-name" }, name), picture, note);
}

const note = (text = ""): HTMLElement => h("div", { class: "code-note" }, text);

/** The image that A or B was encoded from. */
class Input {
  private readonly picture: PictureCanvas;
  private readonly note = note();
  readonly element: HTMLElement;

  constructor(side: Side) {
    const name = side.toUpperCase();
    const canvas = h("canvas", {
      class: "picture",
      "data-testid": `input-${side}`,
      role: "img",
      "aria-label": `Input ${name}`,
    });
    this.picture = new PictureCanvas(canvas);
    this.element = small(`Input ${name}`, h("div", { class: "picture-frame" }, canvas), this.note);
  }

  /** Shows an item once it has come; null for a sample, which has none. */
  show(item: number | null, found: Item | undefined): void {
    this.element.classList.toggle("lx-sample", item === null);
    if (found) this.picture.copy(found.canvas);
    const known = found
      ? `${itemName(found)} · ${found.source} · ${labelLine(found.labels, 2)}`
      : "";
    setText(this.note, item === null ? "A sample has no input." : known);
  }
}

export class CodesView {
  readonly canvas = new Board("canvas", "A as it is painted, decoded");
  readonly other = new Board("b", "B, decoded");
  readonly own = new Board("a", "A, decoded");
  readonly inputs: Record<Side, Input> = { a: new Input("a"), b: new Input("b") };
  private readonly info = h("div", { class: "code-info", "data-testid": "code-info" });
  private readonly infoLook = h("canvas", { class: "code-look" });
  private readonly infoName = h("div", { class: "code-info-name" });
  private readonly infoText = h("div", { class: "code-note" });

  constructor() {
    const board = this.canvas.element;
    board.classList.add("lx-paintable");
    board.tabIndex = 0;
    board.setAttribute("role", "application");
    board.setAttribute(
      "aria-label",
      "A's grid of codes to paint on; arrow keys move, Space paints",
    );
    this.info.append(this.infoLook, h("div", {}, this.infoName, this.infoText));
  }

  /** Says what is known of what is pointed at, with a code's picture. */
  describe(info: Info, isEmpty: boolean, look: HTMLCanvasElement | undefined): void {
    this.info.classList.toggle("lx-empty", isEmpty);
    setText(this.infoName, info.name);
    setText(this.infoText, info.text);
    if (!look) return;
    this.infoLook.width = look.width;
    this.infoLook.height = look.height;
    this.infoLook.getContext("2d")?.drawImage(look, 0, 0);
  }

  get said(): string {
    return `${this.infoName.textContent ?? ""} ${this.infoText.textContent ?? ""}`;
  }

  assemble(
    parent: HTMLElement,
    shell: Shell,
    { element, swap }: Controls,
    book: BookView,
    walk: WalkView,
  ): void {
    shell.mount(
      parent,
      element,
      swap,
      h(
        "div",
        { class: "codes-grid" },
        h(
          "div",
          { class: "code-side code-side-a" },
          this.inputs.a.element,
          small("A", this.own.element, note("As its own codes decode")),
        ),
        h(
          "section",
          { class: "code-main", "aria-label": "A as it is painted" },
          h("div", { class: "code-name" }, "A, to paint on"),
          this.canvas.element,
          this.info,
        ),
        h(
          "div",
          { class: "code-side code-side-b" },
          small("B", this.other.element, note("What the brush takes")),
          this.inputs.b.element,
        ),
        book.element,
      ),
      walk.element,
      shell.banner.element,
      shell.foot("Alt+click picks a code from the picture. Yellow: places that differ from A."),
    );
    for (const part of [this.canvas, this.own, this.other, book, walk])
      shell.scope.add(() => part.stop());
  }
}
