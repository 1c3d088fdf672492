// Imagined futures as an animation beside the true one, and as a strip with all steps.
import { h, setText, svg } from "../../dom";
import type { Shape } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { Film } from "./draws";
import { describe, following, type Moment, timeline } from "./playback";
import type { FrameAnswer } from "./wire";

const BEAT_MS = 160;
const GLYPHS = { play: "M5 3.2v9.6L12.5 8Z", pause: "M4.5 3.5h2.6v9H4.5ZM8.9 3.5h2.6v9H8.9Z" };
const NOTHING: readonly [number, number, number] = [128, 128, 128];

/** What is played: the sequence, and the futures of one answer. */
interface Reel {
  film: Film;
  pixels: Uint8Array;
  first: number;
  samples: number;
  steps: number;
  moments: Moment[];
}

interface Cell {
  element: HTMLElement;
  picture: PictureCanvas;
  strip: HTMLCanvasElement;
  row: HTMLElement;
}

export class Player {
  private reel: Reel | null = null;
  private at = 0;
  private hidden = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private cells: Cell[] = [];
  private readonly big = h("div", { class: "futures", "data-testid": "futures" });
  private readonly marker = h("div", { class: "future-marker", "aria-hidden": "true" });
  private readonly end = h("div", { class: "future-end", "aria-hidden": "true" });
  private readonly overlay = h("div", { class: "future-overlay" }, this.end, this.marker);
  private readonly rows = h(
    "div",
    { class: "future-rows", "data-testid": "future-rows" },
    this.overlay,
  );
  private readonly play = h("button", {
    type: "button",
    class: "button icon-button play",
    "data-testid": "play",
  });
  private readonly glyph = svg("path");
  private readonly scrub = h("input", {
    type: "range",
    class: "time-range",
    min: "0",
    step: "1",
    "aria-label": "Moment of the futures",
    "data-testid": "scrub",
  });
  private readonly moment = h("output", { class: "time-moment", "data-testid": "moment" });
  private readonly note = h("p", { class: "time-note", "data-testid": "beyond" });
  readonly element: HTMLElement;

  constructor(controls: HTMLElement) {
    const image = svg("svg", { viewBox: "0 0 16 16", class: "lx-icon", "aria-hidden": "true" });
    image.append(this.glyph);
    this.play.append(image);
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => {
      this.pause();
      this.go(this.scrub.valueAsNumber);
    });
    this.rows.addEventListener("pointerdown", (event) => this.point(event));
    this.element = h(
      "section",
      { class: "time-futures", "aria-label": "Imagined futures" },
      h(
        "header",
        { class: "head" },
        h(
          "div",
          { class: "time-title" },
          h("h3", { class: "title" }, "Imagined futures"),
          h("span", { class: "symbol" }, "z′ ~ p_T(z′|z), again and again"),
        ),
        controls,
      ),
      this.big,
      h("div", { class: "transport" }, this.play, this.scrub, this.moment),
      this.rows,
      this.note,
    );
    this.showPlaying();
  }

  get playing(): boolean {
    return this.timer !== undefined;
  }

  /** Whether what is shown is no longer what is asked for. */
  stale(stale: boolean): void {
    this.element.classList.toggle("lx-stale", stale);
  }

  hide(hidden: boolean): void {
    this.hidden = hidden;
    this.paintRows();
    this.paint();
  }

  /** Takes the futures of an answer; the film is the sequence that they go on from. */
  take(answer: FrameAnswer, film: Film, samples: number): void {
    const span = answer.groups.future;
    if (!span || samples < 1) return;
    const steps = span.count / samples;
    const moments = timeline(answer.seen, answer.by, steps);
    const fresh = this.reel === null || this.reel.moments.length !== moments.length;
    this.reel = { film, pixels: answer.pixels, first: span.first, samples, steps, moments };
    this.build(samples + 1);
    this.scrub.max = String(moments.length - 1);
    if (fresh || this.at >= moments.length)
      this.at = Math.max(
        0,
        moments.findIndex((m) => m.step === 0),
      );
    this.element.style.setProperty("--lx-moments", String(moments.length));
    this.sayEnd(moments, film);
    this.stale(false);
    this.paintRows();
    this.paint();
  }

  private sayEnd(moments: Moment[], film: Film): void {
    const beyond = moments.findIndex((m) => m.frame > film.count);
    this.end.hidden = beyond < 0;
    this.end.style.left = `${(100 * Math.max(0, beyond)) / moments.length}%`;
    setText(
      this.note,
      beyond < 0
        ? ""
        : `The sequence ends with frame ${film.count}. Beyond it there is no true future to hold the samples against.`,
    );
  }

  private build(count: number): void {
    this.big.style.setProperty("--lx-cells", String(count));
    while (this.cells.length > count) {
      const cell = this.cells.pop();
      cell?.element.remove();
      cell?.row.remove();
    }
    while (this.cells.length < count) {
      const index = this.cells.length;
      const name = index === 0 ? "True future" : `Sample ${index}`;
      const canvas = h("canvas", { class: "frame-picture", role: "img", "aria-label": name });
      const strip = h("canvas", {
        class: "future-strip",
        role: "img",
        "aria-label": `${name}, all steps`,
      });
      const short = index === 0 ? "true" : String(index);
      const element = h(
        "div",
        { class: `cell${index === 0 ? " cell-true" : ""}` },
        h("div", { class: "cell-picture" }, canvas),
        h("span", { class: "cell-note" }, name),
      );
      const row = h(
        "div",
        { class: "future-row" },
        h("span", { class: "row-name" }, short),
        h("div", { class: "future-track" }, strip),
      );
      this.cells.push({ element, picture: new PictureCanvas(canvas), strip, row });
      this.big.append(element);
      this.rows.append(row);
    }
  }

  toggle(): void {
    if (this.playing) this.pause();
    else {
      if (!this.reel) return;
      this.timer = setInterval(
        () => this.go(following(this.at, this.reel?.moments.length ?? 0)),
        BEAT_MS,
      );
      this.showPlaying();
    }
  }

  pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.showPlaying();
  }

  private showPlaying(): void {
    const name = this.playing ? "Pause" : "Play";
    this.glyph.setAttribute("d", GLYPHS[this.playing ? "pause" : "play"]);
    this.play.setAttribute("aria-label", name);
    this.play.title = name;
  }

  private go(at: number): void {
    this.at = at;
    this.paint();
  }

  /** Some moments on or back, around the ends. */
  step(by: -1 | 1): void {
    this.pause();
    this.go(following(this.at, this.reel?.moments.length ?? 0, by));
  }

  /** A press on the strip goes to the moment under it. */
  private point(event: PointerEvent): void {
    if (!this.reel || event.button !== 0) return;
    const { left, width } = this.overlay.getBoundingClientRect();
    const share = (event.clientX - left) / width;
    if (share < 0 || share >= 1) return;
    this.pause();
    this.go(Math.floor(share * this.reel.moments.length));
  }

  /** The picture of a cell at a moment: pixels and the place in them; null where there is none to show. */
  private source(
    reel: Reel,
    cell: number,
    moment: Moment,
  ): { pixels: Uint8Array; place: number } | null {
    const { film } = reel;
    if (moment.step < 0) return { pixels: film.pixels, place: moment.frame - 1 };
    if (cell === 0)
      return this.hidden || moment.frame > film.count
        ? null
        : { pixels: film.pixels, place: moment.frame - 1 };
    return { pixels: reel.pixels, place: reel.first + (cell - 1) * reel.steps + moment.step };
  }

  private paint(): void {
    const { reel } = this;
    const moment = reel?.moments[this.at];
    if (!reel || !moment) return;
    this.cells.forEach(({ element, picture }, i) => {
      const from = this.source(reel, i, moment);
      element.classList.toggle("lx-unknown", from === null);
      element.classList.toggle("lx-hidden-truth", from === null && moment.frame <= reel.film.count);
      element.classList.toggle("lx-seen", moment.step < 0);
      if (from) picture.paint(from.pixels, from.place, reel.film.shape);
    });
    const text = describe(moment, reel.film.count);
    setText(this.moment, text);
    this.scrub.value = String(this.at);
    this.scrub.setAttribute("aria-valuetext", text);
    this.marker.style.left = `${(100 * this.at) / reel.moments.length}%`;
  }

  private paintRows(): void {
    const { reel } = this;
    if (!reel) return;
    this.cells.forEach(({ strip }, cell) => {
      const sources = reel.moments.map((moment) => this.source(reel, cell, moment));
      paintStrip(strip, sources, reel.film.shape);
    });
  }

  stop(): void {
    this.pause();
  }
}

/** Columns of a strip's canvas that each picture takes, the gap behind it included. */
export const pitch = (width: number): number => width + Math.max(1, Math.round(width / 14));

/** Paints pictures side by side onto one canvas, a gap behind each, grey where there is none. */
function paintStrip(
  canvas: HTMLCanvasElement,
  sources: readonly ({ pixels: Uint8Array; place: number } | null)[],
  shape: Shape,
): void {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const step = pitch(width);
  canvas.width = step * sources.length;
  canvas.height = height;
  const image = new ImageData(canvas.width, height);
  for (const [column, source] of sources.entries())
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = source ? source.place * size + (y * width + x) * channels : 0;
        const to = 4 * (y * canvas.width + column * step + x);
        for (let c = 0; c < 3; c++)
          image.data[to + c] = source ? source.pixels[at + Math.min(c, channels - 1)] : NOTHING[c];
        image.data[to + 3] = source ? 255 : 40;
      }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
