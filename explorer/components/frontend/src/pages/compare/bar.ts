// The line above the maps: the picture that all models see, how the pointer works, what is selected.

import type { Choice } from "../../dom";
import { field, h, iconButton, segmented, setText } from "../../dom";
import type { Tool } from "../../map/brush";
import { PictureCanvas } from "../../pictures";
import { roving } from "../../ui/roving";
import type { FrameAnswer } from "./wire";

export interface BarEvents {
  tool(tool: Tool): void;
  step(by: number): void;
  back(): void;
  undo(): void;
  redo(): void;
  clear(): void;
}

export class Bar {
  readonly element: HTMLElement;
  private readonly source: PictureCanvas;
  private readonly title = h("span", { class: "source-title" }, "–");
  private readonly note = h("span", { class: "source-note" });
  private readonly back: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly tool: Choice<Tool>;
  private readonly selected = h("output", { class: "selected", "data-testid": "selected-count" });
  private readonly clear: HTMLButtonElement;

  constructor(on: BarEvents) {
    const canvas = h("canvas", {
      class: "picture",
      "data-testid": "picture-source",
      role: "img",
      "aria-label": "The picture that the models see",
    });
    this.source = new PictureCanvas(canvas);
    this.back = iconButton("reset", "Back to the item", on.back);
    this.undo = iconButton("undo", "Undo (Ctrl+Z)", on.undo);
    this.redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", on.redo);
    this.clear = iconButton("close", "Clear the selection (Escape)", on.clear);
    this.tool = segmented<Tool>(
      "Pointer",
      [
        ["move", "Move"],
        ["rectangle", "Rectangle"],
        ["lasso", "Lasso"],
      ],
      on.tool,
    );
    this.use("move");
    const actions = h(
      "div",
      { class: "actions", role: "toolbar", "aria-label": "Item" },
      iconButton("previous", "Previous item", () => on.step(-1)),
      iconButton("next", "Next item", () => on.step(1)),
      this.back,
      this.undo,
      this.redo,
    );
    roving(actions, "button");
    this.element = h(
      "div",
      { class: "bar" },
      h("div", { class: "source-frame" }, canvas),
      h("div", { class: "source-text" }, this.title, this.note),
      actions,
      h("div", { class: "selection" }, this.selected, this.clear),
      field(
        "Pointer",
        this.tool.element,
        "Move pans the maps. With Rectangle or Lasso, draw around points on one map to see the same " +
          "images on all of them. The legend picks images by what they show.",
      ),
    );
    this.select("");
  }

  /** Shows what the pointer does. */
  use(tool: Tool): void {
    this.tool.set(tool);
  }

  allow(back: boolean, undo: boolean, redo: boolean): void {
    this.back.disabled = !back;
    this.undo.disabled = !undo;
    this.redo.disabled = !redo;
  }

  /** Shows the picture that the models see; none where the item's original is not here. */
  show({ original, by, pixels, shape }: FrameAnswer): void {
    const seen = original || by !== null;
    this.source.canvas.parentElement?.classList.toggle("lx-absent", !seen);
    if (seen) this.source.paint(pixels, original ? 0 : (by ?? 0), shape);
  }

  describe(title: string, note: string): void {
    setText(this.title, title);
    setText(this.note, note);
    this.note.title = note;
  }

  /** Says what is selected; an empty text for nothing. */
  select(text: string, title = ""): void {
    setText(this.selected, text);
    this.selected.title = title;
    this.clear.hidden = text === "";
  }
}
