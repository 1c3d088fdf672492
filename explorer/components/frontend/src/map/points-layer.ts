// The map's points on their canvas: asks a renderer for pictures, and shows the last one meanwhile.
import { h } from "../dom";
import type { Theme } from "../theme";
import type { Camera } from "./camera";
import { pack, type Shading, shadePlain } from "./colours";
import { GpuRenderer } from "./gpu-renderer";
import type { Order } from "./order";
import type { Scene } from "./painter";
import type { Picker } from "./picker";
import type { Answer, Question } from "./questions";
import {
  LOCAL_POINTS,
  LocalRenderer,
  type Picture,
  type Renderer,
  type RendererEvents,
  WorkerRenderer,
} from "./renderer";
import type { Bounds, Viewport } from "./viewport";
import * as viewports from "./viewport";

const GLIDE_MS = 550;
/** Maps of more points change at once. */
export const GLIDE_POINTS = 200_000;

const eased = (t: number): number => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

export class PointsLayer {
  readonly canvas = h("canvas", { class: "points", "aria-hidden": "true" });
  /** Finds points; null until they are indexed. */
  picker: Picker | null = null;
  xy: Float32Array | null = null;
  private readonly context = this.canvas.getContext("2d", { alpha: false });
  private renderer: Renderer | null = null;
  private picture: Picture | null = null;
  private theme: Theme | null = null;
  private shading: Shading | null = null;
  private lit: ReadonlySet<number> = new Set();
  private onlyLit = true;
  /** Changes with what a question may be answered by: points, shades, and which of them are lit. */
  version = 0;
  private stale = true;
  private asked: Viewport | null = null;
  private glideFrom: number | null = null;

  /** `changed`: the layer must be drawn again. */
  constructor(private readonly changed: () => void) {}

  /** Whether points are on their way from one map to another. */
  get gliding(): boolean {
    return this.glideFrom !== null;
  }

  /** Shows points; `from`, if given: where they glide from. */
  setPoints(xy: Float32Array, from: Float32Array | null, view: Viewport): void {
    const many = xy.length >> 1 > LOCAL_POINTS;
    const glides = from !== null && xy.length >> 1 <= GLIDE_POINTS;
    this.xy = xy;
    this.picker = null;
    this.version += 1;
    this.glideFrom = glides ? performance.now() : null;
    this.chooseRenderer(many);
    // Until the next picture comes, the last one stays where it is.
    if (this.picture) this.picture = { ...this.picture, view: this.around(view) };
    this.renderer?.setPoints(xy, glides ? from : null);
    this.shadeAgain();
  }

  setShading(shading: Shading | null): void {
    if (shading === this.shading) return;
    this.shading = shading;
    this.version += 1;
    this.shadeAgain();
  }

  /** Draws only these shades in full; unless `only`, the others can still be pointed at. */
  setLit(lit: ReadonlySet<number>, only: boolean): void {
    this.lit = lit;
    this.onlyLit = only;
    this.version += 1;
    this.stale = true;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.shadeAgain();
  }

  stop(): void {
    this.renderer?.stop();
    this.show(null);
  }

  /** Draws what the camera shows; a canvas of another size is blank until then. */
  draw(camera: Camera, ratio: number): void {
    const { context, theme } = this;
    const { view } = camera;
    if (!context || !theme || view.width < 2) return;
    const width = Math.round(view.width * ratio);
    const height = Math.round(view.height * ratio);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const glided = this.glided();
    const wanted = this.around(view);
    const moved = !this.asked || !viewports.sameView(this.asked, wanted);
    if (this.renderer && this.xy && (this.stale || moved || glided < 1)) {
      this.stale = false;
      this.asked = wanted;
      this.renderer.draw(this.scene(wanted, camera, ratio, glided, theme));
    }
    this.present(context, view, ratio, theme);
    if (glided < 1) this.changed();
  }

  private scene(
    view: Viewport,
    camera: Camera,
    ratio: number,
    glided: number,
    theme: Theme,
  ): Scene {
    const side = Math.min(camera.view.width, camera.view.height);
    const background = pack(theme.map);
    const { zoomed } = camera;
    return { view, ratio, zoomed, side, background, lit: this.litMarks(), glided };
  }

  /** Of each shade: 1 if it is drawn in full; null for all. */
  private litMarks(): Uint8Array | null {
    if (this.lit.size === 0) return null;
    const lit = new Uint8Array(this.shading?.palette.length ?? 1);
    for (const shade of this.lit) if (shade < lit.length) lit[shade] = 1;
    return lit;
  }

  // Questions

  /** Whether a point can be pointed at. */
  accepts(item: number): boolean {
    const { lit, shading } = this;
    return !this.onlyLit || lit.size === 0 || !shading || lit.has(shading.shade[item]);
  }

  /** Marks the points inside a polygon (x, y, x, y, …): 1 inside, 0 outside; null where that cannot be had. */
  inside(corners: readonly number[], done: (marks: Uint8Array | null) => void): void {
    this.ask({ about: "inside", corners }, (answer) => done(answer as Uint8Array | null));
  }

  /** The first points in bounds that can be pointed at; see `InView`. */
  inView(
    shown: Bounds,
    limit: number,
    first: boolean,
    done: (items: Uint32Array | null) => void,
  ): void {
    const lit = this.onlyLit && this.shading ? this.litMarks() : null;
    this.ask({ about: "view", shown, limit, first, lit }, (answer) =>
      done(answer as Uint32Array | null),
    );
  }

  /** The next point in an order that can be pointed at, -1 for none. */
  next(order: Order, from: number, step: 1 | -1, done: (item: number) => void): void {
    const lit = this.onlyLit && this.shading ? this.litMarks() : null;
    this.ask({ about: "next", order, from, step, lit }, (answer) => done(answer?.[0] ?? -1));
  }

  private ask(question: Question, done: (answer: Answer | null) => void): void {
    if (this.renderer && this.xy) this.renderer.ask(question, done);
    else done(null);
  }

  // Drawing

  private glided(): number {
    if (this.glideFrom === null) return 1;
    const t = (performance.now() - this.glideFrom) / GLIDE_MS;
    if (t < 1) return eased(Math.max(0, t));
    this.glideFrom = null;
    this.stale = true;
    this.changed();
    return 1;
  }

  /** Puts the last picture where the camera sees it. */
  private present(
    context: CanvasRenderingContext2D,
    view: Viewport,
    ratio: number,
    theme: Theme,
  ): void {
    const { width, height } = this.canvas;
    const { picture } = this;
    context.fillStyle = `rgb(${theme.map.join(" ")})`;
    if (!picture) {
      context.fillRect(0, 0, width, height);
      return;
    }
    const scaleX = (view.kx * ratio) / (picture.view.kx * picture.ratio);
    const scaleY = (view.ky * ratio) / (picture.view.ky * picture.ratio);
    const [w, t] = [picture.width * scaleX, picture.height * scaleY];
    const x = width / 2 + (picture.view.cx - view.cx) * view.kx * ratio - w / 2;
    const y = height / 2 - (picture.view.cy - view.cy) * view.ky * ratio - t / 2;
    const covers = x <= 0 && y <= 0 && x + w >= width && y + t >= height;
    if (!covers) context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = scaleX !== 1;
    context.drawImage(picture.source, x, y, w, t);
    this.canvas.dataset["rendering"] = picture.density ? "density" : "points";
    this.canvas.dataset["drawnBy"] = this.renderer?.name ?? "";
  }

  /** The view with the renderer's margin, whole device pixels on each side. */
  private around(view: Viewport): Viewport {
    return viewports.widened(view, this.renderer?.margin ?? 0);
  }

  private shadeAgain(): void {
    this.stale = true;
    if (!this.renderer || !this.xy || !this.theme) return;
    const count = this.xy.length >> 1;
    const { shade, palette } = this.shading ?? shadePlain(count, this.theme.plain);
    this.renderer.setShading(shade, palette);
  }

  private chooseRenderer(many: boolean): void {
    if (this.renderer && many !== this.renderer instanceof LocalRenderer) return;
    this.renderer?.stop();
    this.show(null);
    this.renderer = this.start(
      many ? [GpuRenderer, WorkerRenderer, LocalRenderer] : [LocalRenderer],
    );
  }

  /** Starts the first kind of renderer that works here; one that fails later is replaced by the next. */
  private start([kind, ...others]: readonly (new (on: RendererEvents) => Renderer)[]): Renderer {
    const events: RendererEvents = {
      picture: (picture) => {
        this.show(picture);
        if (kind === WorkerRenderer) this.changed();
      },
      indexed: (picker) => {
        this.picker = picker;
        this.stale = true;
        this.changed();
      },
      failed: () => this.replace(others),
    };
    try {
      return new kind(events);
    } catch (error) {
      if (others.length === 0) throw error;
      return this.start(others);
    }
  }

  private replace(kinds: readonly (new (on: RendererEvents) => Renderer)[]): void {
    if (kinds.length === 0) return;
    this.renderer?.stop();
    this.renderer = this.start(kinds);
    if (this.xy) this.renderer.setPoints(this.xy, null);
    this.shadeAgain();
    this.changed();
  }

  private show(picture: Picture | null): void {
    const old = this.picture?.source;
    if (typeof ImageBitmap !== "undefined" && old instanceof ImageBitmap && old !== picture?.source)
      old.close();
    this.picture = picture;
  }
}
