// Who draws the points: this thread for a few, a worker for many.
import type { PaintAnswer, PaintRequest } from "./paint-messages";
import script from "./paint-worker?worker";
import { type Painted, Painter, type Scene } from "./painter";
import { Picker } from "./picker";
import type { Answer, Question } from "./questions";

/** Up to this many points are drawn at once in the page's own thread: it takes some milliseconds. */
export const LOCAL_POINTS = 20_000;

/** A drawn map that a canvas can show. */
export interface Picture extends Painted {
  readonly source: CanvasImageSource;
}

export interface RendererEvents {
  picture(picture: Picture): void;
  indexed(picker: Picker): void;
  /** The renderer cannot go on. */
  failed(): void;
}

export interface Renderer {
  readonly name: "page" | "worker" | "gpu";
  /** Screen pixels beyond each edge that a picture should have, for a hand that pans meanwhile. */
  readonly margin: number;
  /** Takes other points; `from`: where they glide from. */
  setPoints(xy: Float32Array, from: Float32Array | null): void;
  setShading(shade: Uint16Array, palette: Uint32Array): void;
  /** Draws; the picture comes by the event, at once or later. The latest call counts. */
  draw(scene: Scene): void;
  /** Asks about the points; null where the renderer ends before it has answered. */
  ask(question: Question, done: (answer: Answer | null) => void): void;
  stop(): void;
}

/** Draws in this thread. */
export class LocalRenderer implements Renderer {
  readonly name = "page";
  readonly margin = 0;
  private readonly painter = new Painter();
  private readonly canvas = document.createElement("canvas");

  constructor(private readonly on: RendererEvents) {}

  setPoints(xy: Float32Array, from: Float32Array | null): void {
    this.painter.setPoints(xy, from);
    this.on.indexed(this.painter.index());
  }

  setShading(shade: Uint16Array, palette: Uint32Array): void {
    this.painter.setShading(shade, palette);
  }

  draw(scene: Scene): void {
    const painted = this.painter.paint(scene);
    const { width, height } = painted;
    if (width === 0 || height === 0) return;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const image = new ImageData(this.painter.raster.bytes, width, height);
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    this.on.picture({ ...painted, source: this.canvas });
  }

  ask(question: Question, done: (answer: Answer | null) => void): void {
    done(this.painter.answer(question));
  }

  stop(): void {}
}

/** The worker that draws and indexes; its script travels inside the bundle. */
export class PaintWorker {
  private readonly address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  private readonly worker = new Worker(this.address);
  private generation = 0;
  private serial = 0;
  private readonly asked = new Map<number, (answer: Answer | null) => void>();

  /** `picture` takes a drawn map. */
  constructor(on: Omit<RendererEvents, "picture"> & { picture?(picture: Picture): void }) {
    this.worker.onmessage = ({ data }: MessageEvent<PaintAnswer>) => {
      if (data.type === "picture") on.picture?.({ ...data.painted, source: data.bitmap });
      else if (data.type === "answer") {
        this.asked.get(data.serial)?.(data.answer);
        this.asked.delete(data.serial);
      } else if (data.generation === this.generation)
        on.indexed(Picker.from(data.tree, data.bounds));
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      on.failed();
    };
  }

  setPoints(xy: Float32Array, from: Float32Array | null): void {
    this.generation += 1;
    this.post({ type: "points", generation: this.generation, xy, from });
  }

  post(request: PaintRequest): void {
    this.worker.postMessage(request);
  }

  ask(question: Question, done: (answer: Answer | null) => void): void {
    this.serial += 1;
    this.asked.set(this.serial, done);
    this.post({ type: "ask", serial: this.serial, question });
  }

  stop(): void {
    this.worker.terminate();
    for (const done of this.asked.values()) done(null);
    this.asked.clear();
    URL.revokeObjectURL(this.address);
  }
}

/** Draws in a worker: one picture at a time, and then the latest that was asked for meanwhile. */
export class WorkerRenderer implements Renderer {
  readonly name = "worker";
  readonly margin = 96;
  private readonly worker: PaintWorker;
  private busy = false;
  /** The picture on its way is of points that have been replaced. */
  private outdated = false;
  private next: Scene | null = null;

  constructor(private readonly on: RendererEvents) {
    this.worker = new PaintWorker({ ...on, picture: (picture) => this.take(picture) });
  }

  setPoints(xy: Float32Array, from: Float32Array | null): void {
    this.outdated = this.busy;
    this.worker.setPoints(xy, from);
  }

  setShading(shade: Uint16Array, palette: Uint32Array): void {
    this.worker.post({ type: "shading", shade, palette });
  }

  draw(scene: Scene): void {
    if (this.busy) {
      this.next = scene;
      return;
    }
    this.busy = true;
    this.worker.post({ type: "draw", scene });
  }

  ask(question: Question, done: (answer: Answer | null) => void): void {
    this.worker.ask(question, done);
  }

  stop(): void {
    this.worker.stop();
  }

  private take(picture: Picture): void {
    const { next, outdated } = this;
    this.busy = false;
    this.outdated = false;
    this.next = null;
    if (next) this.draw(next);
    if (!outdated) this.on.picture(picture);
  }
}
