// Ways side by side: a picture of each, one scrubber for all, and a strip of each.

import { keyHint, type ShortcutGroup, Shortcuts, shortcut } from "../core/shortcuts";
import { h, setText, svg } from "../dom";
import { spoken, verdict } from "../gauge";
import { Sheet } from "../sheet";
import { watchTheme } from "../theme";
import { Loading, waitForSheets } from "../ui/loading";
import { describe, frameAt, stripFrames } from "./playback";
import type { PathsData, Way } from "./types";

const BEAT_MS = 60;
const STRIP = 17;
const GLYPHS = { play: "M5 3.2v9.6L12.5 8Z", pause: "M4.5 3.5h2.6v9H4.5ZM8.9 3.5h2.6v9H8.9Z" };

interface Lane {
  way: Way;
  sheet: Sheet;
  canvas: HTMLCanvasElement;
  gauge: HTMLElement;
}

export class Player {
  private data: PathsData;
  private lanes: Lane[] = [];
  private at = 0;
  private request = 0;
  private shown = "";
  private readonly cells = h("div", { class: "way-cells" });
  private readonly strips = h("div", { class: "way-strips", "data-testid": "way-strips" });
  private readonly glyph = svg("path");
  private readonly play = h("button", {
    type: "button",
    class: "button icon-button play",
    "data-testid": "play",
  });
  private readonly scrub = h("input", {
    type: "range",
    class: "time-range",
    min: "0",
    step: "1",
    "aria-label": "Frame of the ways",
    "data-testid": "scrub",
  });
  private readonly moment = h("output", { class: "way-moment", "data-testid": "moment" });
  private readonly marker = h("div", { class: "way-marker", "aria-hidden": "true" });
  private readonly probe = h("div", { class: "probe", "aria-hidden": "true" });
  private readonly shortcuts: Shortcuts;
  private readonly loading = new Loading(() => {
    for (const { sheet } of this.lanes) sheet.load();
  });
  readonly element: HTMLElement;
  private readonly unwatch: () => void;

  constructor(parent: HTMLElement, data: PathsData) {
    this.data = data;
    const image = svg("svg", { viewBox: "0 0 16 16", class: "lx-icon", "aria-hidden": "true" });
    image.append(this.glyph);
    this.play.append(image);
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => {
      this.pause();
      this.go(this.scrub.valueAsNumber);
    });
    this.strips.addEventListener("pointerdown", (event) => this.point(event));
    const root = h("div", { class: "stage ways", "data-testid": "ways", tabindex: "-1" });
    this.element = root;
    this.shortcuts = new Shortcuts(root, () => this.keys());
    root.append(
      this.probe,
      this.cells,
      h("div", { class: "way-transport" }, this.play, this.scrub, this.moment),
      this.strips,
      h(
        "footer",
        { class: "foot" },
        h("span", { class: "hint" }, "Space plays, arrow keys step. ", this.shortcuts.button),
      ),
      this.shortcuts.element,
      this.loading.element,
    );
    parent.append(this.element);
    this.unwatch = watchTheme(this.element, this.probe, () => {});
    this.showPlaying();
    this.update(data);
  }

  update(data: PathsData): void {
    const fingerprint = JSON.stringify(data);
    if (fingerprint === this.shown) return;
    this.shown = fingerprint;
    const share = this.at / Math.max(1, this.data.count - 1);
    this.data = data;
    this.scrub.max = String(data.count - 1);
    this.at = Math.round(share * (data.count - 1));
    this.build();
  }

  dispose(): void {
    this.pause();
    this.unwatch();
    this.shortcuts.stop();
    this.loading.stop();
    this.element.remove();
  }

  private build(): void {
    const { shape, count, ways } = this.data;
    this.element.style.setProperty("--lx-ways", String(ways.length));
    this.lanes = ways.map((way) => {
      const canvas = h("canvas", { class: "frame-picture", role: "img", "aria-label": way.title });
      return {
        way,
        sheet: new Sheet(way.sheet, 1, shape),
        canvas,
        gauge: h("span", { class: "way-gauge", "data-testid": `gauge-${way.kind}` }),
      };
    });
    waitForSheets(
      this.loading,
      this.lanes.map(({ sheet }) => sheet),
    );
    this.cells.replaceChildren(...this.lanes.map((lane) => this.cell(lane)));
    const frames = stripFrames(count, STRIP);
    this.marker.style.width = `${100 / frames.length}%`;
    this.strips.replaceChildren(
      ...this.lanes.map((lane) => this.strip(lane, frames)),
      h("div", { class: "way-overlay" }, this.marker),
    );
    for (const lane of this.lanes) lane.sheet.ready(() => this.paint());
    this.paint();
  }

  private cell({ way, canvas, gauge }: Lane): HTMLElement {
    const dot = h("span", { class: "way-dot", "aria-hidden": "true" });
    dot.style.background = way.colour;
    const box = h("div", { class: "cell-picture" }, canvas);
    return h(
      "div",
      { class: "way-cell", "data-testid": `way-${way.kind}` },
      h("div", { class: "way-name" }, dot, way.title),
      box,
      gauge,
      ...way.facts.map((fact) => h("div", { class: "way-fact" }, fact)),
    );
  }

  private strip({ way, sheet }: Lane, frames: readonly number[]): HTMLElement {
    const [, height, width] = this.data.shape;
    const gap = Math.max(1, Math.round(width / 14));
    const canvas = h("canvas", {
      class: "way-strip",
      role: "img",
      "aria-label": `${way.title}, ${frames.length} frames`,
    });
    canvas.width = frames.length * (width + gap);
    canvas.height = height;
    sheet.ready(() => {
      for (const [column, frame] of frames.entries())
        sheet.copy(frame, canvas, column * (width + gap), 0);
    });
    const edge = h("div", { class: "way-edge", "aria-hidden": "true" });
    edge.style.background = way.colour;
    return h("div", { class: "way-row" }, edge, canvas);
  }

  private keys(): ShortcutGroup[] {
    const to = (frame: number) => {
      this.pause();
      this.go(Math.min(this.data.count - 1, Math.max(0, frame)));
    };
    return [
      {
        title: "Playing",
        shortcuts: [
          shortcut(" ", "Play there and back, pause", () => this.toggle()),
          shortcut("ArrowRight", "A frame on", () => to(this.at + 1), true),
          shortcut("ArrowLeft", "A frame back", () => to(this.at - 1), true),
          keyHint("Home / End", "The first, the last frame, with the slider in focus"),
        ],
      },
    ];
  }

  private toggle(): void {
    if (this.request) this.pause();
    else this.start();
  }

  private start(): void {
    const begin = performance.now() - this.at * BEAT_MS;
    const tick = (now: number) => {
      this.request = requestAnimationFrame(tick);
      const frame = frameAt((now - begin) / BEAT_MS, this.data.count);
      if (frame !== this.at) this.go(frame);
    };
    this.request = requestAnimationFrame(tick);
    this.showPlaying();
  }

  pause(): void {
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.showPlaying();
  }

  private showPlaying(): void {
    const name = this.request ? "Pause" : "Play";
    this.glyph.setAttribute("d", GLYPHS[this.request ? "pause" : "play"]);
    this.play.setAttribute("aria-label", name);
    this.play.title = name;
  }

  private go(frame: number): void {
    this.at = frame;
    this.paint();
  }

  /** A press on the strips goes to the frame under it. */
  private point(event: PointerEvent): void {
    const overlay = this.marker.parentElement;
    if (!overlay || event.button !== 0) return;
    const { left, width } = overlay.getBoundingClientRect();
    const share = Math.min(0.999, Math.max(0, (event.clientX - left) / width));
    const frames = stripFrames(this.data.count, STRIP);
    this.pause();
    this.go(frames[Math.floor(share * frames.length)] ?? 0);
  }

  private paint(): void {
    const { count, names } = this.data;
    for (const { way, sheet, canvas, gauge } of this.lanes) {
      sheet.paint(this.at, canvas);
      const percentile = way.percentile[this.at];
      const stop = way.stops.indexOf(this.at);
      const says = percentile === undefined ? [] : [spoken(percentile)];
      if (stop >= 0) says.push(names[stop]);
      setText(gauge, says.join(" · "));
      gauge.dataset["verdict"] = percentile === undefined ? "" : verdict(percentile);
    }
    const text = describe(this.at, count);
    setText(this.moment, text);
    this.scrub.value = String(this.at);
    this.scrub.setAttribute("aria-valuetext", text);
    const shown = stripFrames(count, STRIP).length;
    const share = count > 1 ? this.at / (count - 1) : 0;
    this.marker.style.left = `${share * (100 - 100 / shown)}%`;
  }
}
