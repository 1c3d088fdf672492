// The residual of a picture: x minus its reconstruction at each pixel, in diverging colours, with its scale.
import type { Rgb, Tone } from "../../map/colours";
import { pack, parseHex } from "../../map/colours";
import type { Shape } from "../../messages.gen";

/** Signed differences, the mean of the channels at each pixel, and what they sum up to. */
export interface Residual {
  /** One value a pixel, -1 to 1; a picture's rows one after another. */
  values: Float32Array;
  /** Mean squared error over all pixels and channels. */
  mse: number;
  /** The value that all but the largest hundredth stay under, whatever their sign. */
  extent: number;
}

/** Compares two pictures of one shape, each `bytes` from `offset` on. */
export function residual(
  x: Uint8Array,
  xOffset: number,
  y: Uint8Array,
  yOffset: number,
  shape: Shape,
): Residual {
  const [channels, height, width] = shape;
  const values = new Float32Array(height * width);
  const sizes = new Float32Array(values.length);
  let squares = 0;
  for (let i = 0, at = 0; i < values.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at++) {
      const gap = (x[xOffset + at] - y[yOffset + at]) / 255;
      sum += gap;
      squares += gap * gap;
    }
    values[i] = sum / channels;
    sizes[i] = Math.abs(values[i]);
  }
  sizes.sort();
  const extent = sizes[Math.floor(0.99 * (sizes.length - 1))];
  return { values, mse: squares / (channels * values.length), extent };
}

/** Ends of the scale that are easy to read. */
const SCALES = [0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** The scale for an extent: never smaller than the one in use, so that colours keep their meaning in a drag. */
export const scaleFor = (extent: number, inUse = 0): number =>
  Math.max(inUse, SCALES.find((s) => s >= extent) ?? 1);

/** Peak signal-to-noise ratio of pictures in [0, 1], in dB. */
export const psnr = (mse: number): number => -10 * Math.log10(Math.max(mse, 1e-10));

const STOPS: Record<Tone, readonly [string, string, string, string, string]> = {
  light: ["#1d4f91", "#7fb0de", "#f6f6f7", "#f2a07b", "#b3261e"],
  dark: ["#9cc9ff", "#3a76b8", "#191c22", "#b4503a", "#ffb199"],
};
const STEPS = 255;

/** The colour at t in [-1, 1]: blue where the reconstruction is too bright, red where it is too dark. */
export function diverging(t: number, tone: Tone): Rgb {
  const stops = STOPS[tone].map(parseHex);
  const at = (Math.min(1, Math.max(-1, t)) + 1) * 2;
  const low = Math.min(stops.length - 2, Math.floor(at));
  const mix = (i: 0 | 1 | 2) =>
    Math.round(stops[low][i] + (at - low) * (stops[low + 1][i] - stops[low][i]));
  return [mix(0), mix(1), mix(2)];
}

export const gradient = (tone: Tone): string =>
  `linear-gradient(to right, ${STOPS[tone].join(", ")})`;

const palettes = new Map<Tone, Uint32Array>();

function palette(tone: Tone): Uint32Array {
  let colours = palettes.get(tone);
  if (!colours) {
    colours = Uint32Array.from({ length: STEPS }, (_, i) =>
      pack(diverging((2 * i) / (STEPS - 1) - 1, tone)),
    );
    palettes.set(tone, colours);
  }
  return colours;
}

/** The residual as opaque pixels (little-endian RGBA); `scale` is the value of the last colour. */
export function shade(values: Float32Array, scale: number, tone: Tone): Uint32Array {
  const colours = palette(tone);
  const pixels = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const t = Math.min(1, Math.max(-1, values[i] / scale));
    pixels[i] = colours[Math.round(((t + 1) / 2) * (STEPS - 1))];
  }
  return pixels;
}
