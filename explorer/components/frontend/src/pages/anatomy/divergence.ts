// Forward and reversed KL divergence of two Gaussians under the hand; nothing here asks a server.

import { ARROW_KEYS, keyHint, type ShortcutGroup, Shortcuts, shortcut } from "../../core/shortcuts";
import { h, prefersStill, segmented, setText } from "../../dom";
import { type Theme, watchTheme } from "../../theme";
import { Board, type HandleName, keepInside, keepStd } from "./board";
import * as g from "./gaussians";
import type { DivergenceData } from "./types";

const GLIDE_MS = 450;
const FIRST: g.Diagonal = { mean: [-0.4, 1.3], std: [1.2, 0.8] };
const SHAPES: Record<g.TargetKind, string | null> = {
  two: "Distance of the modes",
  correlated: "Correlation",
  one: null,
};

type Way = "reverse" | "forward";
const WORDS: Record<Way, readonly [formula: string, name: string, meaning: string]> = {
  reverse: [
    "KL(q‖p)",
    "Reversed: what a VAE's posterior lowers",
    "q is penalised for being where p is not. So the best q stays inside p",
  ],
  forward: [
    "KL(p‖q)",
    "Forward: what maximum likelihood lowers",
    "q is penalised for not being where p is. So the best q covers all of p",
  ],
};

/** What that comes to for each target. */
const OUTCOME: Record<g.TargetKind, Record<Way, string>> = {
  two: {
    reverse: ": it takes one of the modes.",
    forward: ", with the empty place between the two modes.",
  },
  correlated: {
    reverse: ": it is narrower than p, for q's axes cannot tilt.",
    forward: ": it is as wide as p along each axis, for q's axes cannot tilt.",
  },
  one: { reverse: ": it equals p.", forward: ": it equals p." },
};

export class Divergence {
  readonly element = h("div", {
    class: "stage divergence",
    "data-testid": "divergence",
    tabindex: "-1",
  });
  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly board: Board;
  private readonly values: Record<Way, HTMLElement>;
  private readonly bars: Record<Way, HTMLElement>;
  private readonly meanings: Record<Way, HTMLElement> = {
    reverse: h("p", { class: "kl-meaning" }),
    forward: h("p", { class: "kl-meaning" }),
  };
  private readonly slider: HTMLInputElement;
  private readonly sliderName = h("span", { class: "field-name" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly shortcuts = new Shortcuts(this.element, () => this.keys());
  private readonly stopTheme: () => void;
  private theme: Theme | null = null;
  private kind: g.TargetKind = "two";
  private shape = 0.75;
  private at: g.Vec = [0, 0];
  private target: g.Mixture = g.target(this.kind, this.at, this.shape);
  private entropy = g.entropy(this.target);
  private q: g.Diagonal = FIRST;
  private gliding = 0;

  constructor(parent: HTMLElement) {
    this.board = new Board({
      move: (name, x, y) => this.move(name, x, y),
      end: () => this.announce(),
    });
    const number = (way: Way) => h("span", { class: "kl-value", "data-testid": `kl-${way}` }, "–");
    this.values = { reverse: number("reverse"), forward: number("forward") };
    this.bars = {
      reverse: h("span", { class: "kl-bar" }),
      forward: h("span", { class: "kl-bar" }),
    };
    this.slider = h("input", {
      type: "range",
      class: "kl-slider",
      min: "0",
      max: "1",
      step: "0.01",
      value: String(this.shape),
    });
    this.slider.addEventListener("input", () => {
      this.shape = this.slider.valueAsNumber;
      this.retarget();
    });
    this.assemble();
    parent.append(this.element);
    this.stopTheme = watchTheme(this.element, this.probe, (theme) => {
      this.theme = theme;
      this.retarget();
    });
  }

  update(_: DivergenceData): void {
    // Nothing of it comes from Python.
  }

  dispose(): void {
    cancelAnimationFrame(this.gliding);
    this.stopTheme();
    this.shortcuts.stop();
    this.board.stop();
    this.element.remove();
  }

  private assemble(): void {
    const kinds = segmented<g.TargetKind>(
      "Target p",
      [
        ["two", "Two modes"],
        ["correlated", "Correlated"],
        ["one", "One Gaussian"],
      ],
      (kind) => {
        this.kind = kind;
        this.retarget();
      },
    );
    kinds.set(this.kind);
    this.element.append(
      this.probe,
      h(
        "div",
        { class: "kl-controls" },
        h(
          "span",
          { class: "field" },
          h("span", { class: "field-name" }, "Target p"),
          kinds.element,
        ),
        h("label", { class: "field kl-shape" }, this.sliderName, this.slider),
      ),
      this.board.element,
      h("div", { class: "kl-cards" }, this.card("reverse"), this.card("forward")),
      h(
        "footer",
        { class: "foot" },
        h("span", { class: "hint" }, "Arrow keys move p and q. ", this.shortcuts.button),
      ),
      this.live,
      this.shortcuts.element,
    );
  }

  private keys(): ShortcutGroup[] {
    return [
      {
        title: "Divergence",
        shortcuts: [
          shortcut("p", "Take the target p", () => this.board.take("p")),
          shortcut("q", "Take the Gaussian q", () => this.board.take("q")),
          keyHint(ARROW_KEYS, "Move it, or a square of q; with Shift in fine steps"),
        ],
      },
    ];
  }

  private card(way: Way): HTMLElement {
    const [formula, name] = WORDS[way];
    const button = h(
      "button",
      { type: "button", class: "button text-button" },
      "Move q to its best",
    );
    button.addEventListener("click", () => this.glideTo(this.best(way)));
    return h(
      "section",
      { class: `kl-card kl-${way}`, "aria-label": formula },
      h(
        "div",
        { class: "kl-head" },
        h("span", { class: "kl-formula" }, formula),
        this.values[way],
        h("span", { class: "kl-unit" }, "nats"),
      ),
      h("div", { class: "kl-track" }, this.bars[way]),
      h("div", { class: "kl-name" }, name),
      this.meanings[way],
      button,
    );
  }

  private retarget(): void {
    const name = SHAPES[this.kind];
    for (const way of ["reverse", "forward"] as const)
      setText(this.meanings[way], WORDS[way][2] + OUTCOME[this.kind][way]);
    setText(this.sliderName, name ?? "");
    (this.slider.parentElement as HTMLElement).hidden = name === null;
    this.slider.setAttribute("aria-label", name ?? "Shape");
    this.target = g.target(this.kind, this.at, this.shape);
    this.entropy = g.entropy(this.target);
    this.board.showTarget(this.target, this.at, this.theme);
    this.show();
  }

  private move(name: HandleName, x: number, y: number): void {
    cancelAnimationFrame(this.gliding);
    const { mean, std } = this.q;
    if (name === "p") {
      this.at = [x, y];
      this.retarget();
      return;
    }
    if (name === "q") this.q = { mean: [x, y], std };
    else if (name === "width") this.q = { mean, std: [keepStd(x - mean[0]), std[1]] };
    else this.q = { mean, std: [std[0], keepStd(y - mean[1])] };
    this.show();
  }

  private show(): void {
    this.board.showQ(this.q);
    const found: Record<Way, number> = {
      reverse: g.reverseKl(this.q, this.target),
      forward: g.forwardKl(this.target, this.q, this.entropy),
    };
    for (const way of ["reverse", "forward"] as const) {
      const value = Math.max(0, found[way]);
      setText(this.values[way], value < 100 ? value.toFixed(3) : value.toFixed(0));
      this.bars[way].style.width = `${(100 * value) / (value + 2)}%`;
    }
  }

  private best(way: Way): g.Diagonal {
    const best =
      way === "forward" ? g.bestForward(this.target) : g.bestReverse(this.target, this.q);
    const [x, y] = keepInside(best.mean[0], best.mean[1]);
    return { mean: [x, y], std: [keepStd(best.std[0]), keepStd(best.std[1])] };
  }

  private glideTo(to: g.Diagonal): void {
    cancelAnimationFrame(this.gliding);
    const from = this.q;
    const began = performance.now();
    const step = (now: number) => {
      const t = prefersStill() ? 1 : Math.min(1, (now - began) / GLIDE_MS);
      const eased = 1 - (1 - t) ** 3;
      const mix = (a: g.Vec, b: g.Vec): g.Vec => [
        a[0] + eased * (b[0] - a[0]),
        a[1] + eased * (b[1] - a[1]),
      ];
      this.q = t === 1 ? to : { mean: mix(from.mean, to.mean), std: mix(from.std, to.std) };
      this.show();
      if (t < 1) this.gliding = requestAnimationFrame(step);
      else this.announce();
    };
    step(began);
  }

  private announce(): void {
    const said = (["reverse", "forward"] as const).map(
      (way) => `${WORDS[way][0]} ${this.values[way].textContent} nats`,
    );
    this.live.textContent = said.join(", ");
  }
}
