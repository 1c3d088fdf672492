// The legend under the map: categories that can be picked out, or a colour ramp with its range.

import { h } from "../dom";
import type { CategoryEntry, Legend } from "./colours";

/** A number in at most four characters or so, for the ends of a ramp. */
export function brief(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.01 || size >= 1e5)) return value.toExponential(1);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)));
}

export class LegendBar {
  readonly element = h("div", { class: "legend" });
  private picked = new Set<number>();
  private entries: CategoryEntry[] = [];
  private buttons = new Map<number, HTMLButtonElement>();

  /** `pick` is told which shades to show (an empty set: all of them). */
  constructor(private readonly pick: (shades: ReadonlySet<number>) => void) {}

  /** Shows a legend; a choice of categories is kept when the categories are the same. */
  show(legend: Legend): void {
    const labels = (entries: CategoryEntry[]) => entries.map((e) => e.label).join("\n");
    const entries = legend.kind === "categories" ? legend.entries : [];
    if (labels(entries) !== labels(this.entries)) this.picked.clear();
    this.entries = entries;
    this.buttons.clear();
    this.element.replaceChildren();
    this.element.hidden = legend.kind === "none";
    if (legend.kind === "none") return;
    this.element.append(h("span", { class: "legend-title" }, legend.title));
    if (legend.kind === "ramp") this.showRamp(legend);
    else this.showEntries();
  }

  private showRamp(legend: Extract<Legend, { kind: "ramp" }>): void {
    const bar = h("span", { class: "legend-ramp" });
    bar.style.background = `linear-gradient(to right, ${legend.stops.join(", ")})`;
    this.element.append(
      h("span", { class: "legend-end" }, brief(legend.low)),
      bar,
      h("span", { class: "legend-end" }, brief(legend.high)),
    );
    if (legend.missing > 0)
      this.element.append(
        h("span", { class: "legend-end" }, `${legend.missing.toLocaleString("en")} not known`),
      );
  }

  private showEntries(): void {
    const list = h("span", { class: "legend-entries" });
    for (const entry of this.entries) {
      const dot = h("span", { class: "legend-dot" });
      dot.style.background = entry.colour;
      const button = h(
        "button",
        {
          type: "button",
          class: "legend-entry",
          "aria-pressed": "false",
          title: `${entry.count.toLocaleString("en")} items. Click to show only these.`,
        },
        dot,
        entry.label,
      );
      button.addEventListener("click", () => this.toggle(entry.shade));
      this.buttons.set(entry.shade, button);
      list.append(button);
    }
    this.element.append(list);
    this.refresh();
  }

  private toggle(shade: number): void {
    if (!this.picked.delete(shade)) this.picked.add(shade);
    if (this.picked.size === this.entries.length) this.picked.clear();
    this.refresh();
    this.pick(this.picked);
  }

  private refresh(): void {
    this.element.classList.toggle("lx-picking", this.picked.size > 0);
    for (const [shade, button] of this.buttons)
      button.setAttribute("aria-pressed", String(this.picked.has(shade)));
  }

  get shades(): ReadonlySet<number> {
    return this.picked;
  }
}
