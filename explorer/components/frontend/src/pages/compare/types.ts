// The shapes shared by the comparison's modules: what Python sends, and the state both sides keep.
import type { Move } from "../../messages.gen";
import type { ColourInfo, ModelInfo, ViewInfo } from "../../types";

/** A model's column. */
export interface ColumnInfo extends Omit<ModelInfo, "shape" | "count"> {
  /** What kind of model it is, in a few words. */
  kind: string;
  view: ViewInfo;
}

/** One model's handle was taken to a place of its map; `by` is the model's column. */
export type Drive = Move;

/** A part of one model's map, whose items are shown in all. */
export interface Selection {
  by: number;
  /** The corners of a polygon, in map units: x, y, x, y, … */
  corners: number[];
}

/** Everything a person can change; the address bar keeps the same. */
export interface State {
  /** The shared item that all models start from. */
  item: number;
  drives: Drive[];
  selection: Selection | null;
}

export interface CompareData {
  socket: string;
  models: ColumnInfo[];
  shape: [number, number, number];
  count: number;
  colour: ColourInfo | null;
  state: unknown;
  revision: number;
  /** The last connection that Python has heard a state from. */
  heard?: number;
}
