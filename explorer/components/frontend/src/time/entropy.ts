// The belief's entropy after each frame, as lines under the filmstrip: one point a column.
import { h, svg } from "../dom";

const HEIGHT = 74;
const PAD = 7;

export interface Series {
  top: readonly number[];
  bottom: readonly number[];
}

/** Least and most of all values, never the same. */
export function range(series: Series): [low: number, high: number] {
  const all = [...series.top, ...series.bottom];
  if (all.length === 0) return [0, 1];
  const low = Math.min(...all);
  const high = Math.max(...all);
  return high - low > 1e-9 ? [low, high] : [low - 0.5, high + 0.5];
}

/** A polyline's points: column i of n is at i + 1/2, values run from 0 (low, below) to 1. */
export function points(values: readonly number[], [low, high]: readonly [number, number]): string {
  return values
    .map((value, i) => {
      const up = (value - low) / (high - low);
      return `${i + 0.5},${(HEIGHT - PAD - up * (HEIGHT - 2 * PAD)).toFixed(2)}`;
    })
    .join(" ");
}

/** Nats as a person reads them, with a real minus sign. */
export const written = (nats: number): string => nats.toFixed(1).replace("-", "−");

export class Entropy {
  private readonly drawing = svg("svg", { class: "lx-entropy", preserveAspectRatio: "none" });
  private readonly lines = {
    top: svg("polyline", { class: "lx-entropy-line lx-entropy-top" }),
    bottom: svg("polyline", { class: "lx-entropy-line lx-entropy-bottom" }),
  };
  /** From where to where the lines run, for beside them. */
  readonly scale = h("span", { class: "entropy-scale" });
  private series: Series = { top: [], bottom: [] };
  readonly element = h(
    "div",
    { class: "entropy-box", "data-testid": "entropy", role: "img" },
    this.drawing as unknown as HTMLElement,
  );

  constructor() {
    this.drawing.append(this.lines.top, this.lines.bottom);
  }

  set(series: Series): void {
    this.series = series;
    const both = range(series);
    this.drawing.setAttribute("viewBox", `0 0 ${Math.max(1, series.top.length)} ${HEIGHT}`);
    for (const name of ["top", "bottom"] as const)
      this.lines[name].setAttribute("points", points(series[name], both));
    this.scale.textContent = `${both.map((nats) => written(nats)).join(" to ")}`;
  }

  /** What both layers come to after so many frames, nats; null before an answer has told. */
  at(seen: number): { top: number; bottom: number } | null {
    const top = this.series.top[seen - 1];
    const bottom = this.series.bottom[seen - 1];
    return top === undefined || bottom === undefined ? null : { top, bottom };
  }

  describe(text: string): void {
    this.element.setAttribute("aria-label", text);
  }
}
