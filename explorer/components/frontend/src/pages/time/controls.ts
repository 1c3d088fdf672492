// The numbers of the Time page: the jump, and the futures that are imagined.
import { field, h } from "../../dom";
import { MAX_SAMPLES, MAX_SEED, MAX_STEPS } from "../../messages.gen";
import { within } from "./model";
import type { Edit, TimeData } from "./types";

export interface ControlsEvents {
  edit(): Edit;
  /** A number is being changed. */
  set(change: Partial<Edit>, stamp: number): void;
  /** The hand has taken the jump's slider. */
  held(): void;
  /** It has let go, or has chosen. */
  done(): void;
  newDraw(stamp: number): void;
}

type Numbers = "samples" | "by" | "steps";

const select = (name: string, label: string): HTMLSelectElement =>
  h("select", { class: "select", "aria-label": label, "data-testid": name });

/** Fills a select with numbers, once. */
function fill(
  list: HTMLSelectElement,
  most: number,
  name: (value: number) => string = String,
): void {
  if (list.options.length === most) return;
  const values = Array.from({ length: most }, (_, i) => i + 1);
  list.replaceChildren(
    ...values.map((value) => h("option", { value: String(value) }, name(value))),
  );
}

export class Controls {
  private readonly slider = h("input", {
    type: "range",
    class: "time-range",
    min: "1",
    step: "1",
    "aria-label": "Frames ahead",
    "data-testid": "jump",
  });
  private readonly selects: Record<Numbers, HTMLSelectElement> = {
    samples: select("samples", "Draws that are shown"),
    by: select("by", "Frames of each jump of a future"),
    steps: select("steps", "Jumps of a future"),
  };
  private readonly seed = h("input", {
    type: "number",
    class: "select seed",
    min: "0",
    max: String(MAX_SEED),
    step: "1",
    "aria-label": "Seed",
  });
  /** Of the jump. */
  readonly jump: HTMLElement;
  /** Of the futures. */
  readonly futures: HTMLElement;

  constructor(on: ControlsEvents) {
    this.listen(on);
    const explanation = "Frames ahead, in one jump, up to the longest that was trained";
    this.jump = field("Jump d", this.slider, explanation);
    const { samples, by, steps } = this.selects;
    this.futures = h(
      "div",
      { class: "controls" },
      field("Samples", samples),
      field("in jumps of", by),
      field("Steps", steps),
      field("Seed", this.seed, "Decides all random numbers on this page: draws, jumps and futures"),
      newDraw(on),
    );
  }

  private listen(on: ControlsEvents): void {
    this.slider.addEventListener("input", (event) => {
      on.held();
      on.set({ jump: this.slider.valueAsNumber }, event.timeStamp);
    });
    this.slider.addEventListener("change", () => on.done());
    for (const [name, list] of Object.entries(this.selects))
      list.addEventListener("change", (event) => {
        on.set({ [name]: Number(list.value) }, event.timeStamp);
        on.done();
      });
    this.seed.addEventListener("change", (event) => {
      const typed = this.seed.valueAsNumber;
      const seed = Number.isFinite(typed) ? within(typed, 0, MAX_SEED) : on.edit().seed;
      on.set({ seed }, event.timeStamp);
      on.done();
    });
  }

  /** Offers what the model can do. */
  setModel({ longest }: TimeData): void {
    this.slider.max = String(longest);
    fill(this.selects.samples, MAX_SAMPLES);
    fill(this.selects.by, longest, (n) => (n === 1 ? "1 frame" : `${n} frames`));
    fill(this.selects.steps, MAX_STEPS);
  }

  show({ jump, samples, by, steps, seed }: Edit): void {
    this.slider.value = String(jump);
    this.slider.setAttribute("aria-valuetext", `${jump} frames ahead`);
    for (const [name, value] of Object.entries({ samples, by, steps }))
      this.selects[name as Numbers].value = String(value);
    if (document.activeElement !== this.seed || this.seed.valueAsNumber !== seed)
      this.seed.value = String(seed);
  }
}

function newDraw(on: ControlsEvents): HTMLButtonElement {
  const title = "Draw again everywhere, with the next seed";
  const draw = h("button", { type: "button", class: "button text-button", title }, "New draw");
  draw.addEventListener("click", (event) => on.newDraw(event.timeStamp));
  return draw;
}
