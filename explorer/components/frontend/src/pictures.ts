// Paints raw RGB or grey bytes onto a canvas at their native size; CSS scales it.
import type { Shape } from "./messages.gen";

/** Writes one picture's bytes as opaque RGBA pixels (little-endian). */
export function expand(
  bytes: Uint8Array,
  offset: number,
  channels: number,
  into: Uint32Array,
): void {
  if (channels === 1) {
    for (let i = 0; i < into.length; i++)
      into[i] = 0xff000000 | Math.imul(bytes[offset + i], 0x010101);
    return;
  }
  for (let i = 0, at = offset; i < into.length; i++, at += 3)
    into[i] = 0xff000000 | (bytes[at + 2] << 16) | (bytes[at + 1] << 8) | bytes[at];
}

/** A canvas that is painted again and again; its ImageData is made once a size. */
export class PictureCanvas {
  private context: CanvasRenderingContext2D | null;
  private image: ImageData | null = null;
  private pixels = new Uint32Array(0);

  constructor(readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d", { alpha: false });
  }

  paint(bytes: Uint8Array, index: number, shape: Shape): void {
    const [channels, height, width] = shape;
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.canvas.classList.add("lx-painted");
    }
    expand(bytes, index * channels * height * width, channels, this.pixels);
    this.context?.putImageData(this.image, 0, 0);
  }

  /** Copies another canvas (a cached small picture). */
  copy(source: HTMLCanvasElement): void {
    this.image = null;
    this.canvas.width = source.width;
    this.canvas.height = source.height;
    this.context?.drawImage(source, 0, 0);
    this.canvas.classList.add("lx-painted");
  }
}
