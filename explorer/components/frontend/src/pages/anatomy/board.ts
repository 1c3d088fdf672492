// The board of two densities: a target's heat, the ellipses of q, and the handles that move both.

import { h, svg } from "../../dom";
import { Knob, type KnobEvents } from "../../knob";
import { pack, type Rgb } from "../../map/colours";
import type { Theme } from "../../theme";
import { type Diagonal, logDensity, type Mixture, type Vec } from "./gaussians";

/** What the board shows: 10 by 7 units, the origin in the middle. */
export const HALF: Vec = [5, 3.5];
const CELLS: Vec = [200, 140];
const LEAST_STD = 0.12;
const MOST_STD = 4;

export type HandleName = "p" | "q" | "width" | "height";

export interface BoardEvents {
  /** A handle was moved to a place of the board. */
  move(name: HandleName, x: number, y: number): void;
  end(): void;
}

export const keepInside = (x: number, y: number): Vec => [
  Math.min(HALF[0], Math.max(-HALF[0], x)),
  Math.min(HALF[1], Math.max(-HALF[1], y)),
];

export const keepStd = (std: number): number => Math.min(MOST_STD, Math.max(LEAST_STD, std));

export class Board {
  private readonly canvas = h("canvas", { class: "board-heat", "aria-hidden": "true" });
  private readonly shapes = svg("svg", {
    class: "lx-board-shapes",
    viewBox: `${-HALF[0]} ${-HALF[1]} ${2 * HALF[0]} ${2 * HALF[1]}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  private readonly rings = [2, 1].map(() => svg("ellipse", { class: "lx-board-q" }));
  private readonly cross = svg("path", {
    class: "lx-plane-cross",
    d: `M0 ${-HALF[1]}V${HALF[1]}M${-HALF[0]} 0H${HALF[0]}`,
  });
  private readonly knobs: Record<HandleName, Knob>;
  readonly element: HTMLElement;
  private readonly observer: ResizeObserver;
  private target: Mixture = [];
  private q: Diagonal = { mean: [0, 0], std: [1, 1] };
  private at: Vec = [0, 0];

  constructor(private readonly on: BoardEvents) {
    this.shapes.append(this.cross, ...this.rings);
    const make = (name: HandleName, label: string) => {
      const knob = new Knob(name, this.events(name));
      knob.describe(label);
      return knob;
    };
    this.knobs = {
      p: make("p", "Target p; arrow keys move it"),
      q: make("q", "Gaussian q; arrow keys move it"),
      width: make("width", "Width of q; arrow keys change it"),
      height: make("height", "Height of q; arrow keys change it"),
    };
    const layer = h("div", { class: "knobs" });
    for (const { element } of Object.values(this.knobs)) layer.append(element);
    this.element = h("div", { class: "board", "data-testid": "board" }, this.canvas);
    this.element.append(this.shapes, layer);
    this.observer = new ResizeObserver(() => this.place());
    this.observer.observe(this.element);
  }

  stop(): void {
    this.observer.disconnect();
    for (const knob of Object.values(this.knobs)) knob.stop();
  }

  /** Gives a handle the focus, so that keys move it. */
  take(name: HandleName): void {
    this.knobs[name].element.focus();
  }

  private events(name: HandleName): KnobEvents {
    let box = { left: 0, top: 0 };
    let from: Vec = [0, 0];
    const move = (sx: number, sy: number) => {
      const [x, y] = this.toBoard(sx, sy);
      this.on.move(name, x, y);
    };
    return {
      place: () => {
        box = this.element.getBoundingClientRect();
        const [x, y] = this.toScreen(this.placeOf(name));
        return [box.left + x, box.top + y];
      },
      start: () => {
        from = this.placeOf(name);
      },
      move: (x, y) => move(x - box.left, y - box.top),
      end: () => this.on.end(),
      cancel: () => {
        this.on.move(name, ...from);
        this.on.end();
      },
      nudge: (dx, dy) => {
        const [x, y] = this.toScreen(this.placeOf(name));
        move(x + dx, y + dy);
      },
      nudged: () => this.on.end(),
      activate: () => {},
    };
  }

  private placeOf(name: HandleName): Vec {
    const { mean, std } = this.q;
    if (name === "p") return this.at;
    if (name === "width") return [mean[0] + std[0], mean[1]];
    if (name === "height") return [mean[0], mean[1] + std[1]];
    return mean;
  }

  private scale(): Vec {
    const { clientWidth, clientHeight } = this.element;
    return [clientWidth / (2 * HALF[0]), clientHeight / (2 * HALF[1])];
  }

  private toScreen([x, y]: Vec): Vec {
    const [kx, ky] = this.scale();
    return [(x + HALF[0]) * kx, (HALF[1] - y) * ky];
  }

  private toBoard(sx: number, sy: number): Vec {
    const [kx, ky] = this.scale();
    return kx > 0 && ky > 0 ? keepInside(sx / kx - HALF[0], HALF[1] - sy / ky) : [0, 0];
  }

  showQ(q: Diagonal): void {
    this.q = q;
    this.rings.forEach((ring, i) => {
      ring.setAttribute("cx", String(q.mean[0]));
      ring.setAttribute("cy", String(-q.mean[1]));
      ring.setAttribute("rx", String((2 - i) * q.std[0]));
      ring.setAttribute("ry", String((2 - i) * q.std[1]));
    });
    this.place();
  }

  showTarget(target: Mixture, at: Vec, theme: Theme | null): void {
    this.target = target;
    this.at = at;
    if (theme) this.paint(theme.map, theme.plain);
    this.place();
  }

  private place(): void {
    for (const name of Object.keys(this.knobs) as HandleName[]) {
      const [x, y] = this.toScreen(this.placeOf(name));
      this.knobs[name].put(x, y, 0, 0);
    }
  }

  /** The target's density as heat, each place's share of the highest. */
  private paint(ground: Rgb, colour: Rgb): void {
    const [width, height] = CELLS;
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context || this.target.length === 0) return;
    this.canvas.width = width;
    this.canvas.height = height;
    const log = logDensity(this.target);
    const heat = new Float64Array(width * height);
    let most = 0;
    for (let j = 0, n = 0; j < height; j++) {
      const y = HALF[1] * (1 - (2 * (j + 0.5)) / height);
      for (let i = 0; i < width; i++, n++) {
        heat[n] = Math.exp(log(HALF[0] * ((2 * (i + 0.5)) / width - 1), y));
        if (heat[n] > most) most = heat[n];
      }
    }
    const mix = (share: number): Rgb => {
      const blend = (c: 0 | 1 | 2) => Math.round(ground[c] + share * (colour[c] - ground[c]));
      return [blend(0), blend(1), blend(2)];
    };
    const colours = Uint32Array.from({ length: 256 }, (_, i) => pack(mix(Math.sqrt(i / 255))));
    const pixels = new Uint32Array(heat.length);
    for (let n = 0; n < heat.length; n++)
      pixels[n] = colours[most > 0 ? Math.round((255 * heat[n]) / most) : 0];
    const bytes = new Uint8ClampedArray(pixels.buffer as ArrayBuffer);
    context.putImageData(new ImageData(bytes, width, height), 0, 0);
  }
}
