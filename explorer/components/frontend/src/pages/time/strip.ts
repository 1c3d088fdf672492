// The filmstrip with its playhead: what was seen, what is believed after each frame, and how surely.
import { h, setText } from "../../dom";
import { draggable } from "../../drag";
import type { Shape } from "../../messages.gen";
import { Disagreement, written } from "./disagreement";
import { heat, scaleGradient } from "./heat";
import { within } from "./model";
import { PicturesRow } from "./pictures-row";
import type { FrameAnswer } from "./wire";

export interface StripEvents {
  /** The playhead is taken, before it moves. */
  start(): void;
  /** To so many frames seen; `stamp` is the event's time stamp. */
  move(seen: number, stamp: number): void;
  end(): void;
  cancel(): void;
  /** By a key; it may lead beyond an end. */
  step(seen: number, stamp: number): void;
  hide(hidden: boolean): void;
}

const ROOM = 34; // pixels that stay in sight beside the playhead
const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -5,
  PageUp: 5,
};

/** Frames seen where a playhead stands at a share of the strip's width. */
export const seenAt = (share: number, length: number): number => within(share * length, 1, length);

/** Frames between two numbers that are written above the strip. */
export const every = (length: number): number => Math.max(1, Math.ceil(length / 25));

/** How far to scroll, from `left`, so that a place is seen in a window of this width, with room on both sides. */
export const scrolledTo = (place: number, left: number, width: number, room = ROOM): number =>
  Math.max(0, Math.min(place - room, Math.max(left, place + room - width)));

const ahead = (frames: number): string => `${frames} ${frames === 1 ? "frame" : "frames"} ahead`;

export class Strip {
  private length = 0;
  private seen = 1;
  private readonly frames = new PicturesRow("frames", (i) => `Frame ${i + 1}`);
  private readonly means = new PicturesRow("means", (i) => `Believed after frame ${i + 1}`);
  private readonly spreads = new PicturesRow(
    "spreads",
    (i) => `How unsure each pixel is after frame ${i + 1}`,
  );
  private readonly numbers = h("div", { class: "row row-numbers", "aria-hidden": "true" });
  private readonly disagreement = new Disagreement();
  private readonly line = h("div", { class: "playhead" }, h("span", { class: "playhead-grip" }));
  private readonly surface = h("div", {
    class: "scrub",
    "data-testid": "playhead",
    role: "slider",
    tabindex: "0",
    "aria-label": "Frames seen",
    "aria-valuemin": "1",
  });
  private readonly view = h("div", { class: "time-scroll" });
  private readonly observer = new ResizeObserver(() => this.measure());
  private overhang = 0; // pixels of the strip that do not fit into its view
  private readonly title = h("h3", { class: "title", "data-testid": "seen" });
  private readonly fact = h("span", { class: "time-fact", "data-testid": "disagreement-now" });
  private readonly far = h("span", { class: "disagreement-of-ahead" });
  private longest = 1;
  private readonly hide = h("input", { type: "checkbox" });
  private readonly stopDrag: () => void;
  readonly element: HTMLElement;

  constructor(private readonly on: StripEvents) {
    this.hide.addEventListener("change", () => on.hide(this.hide.checked));
    this.surface.append(this.line);
    this.stopDrag = draggable(this.surface, (event) => this.begin(event));
    this.surface.addEventListener("keydown", (event) => this.key(event));
    const bar = h("span", { class: "scale-bar" });
    bar.style.background = scaleGradient();
    this.element = h(
      "section",
      { class: "time-film", "aria-label": "The sequence" },
      h(
        "header",
        { class: "head" },
        this.title,
        this.fact,
        h(
          "div",
          { class: "controls" },
          h(
            "div",
            {
              class: "scale time-scale",
              title: "Standard deviation of a pixel over draws of the belief; pixels lie in [0, 1]",
            },
            h("span", {}, "σ 0"),
            bar,
            h("span", {}, "0.5"),
          ),
          h("label", { class: "check" }, this.hide, h("span", {}, "Hide what is to come")),
        ),
      ),
      this.view,
    );
    this.view.append(
      h(
        "div",
        { class: "time-strip" },
        h("span", { class: "row-name", "aria-hidden": "true" }),
        this.numbers,
        this.name("Frames", "What the sequence shows: seen up to the playhead, then to come"),
        this.frames.element,
        this.name(
          "Believed",
          "The mean of the belief after each frame, decoded: what the model thinks the frame shows",
        ),
        this.means.element,
        this.name("Unsure", "Standard deviation of each pixel over 16 draws of the belief"),
        this.spreads.element,
        this.name(
          "Draws differ",
          "By how much the pictures of 16 draws of the belief differ: root mean square of a pixel's standard deviation, pixels in [0, 1]. Small where the belief knows what the picture shows.",
          h(
            "span",
            { class: "disagreement-key" },
            this.far,
            h("span", { class: "disagreement-of-now" }, "now"),
            this.disagreement.scale,
          ),
        ),
        this.disagreement.element,
        this.surface,
      ),
    );
    this.observer.observe(this.view);
  }

  private name(text: string, explanation: string, more: HTMLElement | null = null): HTMLElement {
    return h("div", { class: "row-name", title: explanation }, h("span", {}, text), more);
  }

  /** Makes room for sequences of a length, by a model that jumps at most so many frames. */
  setLength(length: number, longest: number): void {
    this.longest = longest;
    setText(this.far, ahead(longest));
    if (length === this.length) return;
    this.length = length;
    this.element.style.setProperty("--lx-frames", String(length));
    this.surface.setAttribute("aria-valuemax", String(length));
    for (const row of [this.frames, this.means, this.spreads]) row.resize(length);
    const step = every(length);
    this.numbers.replaceChildren(
      ...Array.from({ length }, (_, i) =>
        h("span", {}, i === 0 || (i + 1) % step === 0 ? String(i + 1) : ""),
      ),
    );
    this.measure();
  }

  paint(answer: FrameAnswer): void {
    const { pixels, groups, shape } = answer;
    this.frames.paint(pixels, groups.frames, shape);
    this.means.paint(pixels, groups.means, shape);
    if (groups.spreads) this.paintSpreads(pixels, groups.spreads, shape);
    if (answer.disagreement) this.disagreement.set(answer.disagreement);
    this.show(this.seen);
  }

  private paintSpreads(
    pixels: Uint8Array,
    span: { first: number; count: number },
    shape: Shape,
  ): void {
    const coloured = heat(pixels, span, shape);
    this.spreads.paint(coloured.pixels, { first: 0, count: span.count }, coloured.shape);
  }

  show(seen: number): void {
    this.seen = seen;
    for (const row of [this.frames, this.means, this.spreads])
      row.cells.forEach((cell, i) => {
        cell.classList.toggle("lx-to-come", i >= seen);
      });
    this.line.style.left = `${(100 * seen) / Math.max(1, this.length)}%`;
    if (this.overhang > 0) this.follow();
    const left = this.length - seen;
    setText(this.title, `Seen: ${seen} of ${this.length} frames`);
    const text = `${seen} frames seen, ${left} to come`;
    this.surface.setAttribute("aria-valuenow", String(seen));
    this.surface.setAttribute("aria-valuetext", text);
    const differ = this.disagreement.at(seen);
    if (!differ) return;
    const told = `draws differ by ${written(differ.ahead)} ${ahead(this.longest)}, ${written(differ.now)} now`;
    setText(this.fact, told);
    this.disagreement.describe(told);
  }

  private measure(): void {
    const { scrollWidth, clientWidth } = this.view;
    this.overhang = scrollWidth - clientWidth;
    if (this.overhang > 0) this.follow();
  }

  /** Keeps the playhead in sight where the strip is wider than its window. */
  private follow(): void {
    const { scrollLeft, clientWidth } = this.view;
    const place = this.surface.offsetLeft + this.line.offsetLeft;
    const to = scrolledTo(place, scrollLeft, clientWidth);
    if (to !== scrollLeft) this.view.scrollLeft = to;
  }

  private begin(event: PointerEvent) {
    event.preventDefault();
    this.surface.focus({ preventScroll: true });
    this.on.start();
    this.element.classList.add("lx-dragging");
    const move = (e: PointerEvent) => {
      const { left, width } = this.surface.getBoundingClientRect();
      this.on.move(seenAt((e.clientX - left) / width, this.length), e.timeStamp);
    };
    move(event);
    return {
      move,
      up: (e: PointerEvent) => {
        this.element.classList.remove("lx-dragging");
        move(e);
        this.on.end();
      },
      cancel: () => {
        this.element.classList.remove("lx-dragging");
        this.on.cancel();
      },
    };
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    const to =
      event.key === "Home"
        ? 1
        : event.key === "End"
          ? this.length
          : step === undefined
            ? null
            : this.seen + step;
    if (to === null) return;
    event.preventDefault();
    this.on.step(to, event.timeStamp);
  }

  /** Hides what is to come, or shows it again. */
  toggle(): void {
    this.hide.click();
  }

  stop(): void {
    this.stopDrag();
    this.observer.disconnect();
  }
}
