// The walk from A to B: a step's picture with the places that changed, how many are whose, and a strip.
import { h, segmented, setText } from "../../dom";
import { PictureCanvas } from "../../pictures";
import type { Theme } from "../../theme";
import { Board } from "./board";
import type { Book } from "./book";
import { type GridShape, type Grids, ORIGINS, type Origin, origins, tally } from "./grids";
import type { FrameAnswer } from "./wire";

export interface WalkEvents {
  /** Where on the way the hand is; `done` when it lets go. */
  go(t: number, stamp: number, done: boolean): void;
  /** The step's codes are to be painted on. */
  take(): void;
}

export const STRIP = 9;

/** The next step of the strip, one way or the other, from anywhere on the walk. */
export const stepFrom = (t: number, by: -1 | 1): number => {
  const at = t * (STRIP - 1);
  const next = by > 0 ? Math.floor(at + 1e-6) + 1 : Math.ceil(at - 1e-6) - 1;
  return Math.min(1, Math.max(0, next / (STRIP - 1)));
};

const NAMES: Record<Origin, string> = {
  a: "A's",
  b: "B's",
  both: "the same in both",
  neither: "neither's",
};
const ORDER: readonly Origin[] = ["a", "both", "neither", "b"];

export class WalkView {
  readonly board = new Board("step", "The step of the walk, decoded");
  private readonly slider = h("input", {
    type: "range",
    class: "walk-range",
    min: "0",
    max: "1",
    step: "0.005",
    "aria-label": "Step of the walk from A to B",
    "data-testid": "walk",
  });
  private readonly share = h("output", { class: "walk-share" });
  private readonly words = h("div", { class: "walk-words", "data-testid": "walk-counts" });
  private readonly bar = h("div", { class: "walk-bar", "aria-hidden": "true" });
  private readonly row = h("div", { class: "strip", "data-testid": "walk-strip" });
  private readonly marks = segmented<"changed" | "off">(
    "Where codes come from",
    [
      ["changed", "Mark codes"],
      ["off", "Picture only"],
    ],
    (how) => {
      this.marked = how === "changed";
      this.show();
    },
  );
  private readonly frames: { figure: HTMLElement; picture: PictureCanvas; bar: HTMLElement }[] = [];
  readonly element: HTMLElement;
  private marked = true;
  private step: Grids | null = null;
  private tones: Record<Origin, string> = { a: "", b: "", both: "", neither: "" };
  private scene: { a: Grids; b: Grids; level: number; shape: GridShape; book: Book | null } | null =
    null;

  constructor(private readonly on: WalkEvents) {
    this.marks.set("changed");
    this.slider.addEventListener("input", (e) => this.went(e, false));
    this.slider.addEventListener("change", (e) => this.went(e, true));
    const take = h(
      "button",
      { type: "button", class: "button text-button" },
      "Paint on from this step",
    );
    take.addEventListener("click", () => on.take());
    for (let i = 0; i < STRIP; i++) this.addFrame(i);
    this.row.style.setProperty("--lx-frames", String(STRIP));
    this.element = h(
      "section",
      { class: "walk", "aria-label": "Walk from A to B" },
      h(
        "header",
        { class: "head" },
        h("h3", { class: "title" }, "Walk from A to B"),
        h("div", { class: "controls" }, this.marks.element, take),
      ),
      h(
        "div",
        { class: "walk-grid" },
        this.board.element,
        h(
          "div",
          { class: "walk-side" },
          h(
            "div",
            { class: "walk-slide" },
            h("span", { class: "walk-end walk-a" }, "A"),
            this.slider,
            h("span", { class: "walk-end walk-b" }, "B"),
            this.share,
          ),
          this.bar,
          this.words,
          this.row,
          h(
            "div",
            { class: "code-note" },
            "In each place A's and B's code vectors are mixed, and the nearest code to the mixture is taken: on the way " +
              "from A's code to B's it is often one that neither has. A is the picture as it is painted.",
          ),
        ),
      ),
    );
  }

  private addFrame(index: number): void {
    const canvas = h("canvas", { class: "frame-picture", "aria-hidden": "true" });
    const bar = h("div", { class: "walk-bar" });
    const figure = h("button", { type: "button", class: "frame walk-frame" }, canvas, bar);
    figure.setAttribute("aria-label", `Step ${index + 1} of ${STRIP}`);
    figure.addEventListener("click", (e) => {
      const t = index / (STRIP - 1);
      this.setStep(t);
      this.on.go(t, e.timeStamp, true);
    });
    this.frames.push({ figure, picture: new PictureCanvas(canvas), bar });
    this.row.append(figure);
  }

  private went(event: Event, done: boolean): void {
    const t = this.slider.valueAsNumber;
    this.say(t);
    this.on.go(t, event.timeStamp, done);
  }

  /** Puts the slider somewhere. */
  setStep(t: number): void {
    this.slider.value = String(t);
    this.say(t);
  }

  private say(t: number): void {
    setText(this.share, `${Math.round(100 * t)} %`);
    this.frames.forEach(({ figure }, i) => {
      figure.classList.toggle("lx-at", Math.abs(t - i / (STRIP - 1)) < 0.5 / (STRIP - 1));
    });
  }

  setTheme(theme: Theme): void {
    const dark = theme.tone === "dark";
    this.tones = {
      a: dark ? "#f0703a" : "#c9430d",
      b: dark ? "#4a94f5" : "#1769d0",
      both: dark ? "#6b7280" : "#aab2bf",
      neither: dark ? "#3fb882" : "#2b9a66",
    };
    this.show();
  }

  /** What the walk leads from and to, and which level is marked. */
  set(a: Grids, b: Grids, level: number, shape: GridShape, book: Book | null): void {
    this.scene = { a, b, level, shape, book };
    this.show();
  }

  /** Paints the step or the strip of an answer, where it has them. */
  paint(answer: FrameAnswer): void {
    const step = answer.pictures.indexOf("step");
    if (step >= 0 && answer.step) {
      this.board.picture.paint(answer.pixels, step, answer.shape);
      this.step = answer.step;
      this.show();
    }
    const first = answer.pictures.indexOf("S0");
    if (first < 0) return;
    answer.strip.slice(0, STRIP).forEach((grids, i) => {
      this.frames[i].picture.paint(answer.pixels, first + i, answer.shape);
      this.fill(this.frames[i].bar, grids);
    });
  }

  /** The codes of the step that is shown. */
  get codes(): Grids | null {
    return this.step;
  }

  private show(): void {
    const { scene, step } = this;
    if (!scene || !step || step.length !== scene.a.length) return;
    const { a, b, level, shape, book } = scene;
    const own = origins(step, a, b, level);
    this.board.show({
      shape,
      codes: step[level],
      overlay: this.marked ? "lines" : "off",
      book,
      tints: this.marked
        ? Array.from(own, (origin) =>
            origin === 0 || origin === 1 ? null : this.tones[ORIGINS[origin]],
          )
        : undefined,
      changed: undefined,
    });
    const counts = this.fill(this.bar, step);
    const total = ORIGINS.reduce((sum, origin) => sum + counts[origin], 0);
    setText(
      this.words,
      `${ORDER.map((origin) => `${counts[origin]} ${NAMES[origin]}`).join(" · ")} of ${total} places; ` +
        `${counts.b + counts.neither} changed since A`,
    );
  }

  private fill(bar: HTMLElement, grids: Grids): Record<Origin, number> {
    const { scene } = this;
    const counts = scene ? tally(grids, scene.a, scene.b) : { a: 0, b: 0, both: 0, neither: 0 };
    bar.replaceChildren(
      ...ORDER.map((origin) => {
        const part = h("span", { class: "walk-part", title: `${counts[origin]} ${NAMES[origin]}` });
        part.style.flexGrow = String(counts[origin]);
        part.style.background = this.tones[origin];
        return part;
      }),
    );
    return counts;
  }

  stop(): void {
    this.board.stop();
  }
}
