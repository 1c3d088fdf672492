// The residual's picture and its scale.

import { h, setText } from "../../dom";
import type { Tone } from "../../map/colours";
import type { Shape } from "../../messages.gen";
import { gradient, type Residual, scaleFor, shade } from "./residual";

export class ResidualView {
  readonly canvas = h("canvas", {
    class: "picture",
    "data-testid": "picture-residual",
    role: "img",
    "aria-label": "Residual: input minus reconstruction",
  });
  private readonly bar = h("span", { class: "scale-bar" });
  private readonly low = h("span", {});
  private readonly high = h("span", {});
  readonly legend = h(
    "div",
    { class: "scale", title: "Input minus reconstruction, the mean of the channels at each pixel" },
    this.low,
    this.bar,
    this.high,
  );
  private readonly context = this.canvas.getContext("2d", { alpha: false });
  private tone: Tone = "light";
  private scale = 0;
  private last: { residual: Residual; shape: Shape } | null = null;

  setTone(tone: Tone): void {
    this.tone = tone;
    this.bar.style.background = gradient(tone);
    if (this.last) this.paint(this.last.residual, this.last.shape);
  }

  /** Another image: its scale starts anew. */
  forget(): void {
    this.scale = 0;
  }

  paint(residual: Residual, shape: Shape): void {
    const [, height, width] = shape;
    this.last = { residual, shape };
    const scale = scaleFor(residual.extent, this.scale);
    if (scale !== this.scale) {
      this.scale = scale;
      setText(this.low, `−${scale}`);
      setText(this.high, `+${scale}`);
    }
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const pixels = shade(residual.values, scale, this.tone);
    const bytes = new Uint8ClampedArray(pixels.buffer as ArrayBuffer);
    this.context?.putImageData(new ImageData(bytes, width, height), 0, 0);
    this.canvas.classList.add("lx-painted");
  }
}
