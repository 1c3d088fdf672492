// The strip's path over a map: a line, and a dot for each of its pictures.
import { svg } from "../dom";
import { verdict } from "../gauge";
import type { Point } from "./viewport";

export class PathLayer {
  readonly element = svg("svg", { class: "lx-path", "aria-hidden": "true" });
  private readonly line = svg("polyline", { class: "lx-path-line" });
  private dots: SVGCircleElement[] = [];
  private points: readonly (readonly [number, number])[] = [];

  constructor() {
    this.element.append(this.line);
  }

  resize(width: number, height: number): void {
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  /** Takes points of the map; `off` is the percentile of each, empty without a gauge. */
  set(points: readonly (readonly [number, number])[], off: readonly number[]): void {
    this.points = points;
    while (this.dots.length < points.length) {
      const dot = svg("circle", { r: "3.5" });
      this.dots.push(dot);
      this.element.append(dot);
    }
    while (this.dots.length > points.length) this.dots.pop()?.remove();
    this.dots.forEach((dot, i) => {
      const what = off[i] === undefined ? "" : ` lx-${verdict(off[i]).replaceAll(" ", "-")}`;
      dot.setAttribute("class", `lx-path-dot${what}`);
    });
  }

  /** Marks one of the points; -1 for none. */
  mark(index: number): void {
    this.dots.forEach((dot, i) => {
      dot.setAttribute("r", i === index ? "7" : "3.5");
    });
  }

  /** Puts the path where its points lie on the screen. */
  place(toScreen: (x: number, y: number) => Point): void {
    let line = "";
    this.points.forEach(([x, y], i) => {
      const [sx, sy] = toScreen(x, y);
      line += `${sx.toFixed(1)},${sy.toFixed(1)} `;
      this.dots[i].setAttribute("cx", sx.toFixed(1));
      this.dots[i].setAttribute("cy", sy.toFixed(1));
    });
    this.line.setAttribute("points", line);
  }
}
