// What the anatomy consists of besides its map, and where it stands.

import type { Shell } from "../../core/shell";
import type { Direction } from "../../core/steps";
import { h, iconButton, setText } from "../../dom";
import { Gauge } from "../../gauge";
import { type Item, itemName, labelLine } from "../../items";
import type { OriginalsState, PictureSource } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import { roving } from "../../ui/roving";
import type { CodeMap } from "./code-map";
import { Figures } from "./figures";
import { ResidualView } from "./residual-view";
import type { AnatomyData } from "./types";

export interface ViewEvents {
  travel(direction: Direction): void;
  toMean(): void;
  newDraw(): void;
  look(): void;
}

/** A picture with a name above it. */
function pane(
  name: string,
  symbol: string | HTMLElement,
  canvas: HTMLElement,
  ...below: HTMLElement[]
): HTMLElement {
  return h(
    "section",
    { class: `anatomy-pane anatomy-${name.toLowerCase()}`, "aria-label": name },
    h(
      "div",
      { class: "anatomy-name" },
      h("span", {}, name),
      h("span", { class: "symbol" }, symbol),
    ),
    h("div", { class: "picture-frame" }, canvas),
    ...below,
  );
}

function picture(name: string, label: string): PictureCanvas {
  return new PictureCanvas(
    h("canvas", {
      class: "picture",
      "data-testid": `picture-${name}`,
      role: "img",
      "aria-label": label,
    }),
  );
}

function button(name: string, explanation: string, click: () => void): HTMLButtonElement {
  const made = h(
    "button",
    { type: "button", class: "button text-button", title: explanation },
    name,
  );
  made.addEventListener("click", click);
  return made;
}

export class AnatomyView {
  readonly input = picture("input", "Input");
  readonly output = picture("output", "Reconstruction");
  readonly residual = new ResidualView();
  readonly gauge = new Gauge("the code");
  readonly figures = new Figures();
  readonly noise = h("span", { class: "noise", "data-testid": "noise" });
  private readonly inputName = h("div", { class: "anatomy-fact" });
  private readonly inputLabels = h("div", { class: "anatomy-note" });
  private readonly inputNote = h("div", { class: "anatomy-note" });
  private readonly outputSymbol = h("span", {});
  private readonly mean: HTMLButtonElement;
  private readonly draw: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly actions: HTMLElement;

  constructor(on: ViewEvents) {
    this.mean = button("Mean", "eps = 0: the middle of the posterior", on.toMean);
    this.draw = button("New draw", "eps from N(0, I), a new seed each time", on.newDraw);
    this.undo = iconButton("undo", "Undo (Ctrl+Z)", () => on.travel("undo"));
    this.redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () => on.travel("redo"));
    const look = iconButton("reset", "Show where the code is", on.look);
    this.actions = h(
      "div",
      { class: "anatomy-actions", role: "toolbar", "aria-label": "Code" },
      this.undo,
      this.redo,
      this.mean,
      this.draw,
      look,
    );
    roving(this.actions, "button");
    this.allow(false, false);
  }

  allow(undo: boolean, redo: boolean): void {
    this.undo.disabled = !undo;
    this.redo.disabled = !redo;
  }

  /** Whether the code is where the encoder puts it. */
  showMean(atMean: boolean): void {
    this.mean.disabled = atMean;
  }

  showModel(root: HTMLElement, { probabilistic, likelihood }: AnatomyData): void {
    root.classList.toggle("lx-deterministic", !probabilistic);
    this.figures.setLikelihood(likelihood);
    this.draw.hidden = !probabilistic;
    setText(this.outputSymbol, probabilistic ? "x̂ = E[x|z]" : "x̂ = g(z)");
    setText(this.mean, probabilistic ? "Mean" : "Its own code");
    this.mean.title = probabilistic
      ? "ε = 0: the middle of the posterior"
      : "Back to the code of the image";
  }

  /** Says what the input is; `source` is where its picture is from. */
  showLabels(item: Item | undefined, source: PictureSource | undefined): void {
    setText(this.inputName, item ? `${itemName(item)} · ${source}` : "");
    setText(this.inputLabels, item ? labelLine(item.labels, 6) : "");
    this.inputLabels.title = item ? labelLine(item.labels) : "";
  }

  /** Says why the reconstruction stands in for the input, where it does. */
  showSource(source: PictureSource | undefined, originals: OriginalsState): void {
    const why =
      originals === "absent"
        ? "Its data set is not on this machine: its reconstruction stands in."
        : "The original is being fetched; its reconstruction stands in.";
    setText(this.inputNote, source === "reconstruction" ? why : "");
  }

  assemble(parent: HTMLElement, shell: Shell, { map }: CodeMap): void {
    shell.mount(
      parent,
      h(
        "div",
        { class: "anatomy-grid" },
        pane("Input", "x", this.input.canvas, this.inputName, this.inputLabels, this.inputNote),
        h(
          "section",
          { class: "anatomy-code", "aria-label": "Code" },
          h("div", { class: "anatomy-bar" }, this.actions, this.noise),
          h("div", { class: "map-card" }, map.element, shell.banner.element),
        ),
        pane("Reconstruction", this.outputSymbol, this.output.canvas, this.gauge.element),
        pane("Residual", "x − x̂", this.residual.canvas, this.residual.legend),
        this.figures.element,
      ),
      shell.foot("Drag z; arrow keys move it. Click a point to take its image."),
    );
  }
}
