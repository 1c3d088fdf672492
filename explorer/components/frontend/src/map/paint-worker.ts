// The worker that indexes and draws a map's points.
import type { PaintAnswer, PaintRequest } from "./paint-messages";
import { Painter } from "./painter";

const painter = new Painter();
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d");
let generation = 0;
let indexing: ReturnType<typeof setTimeout> | undefined;

const answer = (message: PaintAnswer, transfer: Transferable[]) =>
  (self as unknown as Worker).postMessage(message, transfer);

function index(): void {
  clearTimeout(indexing);
  if (painter.picker) return;
  const { data, bounds } = painter.index();
  const tree = data.slice(0);
  answer({ type: "index", generation, tree, bounds }, [tree]);
}

/** Indexes after the first picture, which must not wait for it. */
function indexSoon(): void {
  if (painter.picker) return;
  clearTimeout(indexing);
  indexing = setTimeout(index, 0);
}

self.onmessage = ({ data }: MessageEvent<PaintRequest>) => {
  if (data.type === "points") {
    generation = data.generation;
    painter.setPoints(data.xy, data.from);
  } else if (data.type === "index") indexSoon();
  else if (data.type === "ask") {
    index();
    const found = painter.answer(data.question);
    answer({ type: "answer", serial: data.serial, answer: found }, [found.buffer]);
  } else if (data.type === "shading") painter.setShading(data.shade, data.palette);
  else {
    const painted = painter.paint(data.scene);
    canvas.width = Math.max(1, painted.width);
    canvas.height = Math.max(1, painted.height);
    if (painted.width > 0 && painted.height > 0) {
      const image = new ImageData(painter.raster.bytes, painted.width, painted.height);
      context?.putImageData(image, 0, 0);
    }
    const bitmap = canvas.transferToImageBitmap();
    answer({ type: "picture", painted, bitmap }, [bitmap]);
    indexSoon();
  }
};
