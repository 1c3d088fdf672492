// What is drawn from a belief or a jump: the true frame, what all draws say of each pixel, and some of them.
import { h, setText } from "../../dom";
import { heat } from "./heat";
import { PicturesRow } from "./pictures-row";
import type { FrameAnswer } from "./wire";

const SUMMARY = ["true", "average", "spread"] as const;

export class Draws {
  private readonly title = h("h3", { class: "title" });
  private readonly note = h("p", { class: "time-note" });
  private readonly summary: PicturesRow;
  private readonly draws: PicturesRow;
  private readonly truth: HTMLElement;
  readonly element: HTMLElement;

  /**
   * Arguments:
   *   kind: the group of pictures, "belief" or "jump".
   *   symbol: what is drawn.
   *   control: beside the title.
   */
  constructor(
    private readonly kind: "belief" | "jump",
    symbol: string,
    control: HTMLElement | null = null,
  ) {
    const names = {
      true: kind === "belief" ? "seen now" : "true frame",
      average: "average draw",
      spread: "spread σ",
    };
    this.summary = new PicturesRow(
      `${kind}-summary`,
      (i) => names[SUMMARY[i]],
      (i) => names[SUMMARY[i]],
    );
    this.summary.resize(SUMMARY.length);
    this.truth = this.summary.cells[0];
    this.draws = new PicturesRow(`${kind}-draws`, (i) => `Draw ${i + 1}`);
    this.element = h(
      "section",
      { class: `time-draws time-${kind}`, "aria-label": kind === "belief" ? "Belief" : "Jump" },
      h(
        "header",
        { class: "head" },
        h("div", { class: "time-title" }, this.title, h("span", { class: "symbol" }, symbol)),
        control,
      ),
      h("div", { class: "draws-body" }, this.summary.element, this.draws.element),
      this.note,
    );
  }

  say(title: string, note: string): void {
    setText(this.title, title);
    setText(this.note, note);
  }

  /**
   * Paints what an answer has of this group.
   *
   * Arguments:
   *   answer: the newest answer.
   *   film: the sequence's frames; null before they have come.
   *   frame: number of the true frame.
   */
  paint(answer: FrameAnswer, film: Film | null, frame: number): void {
    const { pixels, groups, shape } = answer;
    const draws = groups[this.kind];
    if (!draws) return;
    this.draws.paint(pixels, draws, shape);
    const mean = groups[`${this.kind}-mean`];
    if (mean) this.summary.paintOne(1, pixels, mean.first, shape);
    const spread = groups[`${this.kind}-spread`];
    if (spread) {
      const coloured = heat(pixels, spread, shape);
      this.summary.paintOne(2, coloured.pixels, 0, coloured.shape);
    }
    const known = film !== null && frame <= film.count;
    if (known) this.summary.paintOne(0, film.pixels, frame - 1, film.shape);
    this.truth.classList.toggle("lx-unknown", !known);
    if (this.kind === "jump") this.truth.classList.add("lx-to-come");
  }
}

/** The frames of a sequence. */
export interface Film {
  pixels: Uint8Array;
  count: number;
  shape: FrameAnswer["shape"];
}
