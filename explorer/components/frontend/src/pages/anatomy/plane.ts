// What lies over the map of two dimensions: the prior's circles, the posterior's ellipse, the code, an overview.
import { svg } from "../../dom";
import type { Bounds, Point } from "../../map/viewport";
import type { Pair } from "./wire";

/** Standard deviations of the prior that have a circle, and of the posterior that have an ellipse. */
export const CIRCLES = [1, 2, 3];
const ELLIPSES = [2, 1];
const EDGE = 14;
const OVERVIEW = 3.6;

/** A posterior in two dimensions; no `std`: a point. */
export interface Posterior {
  mean: Pair;
  std: Pair | null;
}

/** The part of the map on which the posterior can be turned by hand. */
export function aroundPosterior({ mean, std }: Posterior): Bounds | null {
  if (!std) return null;
  const half = 3.4 * Math.max(std[0], std[1], 1e-4);
  return { x0: mean[0] - half, y0: mean[1] - half, x1: mean[0] + half, y1: mean[1] + half };
}

/** The part of the map that the prior fills, with the posterior in it. */
export function aroundPrior({ mean }: Posterior): Bounds {
  const half = Math.max(3.4, Math.abs(mean[0]) + 0.4, Math.abs(mean[1]) + 0.4);
  return { x0: -half, y0: -half, x1: half, y1: half };
}

/** Shares of the map's width and height: its edge, the corner of the buttons at the top left, that of the overview. */
const MARGIN = 0.06;
const CORNER = [0.42, 0.16] as const;
const OVERVIEW_CORNER = [0.72, 0.62] as const;
const TURNS = 48;

/** Where a circle's name stands: on the circle, as near to its top as fits, clear of edge, buttons and overview. */
export function labelPlace(radius: number, shown: Bounds): Point | null {
  const width = shown.x1 - shown.x0;
  const height = shown.y1 - shown.y0;
  const fits = ([x, y]: Point) => {
    const right = (x - shown.x0) / width;
    const down = (shown.y1 - y) / height;
    if (Math.min(right, 1 - right) < 2 * MARGIN || Math.min(down, 1 - down) < MARGIN) return false;
    if (right > OVERVIEW_CORNER[0] && down > OVERVIEW_CORNER[1]) return false;
    return right > CORNER[0] || down > CORNER[1];
  };
  const places: Point[] = Array.from({ length: TURNS }, (_, i) => {
    const angle = (Math.ceil(i / 2) * (i % 2 ? 1 : -1) * 2 * Math.PI) / TURNS;
    return [radius * Math.sin(angle), radius * Math.cos(angle)];
  });
  const cx = (shown.x0 + shown.x1) / 2;
  const cy = (shown.y0 + shown.y1) / 2;
  const length = Math.hypot(cx, cy);
  if (length > 0) places.push([(radius * cx) / length, (radius * cy) / length]);
  return places.find(fits) ?? null;
}

type Ring = SVGEllipseElement;

/** Draws over a map; `toScreen` is the map's own, and what is drawn is in the map's units. */
export class Plane {
  readonly element = svg("svg", { class: "lx-plane", "aria-hidden": "true" });
  readonly overview = svg("svg", {
    class: "lx-overview",
    viewBox: `${-OVERVIEW} ${-OVERVIEW} ${2 * OVERVIEW} ${2 * OVERVIEW}`,
    "aria-hidden": "true",
  });
  private readonly cross = svg("path", { class: "lx-plane-cross" });
  private readonly circles: Ring[] = CIRCLES.map(() =>
    svg("ellipse", { class: "lx-plane-circle" }),
  );
  private readonly names = CIRCLES.map((radius) => {
    const name = svg("text", { class: "lx-plane-name" });
    name.textContent = `${radius}σ of the prior`;
    return name;
  });
  private readonly ellipses: Ring[] = ELLIPSES.map(() =>
    svg("ellipse", { class: "lx-plane-ellipse" }),
  );
  private readonly arm = svg("line", { class: "lx-plane-arm" });
  private readonly middle = svg("circle", { class: "lx-plane-mean", r: "3" });
  private readonly dot = svg("circle", { class: "lx-overview-dot", r: "0.22" });
  private readonly frame = svg("rect", { class: "lx-overview-frame" });
  private posterior: Posterior | null = null;
  private prior = false;
  private code: Pair | null = null;

  constructor() {
    this.element.append(this.cross, ...this.circles, ...this.ellipses, this.arm, this.middle);
    this.element.append(...this.names);
    for (const radius of CIRCLES)
      this.overview.append(
        svg("circle", { class: "lx-plane-circle", r: String(radius), cx: "0", cy: "0" }),
      );
    this.overview.append(this.frame, this.dot);
  }

  /** Whether there is a prior to draw; known before the first posterior comes. */
  setPrior(prior: boolean): void {
    this.prior = prior;
  }

  setPosterior(posterior: Posterior | null): void {
    this.posterior = posterior;
  }

  setCode(code: Pair | null): void {
    this.code = code;
  }

  /** Draws anew, after the map has moved or what is drawn has changed. */
  place(toScreen: (x: number, y: number) => Point, shown: Bounds, size: Point): void {
    this.element.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    const [ox, oy] = toScreen(0, 0);
    const [ux, uy] = toScreen(1, 1);
    const kx = ux - ox;
    const ky = oy - uy;
    this.placePrior(ox, oy, kx, ky, toScreen, shown);
    this.placePosterior(toScreen, kx, ky);
    this.placeOverview(shown);
  }

  private placePrior(
    ox: number,
    oy: number,
    kx: number,
    ky: number,
    toScreen: (x: number, y: number) => Point,
    shown: Bounds,
  ): void {
    this.cross.setAttribute("d", `M${ox} -9999V9999M-9999 ${oy}H9999`);
    this.circles.forEach((circle, i) => {
      circle.style.display = this.prior ? "" : "none";
      ring(circle, ox, oy, CIRCLES[i] * kx, CIRCLES[i] * ky);
    });
    this.names.forEach((name, i) => {
      const place = this.prior ? labelPlace(CIRCLES[i], shown) : null;
      name.style.display = place ? "" : "none";
      if (!place) return;
      const [x, y] = toScreen(place[0], place[1]);
      name.setAttribute("x", x.toFixed(1));
      name.setAttribute("y", (y - EDGE / 3).toFixed(1));
    });
  }

  private placePosterior(toScreen: (x: number, y: number) => Point, kx: number, ky: number): void {
    const { posterior, code } = this;
    for (const part of [...this.ellipses, this.arm, this.middle])
      part.style.display = posterior ? "" : "none";
    if (!posterior) return;
    const [mx, my] = toScreen(posterior.mean[0], posterior.mean[1]);
    this.middle.setAttribute("cx", mx.toFixed(1));
    this.middle.setAttribute("cy", my.toFixed(1));
    const { std } = posterior;
    this.ellipses.forEach((ellipse, i) => {
      ellipse.style.display = std ? "" : "none";
      if (std) ring(ellipse, mx, my, ELLIPSES[i] * std[0] * kx, ELLIPSES[i] * std[1] * ky);
    });
    const [zx, zy] = code ? toScreen(code[0], code[1]) : [mx, my];
    for (const [name, value] of [
      ["x1", mx],
      ["y1", my],
      ["x2", zx],
      ["y2", zy],
    ] as const)
      this.arm.setAttribute(name, value.toFixed(1));
  }

  private placeOverview(shown: Bounds): void {
    const { posterior } = this;
    const whole = Math.min(-shown.x0, -shown.y0, shown.x1, shown.y1) > 2.6;
    this.overview.style.display = this.prior && posterior && !whole ? "" : "none";
    if (!posterior) return;
    this.dot.setAttribute("cx", posterior.mean[0].toFixed(3));
    this.dot.setAttribute("cy", (-posterior.mean[1]).toFixed(3));
    this.frame.setAttribute("x", shown.x0.toFixed(3));
    this.frame.setAttribute("y", (-shown.y1).toFixed(3));
    this.frame.setAttribute("width", Math.max(0.01, shown.x1 - shown.x0).toFixed(3));
    this.frame.setAttribute("height", Math.max(0.01, shown.y1 - shown.y0).toFixed(3));
  }
}

function ring(element: Ring, cx: number, cy: number, rx: number, ry: number): void {
  element.setAttribute("cx", cx.toFixed(1));
  element.setAttribute("cy", cy.toFixed(1));
  element.setAttribute("rx", Math.max(0, rx).toFixed(1));
  element.setAttribute("ry", Math.max(0, ry).toFixed(1));
}
