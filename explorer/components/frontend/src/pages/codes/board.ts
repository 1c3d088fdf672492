// A picture with its grid of codes laid over: lines, codes, marks; and which cell a place of the screen is.
import { h } from "../../dom";
import type { Shape } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { Book } from "./book";
import type { GridShape } from "./grids";

export type Overlay = "off" | "lines" | "codes";

/** What lies over a picture. */
export interface Layer {
  shape: GridShape;
  codes: Uint16Array;
  overlay: Overlay;
  book: Book | null;
  /** A colour for each place, where they are told apart. */
  tints?: readonly (string | null)[] | undefined;
  /** Places that were changed. */
  changed?: ReadonlySet<number> | undefined;
  /** The code whose places are marked. */
  code?: number | null | undefined;
  /** Places under the brush or the pointer. */
  under?: readonly number[] | undefined;
}

const NUMBER_PX = 22;
const FONT = 'system-ui, "Segoe UI", sans-serif';

export class Board {
  readonly picture: PictureCanvas;
  private readonly marks = h("canvas", { class: "board-marks", "aria-hidden": "true" });
  private readonly heat = h("canvas", { class: "board-heat-canvas", "aria-hidden": "true" });
  readonly element: HTMLElement;
  private layer: Layer | null = null;
  private frame = 0;
  private readonly resized = new ResizeObserver(() => this.draw());

  constructor(name: string, label: string) {
    this.picture = new PictureCanvas(
      h("canvas", {
        class: "picture",
        "data-testid": `picture-${name}`,
        role: "img",
        "aria-label": label,
      }),
    );
    this.element = h(
      "div",
      { class: "picture-frame code-board", "data-testid": `board-${name}` },
      this.picture.canvas,
      this.heat,
      this.marks,
    );
    this.resized.observe(this.element);
  }

  stop(): void {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** What lies over the picture from now on; drawn with the display's next frame. */
  show(layer: Layer): void {
    this.layer = layer;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  /** How much each pixel depends on something, as a glow over the picture; null takes it away. */
  glow(bytes: Uint8Array | null, index: number, shape: Shape): void {
    this.heat.hidden = bytes === null;
    if (!bytes) return;
    const [channels, height, width] = shape;
    this.heat.width = width;
    this.heat.height = height;
    const image = new ImageData(width, height);
    const first = index * channels * height * width;
    for (let i = 0; i < width * height; i++)
      image.data.set([255, 190, 40, 0.72 * bytes[first + i * channels]], 4 * i);
    this.heat.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** A place of the screen in cells from the grid's top left; may lie outside. */
  cellsAt(x: number, y: number): readonly [number, number] {
    const box = this.element.getBoundingClientRect();
    const { rows, columns } = this.layer?.shape ?? { rows: 1, columns: 1 };
    return [((x - box.left) / box.width) * columns, ((y - box.top) / box.height) * rows];
  }

  /** The place (row by row) at a place of the screen; -1 outside. */
  placeAt(x: number, y: number): number {
    const [column, row] = this.cellsAt(x, y).map(Math.floor);
    const { rows, columns } = this.layer?.shape ?? { rows: 0, columns: 0 };
    return row < 0 || column < 0 || row >= rows || column >= columns ? -1 : row * columns + column;
  }

  private draw(): void {
    const { layer, marks } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.element.clientWidth * ratio);
    const height = Math.round(this.element.clientHeight * ratio);
    if (marks.width !== width || marks.height !== height) {
      marks.width = width;
      marks.height = height;
    }
    const context = marks.getContext("2d");
    if (!context || !layer) return;
    context.clearRect(0, 0, width, height);
    new Drawing(context, layer, width, height, ratio).all();
  }
}

/** One drawing of a layer. */
class Drawing {
  constructor(
    private readonly on: CanvasRenderingContext2D,
    private readonly layer: Layer,
    private readonly width: number,
    private readonly height: number,
    private readonly ratio: number,
  ) {}

  all(): void {
    const { layer, on } = this;
    const { overlay, book, codes, tints } = layer;
    const named = overlay === "codes" && book;
    codes.forEach((code, place) => {
      const tint = tints?.[place] ?? (named ? book.colours[code] : null);
      if (!tint) return;
      on.globalAlpha = tints ? 0.3 : 0.45;
      on.fillStyle = tint;
      on.fillRect(...this.cell(place));
    });
    on.globalAlpha = 1;
    if (overlay !== "off") this.lines();
    if (named && this.width / layer.shape.columns >= NUMBER_PX * this.ratio) this.numbers();
    for (const place of layer.changed ?? []) this.frame(place, "#ffd43b", 2, 1.5);
    const { code } = layer;
    if (code != null)
      codes.forEach((own, place) => {
        if (own === code) this.frame(place, "#2fd3ff", 3, 1);
      });
    for (const place of layer.under ?? []) this.frame(place, "#ffffff", 2, 0, true);
  }

  private cell(place: number): [number, number, number, number] {
    const { rows, columns } = this.layer.shape;
    const x = Math.round(((place % columns) * this.width) / columns);
    const y = Math.round((Math.floor(place / columns) * this.height) / rows);
    const right = Math.round((((place % columns) + 1) * this.width) / columns);
    const bottom = Math.round(((Math.floor(place / columns) + 1) * this.height) / rows);
    return [x, y, right - x, bottom - y];
  }

  private lines(): void {
    const { rows, columns } = this.layer.shape;
    const { on } = this;
    on.beginPath();
    for (let i = 1; i < columns; i++) {
      const x = Math.round((i * this.width) / columns) + 0.5;
      on.moveTo(x, 0);
      on.lineTo(x, this.height);
    }
    for (let i = 1; i < rows; i++) {
      const y = Math.round((i * this.height) / rows) + 0.5;
      on.moveTo(0, y);
      on.lineTo(this.width, y);
    }
    on.lineWidth = 1;
    on.strokeStyle = "rgb(140 150 170 / 0.55)";
    on.stroke();
  }

  private numbers(): void {
    const { on, layer } = this;
    const size = Math.min(13 * this.ratio, (0.36 * this.width) / layer.shape.columns);
    on.font = `600 ${size}px ${FONT}`;
    on.textAlign = "center";
    on.textBaseline = "middle";
    on.lineWidth = 0.22 * size;
    on.strokeStyle = "rgb(0 0 0 / 0.7)";
    on.fillStyle = "#ffffff";
    layer.codes.forEach((code, place) => {
      const [x, y, w, t] = this.cell(place);
      on.strokeText(String(code), x + w / 2, y + t / 2);
      on.fillText(String(code), x + w / 2, y + t / 2);
    });
  }

  private frame(place: number, colour: string, line: number, inset: number, dark = false): void {
    const { on, ratio } = this;
    const [x, y, w, t] = this.cell(place);
    const width = line * ratio;
    const gap = inset * ratio + width / 2;
    if (dark) {
      on.lineWidth = width + 2 * ratio;
      on.strokeStyle = "rgb(0 0 0 / 0.55)";
      on.strokeRect(x + gap, y + gap, w - 2 * gap, t - 2 * gap);
    }
    on.lineWidth = width;
    on.strokeStyle = colour;
    on.strokeRect(x + gap, y + gap, w - 2 * gap, t - 2 * gap);
  }
}
