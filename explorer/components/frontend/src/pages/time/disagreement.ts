// How far draws of the belief differ in their pictures, as lines under the filmstrip: one point a column.
import { h, svg } from "../../dom";

const HEIGHT = 74;
const PAD = 7;

export interface Series {
  /** Decoded as they are after so many frames, and after one jump: RMS of a pixel, [0, 1]. */
  now: readonly number[];
  ahead: readonly number[];
}

/** The largest of all values, never 0. */
export const largest = (series: Series): number => Math.max(1e-3, ...series.now, ...series.ahead);

/** A polyline's points: column i of n is at i + 1/2, values run from 0 (below) to `most`. */
export function points(values: readonly number[], most: number): string {
  return values
    .map((value, i) => {
      const up = value / most;
      return `${i + 0.5},${(HEIGHT - PAD - up * (HEIGHT - 2 * PAD)).toFixed(2)}`;
    })
    .join(" ");
}

export const written = (value: number): string => value.toFixed(3);

export class Disagreement {
  private readonly drawing = svg("svg", {
    class: "lx-disagreement",
    preserveAspectRatio: "none",
  });
  private readonly lines = {
    ahead: svg("polyline", { class: "lx-disagreement-line lx-disagreement-ahead" }),
    now: svg("polyline", { class: "lx-disagreement-line lx-disagreement-now" }),
  };
  /** From where to where the lines run, for beside them. */
  readonly scale = h("span", { class: "disagreement-scale" });
  private series: Series = { now: [], ahead: [] };
  readonly element = h(
    "div",
    { class: "disagreement-box", "data-testid": "disagreement", role: "img" },
    this.drawing as unknown as HTMLElement,
  );

  constructor() {
    this.drawing.append(this.lines.ahead, this.lines.now);
  }

  set(series: Series): void {
    this.series = series;
    const most = largest(series);
    this.drawing.setAttribute("viewBox", `0 0 ${Math.max(1, series.now.length)} ${HEIGHT}`);
    for (const name of ["ahead", "now"] as const)
      this.lines[name].setAttribute("points", points(series[name], most));
    this.scale.textContent = `0 to ${written(most)}`;
  }

  /** How far draws differ after so many frames; null before an answer has told. */
  at(seen: number): { now: number; ahead: number } | null {
    const now = this.series.now[seen - 1];
    const ahead = this.series.ahead[seen - 1];
    return now === undefined || ahead === undefined ? null : { now, ahead };
  }

  describe(text: string): void {
    this.element.setAttribute("aria-label", text);
  }
}
