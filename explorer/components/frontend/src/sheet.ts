// Many pictures in one image, in rows, and one of them painted onto a canvas.
import type { Shape } from "./messages.gen";

/** Where a picture lies in a sheet of so many columns: left, top, width, height. */
export function place(
  index: number,
  columns: number,
  [, height, width]: Shape,
): [number, number, number, number] {
  return [(index % columns) * width, Math.floor(index / columns) * height, width, height];
}

/** A sheet that is loaded once; pictures asked for before it is here are painted when it comes. */
export class Sheet {
  private image: HTMLImageElement | null = null;
  private waiting: (() => void)[] = [];
  private readonly failures: (() => void)[] = [];

  constructor(
    private readonly source: string,
    private readonly columns: number,
    private readonly shape: Shape,
  ) {
    this.load();
  }

  /** Loads it, or tries again once that has failed. */
  load(): void {
    const image = new Image();
    image.addEventListener("load", () => {
      this.image = image;
      for (const paint of this.waiting.splice(0)) paint();
    });
    image.addEventListener("error", () => {
      for (const failed of this.failures) failed();
    });
    image.src = this.source;
  }

  /** Calls whenever the image cannot be had. */
  failed(run: () => void): void {
    this.failures.push(run);
  }

  /** Calls when the pictures are here. */
  ready(done: () => void): void {
    if (this.image) done();
    else this.waiting.push(done);
  }

  /** Paints a picture onto a canvas at its native size; nothing while the sheet is not here. */
  paint(index: number, canvas: HTMLCanvasElement): void {
    const [, height, width] = this.shape;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.copy(index, canvas, 0, 0);
  }

  /** Copies a picture to a place of a canvas. */
  copy(index: number, canvas: HTMLCanvasElement, x: number, y: number): void {
    if (!this.image) return;
    const [left, top, width, height] = place(index, this.columns, this.shape);
    canvas.getContext("2d")?.drawImage(this.image, left, top, width, height, x, y, width, height);
    canvas.classList.add("lx-painted");
  }
}
