// The row above the grid: undo, what is painted, with what and how, and the swap of levels.
import type { Direction } from "../../core/steps";
import { type Choice, h, iconButton, segmented } from "../../dom";
import { roving } from "../../ui/roving";
import type { Overlay } from "./board";
import { BRUSHES, type Brush, type Grids, swapped } from "./grids";
import type { Ink } from "./painter";
import type { LevelInfo } from "./types";

export interface ControlsEvents {
  travel(direction: Direction): void;
  reset(): void;
  level(level: number): void;
  overlay(overlay: Overlay): void;
  brush(brush: Brush): void;
  ink(ink: Ink): void;
  save(): void;
  set(codes: Grids): void;
  /** The codes of A and of B. */
  inks(): Record<"a" | "b", Grids>;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const named = (name: string, ...parts: HTMLElement[]): HTMLElement =>
  h("div", { class: "code-field" }, h("span", { class: "field-name" }, name), ...parts);

export class Controls {
  readonly element: HTMLElement;
  readonly swap = h("div", { class: "code-swap", "data-testid": "swap" });
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly reset: HTMLButtonElement;
  private readonly levelBox = h("div", { class: "code-field" });
  private readonly inkBox = h("div", {});
  private levels: Choice<string> | null = null;
  private readonly brushes: Choice<string>;

  constructor(private readonly on: ControlsEvents) {
    this.undo = iconButton("undo", "Undo (Ctrl+Z)", () => on.travel("undo"));
    this.redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () => on.travel("redo"));
    this.reset = iconButton("reset", "Reset: A's own codes again", () => on.reset());
    const overlays = segmented<Overlay>(
      "Grid over the picture",
      [
        ["off", "Off"],
        ["lines", "Lines"],
        ["codes", "Codes"],
      ],
      (overlay) => on.overlay(overlay),
    );
    overlays.set("lines");
    this.brushes = segmented<string>(
      "Brush",
      BRUSHES.map((size) => [String(size), `${size}×${size}`]),
      (size) => on.brush(Number(size) as Brush),
    );
    this.brushes.set("1");
    const save = h("button", { type: "button", class: "button text-button" }, "Download PNG");
    save.addEventListener("click", () => on.save());
    const actions = h(
      "div",
      { class: "actions", role: "toolbar", "aria-label": "Paint" },
      this.undo,
      this.redo,
      this.reset,
    );
    roving(actions, "button");
    this.element = h(
      "div",
      { class: "toolbar" },
      actions,
      h(
        "div",
        { class: "controls" },
        this.levelBox,
        named("Grid", overlays.element),
        named("Brush", this.brushes.element),
        named("Paint with", this.inkBox),
        save,
      ),
    );
  }

  allow(undo: boolean, redo: boolean): void {
    this.undo.disabled = !undo;
    this.redo.disabled = !redo;
  }

  /** Whether A has its own codes. */
  showOwn(own: boolean): void {
    this.reset.disabled = own;
  }

  showLevel(level: number): void {
    this.levels?.set(String(level));
  }

  showBrush(brush: Brush): void {
    this.brushes.set(String(brush));
  }

  /** Offers a model's levels to paint on, and to swap. */
  setLevels(levels: readonly LevelInfo[], level: number): void {
    this.levelBox.hidden = levels.length < 2;
    this.levels = segmented<string>(
      "Level that is painted",
      levels.map(({ name, rows, columns }, i) => [
        String(i),
        `${capital(name)} ${rows}×${columns}`,
      ]),
      (value) => this.on.level(Number(value)),
    );
    this.levels.set(String(level));
    this.levelBox.replaceChildren(h("span", { class: "field-name" }, "Level"), this.levels.element);
    this.setSwap(levels);
  }

  /** Buttons that put a level of one image and the other level of the other together; none for a single level. */
  private setSwap(levels: readonly LevelInfo[]): void {
    if (levels.length !== 2) {
      const why =
        levels.length === 1
          ? "One level of codes: there is no coarse one to keep and no fine one to swap."
          : "Levels are swapped where there are two.";
      this.swap.replaceChildren(h("span", { class: "code-note" }, why));
      return;
    }
    const [coarse, fine] = levels.map(({ name }) => name);
    const button = (text: string, level: number) => {
      const made = h("button", { type: "button", class: "button text-button" }, text);
      made.addEventListener("click", () => {
        const { a, b } = this.on.inks();
        this.on.set(swapped(a, b, level));
      });
      return made;
    };
    this.swap.replaceChildren(
      h("span", { class: "field-name" }, "Swap"),
      button(`A's ${coarse}, B's ${fine}`, 1),
      button(`B's ${coarse}, A's ${fine}`, 0),
    );
  }

  /** Offers what is painted with; a picked code is one of them. */
  setInk(ink: Ink, picked: number | null): void {
    const options: [Ink, string][] = [
      ["b", "B's codes"],
      ["a", "A's own"],
    ];
    if (picked !== null) options.push(["code", `Code ${picked}`]);
    const choice = segmented<Ink>("Paint with", options, (chosen) => this.on.ink(chosen));
    choice.set(ink);
    this.inkBox.replaceChildren(choice.element);
  }
}
