// Standard deviations as colours: a fixed scale, so that any two pictures compare.
import { viridis } from "../../map/colours";
import type { Shape } from "../../messages.gen";

/** The standard deviation that the brightest level stands for. */
export const MOST = 0.5;

const LEVELS: readonly (readonly [number, number, number])[] = Array.from(
  { length: 256 },
  (_, i) => viridis(i / 255) as [number, number, number],
);

/** Pictures of levels as pictures in colour; several channels are averaged. */
export function heat(
  pixels: Uint8Array,
  span: { first: number; count: number },
  [channels, height, width]: Shape,
): { pixels: Uint8Array; shape: Shape } {
  const places = span.count * height * width;
  const start = span.first * channels * height * width;
  const found = new Uint8Array(3 * places);
  for (let place = 0; place < places; place++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += pixels[start + place * channels + c];
    found.set(LEVELS[Math.round(sum / channels)], 3 * place);
  }
  return { pixels: found, shape: [3, height, width] };
}

/** The scale as a CSS gradient. */
export const scaleGradient = (): string =>
  `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1]
    .map((t) => `rgb(${viridis(t).join(" ")})`)
    .join(", ")})`;
