// Samples of the prior: pictures to load as A or B.
import { h } from "../../dom";
import type { Clicked, SamplesData, Side } from "./types";

export type Pick = (clicked: Clicked) => void;

export class Samples {
  private readonly note = h("div", { class: "code-note" });
  private readonly row = h("div", { class: "samples" });
  readonly element = h("div", { class: "stage sharp code-samples", "data-testid": "samples" });
  private clicks = Date.now();
  private shown = "";

  constructor(
    parent: HTMLElement,
    private data: SamplesData,
    private pick: Pick,
  ) {
    this.element.append(this.row, this.note);
    parent.append(this.element);
    this.show();
  }

  update(data: SamplesData, pick: Pick): void {
    this.data = data;
    this.pick = pick;
    this.show();
  }

  dispose(): void {
    this.element.remove();
  }

  private show(): void {
    const { model, made, pictures, note, shape } = this.data;
    if (this.shown === `${model} ${made}`) return;
    this.shown = `${model} ${made}`;
    this.note.textContent = note;
    this.row.style.setProperty("--lx-ratio", `${shape[2]} / ${shape[1]}`);
    this.row.replaceChildren(...pictures.map((source, i) => this.sample(source, i)));
  }

  private sample(source: string, index: number): HTMLElement {
    const picture = h("img", { class: "sample-picture", src: source, alt: `Sample ${index + 1}` });
    const button = (side: Side) => {
      const made = h(
        "button",
        { type: "button", class: `button text-button sample-${side}` },
        side.toUpperCase(),
      );
      made.setAttribute("aria-label", `Load sample ${index + 1} as ${side.toUpperCase()}`);
      made.addEventListener("click", () => this.click(index, side));
      return made;
    };
    picture.addEventListener("click", () => this.click(index, "a"));
    picture.title = "Click: load as A";
    return h(
      "div",
      { class: "sample" },
      picture,
      h("div", { class: "sample-sides" }, "Load as ", button("a"), button("b")),
    );
  }

  private click(sample: number, side: Side): void {
    const { model, made } = this.data;
    this.pick({ model, made, sample, side, click: this.clicks++ });
  }
}
