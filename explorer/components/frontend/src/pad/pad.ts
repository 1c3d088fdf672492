// The drawing pad: a canvas, a brush with colours, undo; the button Add submits the drawing.

import { directionOf } from "../core/shortcuts";
import { field, h, iconButton, segmented } from "../dom";
import { draggable } from "../drag";
import { onPicture, Strokes } from "./strokes";

export interface PadData {
  width: number;
  height: number;
  colour: boolean;
}

/** Each pixel of the picture is drawn with so many, and told so: the server makes it small as it does any upload. */
const FINE = 8;
const COLOURS = [
  "#2b2b2b",
  "#ffffff",
  "#c58c6b",
  "#e7bfa0",
  "#7a4a2b",
  "#c0392b",
  "#2e6fb7",
  "#3a8f4d",
];

export class Pad {
  readonly element = h("div", { class: "stage pad", "data-testid": "pad" });
  private readonly canvas = h("canvas", {
    class: "pad-canvas",
    "aria-label": "Draw here with the mouse, a pen or a finger",
    role: "img",
    tabindex: "0",
  });
  private readonly strokes = new Strokes();
  private readonly undo = iconButton("undo", "Undo (Ctrl+Z)", () =>
    this.change(() => this.strokes.undo()),
  );
  private readonly redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () =>
    this.change(() => this.strokes.redo()),
  );
  private readonly add = h("button", { type: "button", class: "button" }, "Add");
  private readonly tools = h("div", { class: "pad-tools" });
  private readonly stop: () => void;
  private width = 0;
  private colour = "#ffffff";

  constructor(
    parent: HTMLElement,
    private data: PadData,
    private publish: (drawing: string) => void,
  ) {
    this.add.addEventListener("click", () => this.publish(this.canvas.toDataURL("image/png")));
    this.element.append(this.canvas, this.tools);
    this.stop = draggable(this.canvas, (event) => this.begin(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.prepare();
    parent.append(this.element);
  }

  update(data: PadData, publish: (drawing: string) => void): void {
    this.publish = publish;
    const same =
      data.width === this.data.width &&
      data.height === this.data.height &&
      data.colour === this.data.colour;
    this.data = data;
    if (!same) {
      this.strokes.clear();
      this.prepare();
    }
  }

  dispose(): void {
    this.stop();
    this.element.remove();
  }

  private prepare(): void {
    const { width, height, colour } = this.data;
    this.canvas.width = FINE * width;
    this.canvas.height = FINE * height;
    this.colour = colour ? COLOURS[0] : "#ffffff";
    const widths = [0.04, 0.08, 0.16].map((share) => share * width);
    this.width = widths[1];
    const brush = segmented<"0" | "1" | "2">(
      "Brush",
      [
        ["0", "Fine"],
        ["1", "Usual"],
        ["2", "Broad"],
      ],
      (size) => {
        this.width = widths[Number(size)];
      },
    );
    brush.set("1");
    const clear = iconButton("close", "Clear", () => this.change(() => this.strokes.clear()));
    this.tools.replaceChildren(
      field("Brush", brush.element),
      ...(colour ? [this.swatches()] : []),
      h("div", { class: "actions" }, this.undo, this.redo, clear),
      this.add,
    );
    this.draw();
  }

  private swatches(): HTMLElement {
    const box = h("div", { class: "pad-colours", role: "group", "aria-label": "Colour" });
    for (const colour of COLOURS) {
      const button = h("button", { type: "button", class: "pad-colour", "aria-label": colour });
      button.style.background = colour;
      button.addEventListener("click", () => {
        this.colour = colour;
        for (const each of box.children) each.setAttribute("aria-pressed", String(each === button));
      });
      button.setAttribute("aria-pressed", String(colour === this.colour));
      box.append(button);
    }
    return box;
  }

  private begin(event: PointerEvent) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    const at = (e: PointerEvent) =>
      onPicture(e, this.canvas.getBoundingClientRect(), this.data.width, this.data.height);
    this.strokes.begin(this.colour, this.width, at(event));
    this.draw();
    return {
      move: (e: PointerEvent) => this.change(() => this.strokes.go(at(e))),
      up: () => this.draw(),
      cancel: () => this.change(() => this.strokes.undo()),
    };
  }

  private key(event: KeyboardEvent): void {
    const direction = directionOf(event);
    if (!direction) return;
    event.preventDefault();
    this.change(() => this.strokes[direction]());
  }

  private change(step: () => void): void {
    step();
    this.draw();
  }

  private draw(): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.data.colour ? "#ffffff" : "#000000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(FINE, 0, 0, FINE, 0, 0);
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const { colour, width, points } of this.strokes.all) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(points[0][0], points[0][1]);
      for (const [x, y] of points.length > 1 ? points : [points[0]]) context.lineTo(x, y);
      context.stroke();
    }
    this.undo.disabled = !this.strokes.canUndo;
    this.redo.disabled = !this.strokes.canRedo;
    this.add.disabled = !this.strokes.canUndo;
  }
}
