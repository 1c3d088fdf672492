// The row of actions above the map: undo, redo, swap, reset; how pictures and residuals behave.
import type { Choice } from "../../dom";
import { field, h, iconButton, segmented } from "../../dom";
import { remember, remembered } from "../../remembered";
import type { LevelInfo, Residual } from "../../types";
import { roving } from "../../ui/roving";

export interface ToolbarEvents {
  undo(): void;
  redo(): void;
  swap(): void;
  reset(): void;
  residual(residual: Residual): void;
  level(level: number): void;
  smooth(smooth: boolean): void;
}

export class Toolbar {
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly residual: Choice<Residual>;
  private readonly level = h("select", { class: "select", "aria-label": "Levels that move" });
  private readonly levelField = field(
    "Levels",
    this.level,
    "The latent consists of several grids, its levels. Move them together, or one alone: a drag, a " +
      "slider and the path then change that level only, and the others stay as in A's and B's images.",
  );
  readonly element: HTMLElement;
  readonly smooth = remembered("smooth", ["yes", "no"], "yes") === "yes";

  constructor(on: ToolbarEvents) {
    this.undo = iconButton("undo", "Undo (Ctrl+Z)", on.undo);
    this.redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", on.redo);
    const swap = iconButton("swap", "Swap A and B", on.swap);
    const reset = iconButton(
      "reset",
      "Reset: handles back on their items, attributes to 0",
      on.reset,
    );
    this.residual = segmented<Residual>(
      "Other dimensions",
      [
        ["hold", "Keep"],
        ["fade", "Fade out"],
      ],
      on.residual,
    );
    const pixels = segmented<"smooth" | "sharp">(
      "Pixels",
      [
        ["smooth", "Smooth"],
        ["sharp", "Sharp"],
      ],
      (value) => {
        remember("smooth", value === "smooth" ? "yes" : "no");
        on.smooth(value === "smooth");
      },
    );
    pixels.set(this.smooth ? "smooth" : "sharp");
    const actions = h(
      "div",
      { class: "actions", role: "toolbar", "aria-label": "Edit" },
      this.undo,
      this.redo,
      swap,
      reset,
    );
    roving(actions, "button");
    this.element = h(
      "div",
      { class: "toolbar" },
      actions,
      h(
        "div",
        { class: "controls" },
        this.levelField,
        field(
          "Other dimensions",
          this.residual.element,
          "A place on the map fixes only part of a latent. Keep: the rest stays as in the image " +
            "the handle was taken from, wherever you drag it. Fade out: the further you drag, the " +
            "more the rest gives way to what is typical of the place.",
        ),
        field("Pixels", pixels.element),
      ),
    );
    this.level.addEventListener("change", () => on.level(Number(this.level.value)));
    this.setLevels([]);
    this.allow(false, false);
  }

  /** Offers the levels of a model; without any the choice is hidden. */
  setLevels(levels: readonly LevelInfo[]): void {
    this.levelField.hidden = levels.length === 0;
    this.level.replaceChildren(
      h("option", { value: "0" }, "All together"),
      ...levels.map(({ name, grid }, i) =>
        h("option", { value: String(i + 1) }, `${name}, ${grid}`),
      ),
    );
  }

  allow(undo: boolean, redo: boolean): void {
    this.undo.disabled = !undo;
    this.redo.disabled = !redo;
  }

  show(residual: Residual, level: number): void {
    this.residual.set(residual);
    this.level.value = String(level);
  }
}
