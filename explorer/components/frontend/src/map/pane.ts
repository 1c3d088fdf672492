// A large picture with its off-data gauge and its nearest real item.
import { h, setText } from "../dom";
import { Gauge } from "../gauge";
import { type Item, itemName, labelLine } from "../items";
import type { GaugeReading as Reading, Shape } from "../messages.gen";
import { PictureCanvas } from "../pictures";
import type { HandleName } from "../types";

/** How long a picture is pressed before its image shows: a click only makes the handle active. */
const HOLD_MS = 180;

export class Pane {
  private readonly start = new PictureCanvas(h("canvas", { class: "picture start-picture" }));
  private readonly startName = h("span", { class: "start-name" });
  private readonly startBox = h("div", { class: "start", "aria-hidden": "true" });
  private holdTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly picture: PictureCanvas;
  private readonly gauge: Gauge;
  private readonly bits = h("span", { class: "likely-bits" });
  private readonly nats = h("span", { class: "likely-nats" });
  private readonly likely = h(
    "div",
    {
      class: "likely",
      title:
        "A bound on the likelihood of this picture, from the density averaged over draws of the noise on its grey levels: " +
        "bits for each of its numbers (less is likelier), and log P(x) of the whole picture.",
    },
    this.bits,
    this.nats,
  );
  private readonly nearest = new PictureCanvas(h("canvas", { class: "nearest-picture" }));
  private readonly nearestName = h("span", { class: "nearest-name" }, "–");
  private readonly nearestLabels = h("span", { class: "nearest-labels" });
  private readonly nearestCard: HTMLButtonElement;
  private readonly original: PictureCanvas;
  private shownItem: Item | null = null;
  private shownOriginal: Item | undefined;
  readonly element: HTMLElement;
  reading: Reading | null = null;

  /**
   * Arguments:
   *   pick: Puts the handle onto its nearest real item.
   *   activate: Makes the handle the active one.
   *   started: The image that the handle was taken from, once it has come.
   */
  constructor(
    readonly name: HandleName,
    pick: () => void,
    activate: () => void,
    private readonly started: () => Item | undefined,
  ) {
    const canvas = h("canvas", {
      class: "picture",
      "data-testid": `picture-${name}`,
      role: "img",
      "aria-label": `Decoded picture ${name}`,
    });
    this.picture = new PictureCanvas(canvas);
    this.original = new PictureCanvas(
      h("canvas", {
        class: "original",
        "data-testid": `original-${name}`,
        role: "img",
        title: "Your picture, as it was taken",
        "aria-label": `Your picture under handle ${name}, as it was taken`,
        hidden: "",
      }),
    );
    this.gauge = new Gauge(name);
    this.nearestCard = h(
      "button",
      { type: "button", class: "nearest", title: `Put ${name} on this item` },
      this.nearest.canvas,
      h(
        "span",
        { class: "nearest-text" },
        h("span", { class: "nearest-title" }, "Nearest real item"),
        this.nearestName,
        this.nearestLabels,
      ),
    );
    this.nearestCard.addEventListener("click", pick);
    this.startBox.append(this.start.canvas, this.startName);
    this.startBox.hidden = true;
    const frame = h(
      "div",
      { class: "picture-frame", title: "Press and hold: the image that it comes from (key O)" },
      canvas,
      this.original.canvas,
      this.startBox,
      h("span", { class: "badge", "aria-hidden": "true" }, name),
    );
    frame.addEventListener("click", activate);
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      clearTimeout(this.holdTimer);
      this.holdTimer = setTimeout(() => this.hold(true), HOLD_MS);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"])
      frame.addEventListener(end, () => this.hold(false));
    frame.addEventListener("contextmenu", (event) => {
      if (!this.startBox.hidden) event.preventDefault(); // a finger that holds
    });
    this.showLikelihood(null, 0);
    this.element = h(
      "section",
      { class: `pane pane-${name.toLowerCase()}`, "aria-label": `Picture ${name}` },
      frame,
      this.gauge.element,
      this.likely,
      this.nearestCard,
    );
  }

  /** Shows the image that the handle was taken from, in place of the picture; gives its name. */
  hold(shown: boolean): string {
    clearTimeout(this.holdTimer);
    const item = shown ? this.started() : undefined;
    this.startBox.hidden = item === undefined;
    if (!item) return "";
    this.start.copy(item.canvas);
    const name = itemName(item);
    const what = item.source === "original" ? "Original" : "Reconstruction";
    setText(this.startName, `${what} ${name}`);
    return `${this.name}: ${what} ${name}`;
  }

  paint(pixels: Uint8Array, index: number, shape: Shape): void {
    this.picture.paint(pixels, index, shape);
  }

  read(reading: Reading): void {
    this.reading = reading;
    this.gauge.set(reading.percentile);
  }

  /** Shows log P(x) in nats and bits for each number; null where the model gives none. */
  showLikelihood(nats: number | null, bits: number): void {
    this.likely.hidden = nats === null;
    if (nats === null) return;
    this.likely.classList.remove("lx-stale");
    setText(this.bits, `${bits.toFixed(3)} bits/dim`);
    setText(this.nats, `log P(x) ${nats < 0 ? "−" : ""}${Math.abs(nats).toFixed(1)} nats`);
  }

  /** The picture has moved on since its likelihood was asked for. */
  staleLikelihood(): void {
    this.likely.classList.add("lx-stale");
  }

  /** Shows the nearest real item; the former one stays until the new one has come. */
  showNearest(item: Item | undefined): void {
    if (!item || item === this.shownItem) return;
    this.shownItem = item;
    this.nearest.copy(item.canvas);
    setText(this.nearestName, `${itemName(item)} · ${item.source}`);
    setText(this.nearestLabels, labelLine(item.labels));
    this.nearestLabels.title = labelLine(item.labels);
  }

  /** Shows the person's own picture that the handle holds; undefined where it holds none. */
  showOriginal(item: Item | undefined): void {
    if (item === this.shownOriginal) return;
    this.shownOriginal = item;
    this.original.canvas.hidden = !item;
    if (item) this.original.copy(item.canvas);
  }

  setActive(active: boolean): void {
    this.element.classList.toggle("lx-active", active);
  }

  forget(): void {
    this.shownItem = null;
    this.showOriginal(undefined);
    this.reading = null;
  }
}
