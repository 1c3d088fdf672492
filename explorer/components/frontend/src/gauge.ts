// The off-data gauge: how unusual a place in latent space is, in calm words and a bar.
import { h, setText } from "./dom";

export type Verdict = "near the data" | "unusual" | "off the data";

/** Below the 90th percentile of the posterior draws of held-out images: near the data; from the 99th: off the data. */
export const verdict = (percentile: number): Verdict =>
  percentile < 90 ? "near the data" : percentile < 99 ? "unusual" : "off the data";

/** "73rd", "91st", "100th". */
export function ordinal(value: number): string {
  const n = Math.round(value);
  const tens = n % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${suffix}`;
}

/** "near the data, 73rd percentile" for people who listen. */
export const spoken = (percentile: number): string =>
  `${verdict(percentile)}, ${ordinal(percentile)} percentile`;

export class Gauge {
  private readonly word = h("span", { class: "gauge-word" }, "–");
  private readonly figure = h("span", { class: "gauge-figure" });
  private readonly needle = h("span", { class: "gauge-needle" });
  private readonly meter: HTMLElement;
  readonly element: HTMLElement;
  private shown = -1;

  constructor(name: string) {
    this.meter = h(
      "div",
      {
        class: "gauge-bar",
        role: "meter",
        "aria-label": `How far ${name} is off the data`,
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-valuenow": "0",
      },
      this.needle,
    );
    this.element = h(
      "div",
      {
        class: "gauge",
        title:
          "Distance to the 10th nearest encoded image, as a percentile of that of posterior draws of " +
          "held-out images; a dimension counts as far as the encoder is sure of it. From 99 on, the " +
          "picture is the decoder's guess. Near the data is not the latent of an image: the mean of all " +
          "latents is nobody's and may be near many.",
      },
      h("div", { class: "gauge-text" }, this.word, this.figure),
      this.meter,
    );
  }

  /** Shows a percentile; null hides the gauge, for models that have none. */
  set(percentile: number | null): void {
    this.element.hidden = percentile === null;
    if (percentile === null) return;
    const tenths = Math.round(10 * percentile);
    if (tenths === this.shown) return;
    this.shown = tenths;
    const what = verdict(percentile);
    setText(this.word, what.charAt(0).toUpperCase() + what.slice(1));
    setText(this.figure, `${ordinal(percentile)} percentile`);
    this.element.dataset["verdict"] = what;
    this.needle.style.left = `${percentile}%`;
    this.meter.setAttribute("aria-valuenow", String(Math.round(percentile)));
    this.meter.setAttribute("aria-valuetext", spoken(percentile));
  }
}
