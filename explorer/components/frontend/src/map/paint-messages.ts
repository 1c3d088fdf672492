// What the page and the worker that draws its points say to each other.
import type { Painted, Scene } from "./painter";
import type { Answer, Question } from "./questions";
import type { Bounds } from "./viewport";

/** To the worker. */
export type PaintRequest =
  | { type: "points"; generation: number; xy: Float32Array; from: Float32Array | null }
  | { type: "shading"; shade: Uint16Array; palette: Uint32Array }
  | { type: "draw"; scene: Scene }
  | { type: "index" }
  | { type: "ask"; serial: number; question: Question };

/** From the worker. */
export type PaintAnswer =
  | { type: "index"; generation: number; tree: ArrayBuffer; bounds: Bounds }
  | { type: "picture"; painted: Painted; bitmap: ImageBitmap }
  | { type: "answer"; serial: number; answer: Answer };
