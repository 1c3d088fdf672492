// A picture as a file of the visitor's own: each pixel a square, so that a small picture can be seen.

const LEAST_SIDE = 512;

/** How many pixels a side each pixel gets, so that the shorter side is at least 512. */
export const enlarged = (width: number, height: number): number =>
  Math.max(1, Math.ceil(LEAST_SIDE / Math.max(1, Math.min(width, height))));

/** Saves a canvas as PNG, enlarged. Rejects where the browser makes none. */
export async function download(source: HTMLCanvasElement, name: string): Promise<void> {
  const scale = enlarged(source.width, source.height);
  const canvas = document.createElement("canvas");
  canvas.width = scale * source.width;
  canvas.height = scale * source.height;
  const context = canvas.getContext("2d");
  if (context) {
    context.imageSmoothingEnabled = false;
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
  }
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("The browser made no PNG of the picture. Try again.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
