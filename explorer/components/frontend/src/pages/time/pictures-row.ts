// A row of pictures of one answer: draws, or frames; one canvas each.
import { h } from "../../dom";
import type { Shape } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { Span } from "./wire";

export class PicturesRow {
  readonly element: HTMLElement;
  readonly cells: HTMLElement[] = [];
  private readonly pictures: PictureCanvas[] = [];

  constructor(
    kind: string,
    private readonly label: (index: number) => string,
    private readonly note: (index: number) => string | null = () => null,
  ) {
    this.element = h("div", { class: `row row-${kind}`, "data-testid": `row-${kind}` });
  }

  get count(): number {
    return this.pictures.length;
  }

  resize(count: number): void {
    while (this.pictures.length > count) {
      this.pictures.pop();
      this.cells.pop()?.remove();
    }
    while (this.pictures.length < count) {
      const index = this.pictures.length;
      const canvas = h("canvas", {
        class: "frame-picture",
        role: "img",
        "aria-label": this.label(index),
      });
      const note = this.note(index);
      const cell = h(
        "div",
        { class: "cell" },
        h("div", { class: "cell-picture" }, canvas),
        note === null ? null : h("span", { class: "cell-note" }, note),
      );
      this.pictures.push(new PictureCanvas(canvas));
      this.cells.push(cell);
      this.element.append(cell);
    }
  }

  paint(pixels: Uint8Array, span: Span | undefined, shape: Shape): void {
    if (!span) return;
    this.resize(span.count);
    for (let i = 0; i < span.count; i++) this.pictures[i]?.paint(pixels, span.first + i, shape);
  }

  /** Paints one cell from a picture of another answer. */
  paintOne(index: number, pixels: Uint8Array, place: number, shape: Shape): void {
    this.pictures[index]?.paint(pixels, place, shape);
  }
}
