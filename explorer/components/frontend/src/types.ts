// The shapes shared by the stage's modules: what Python sends, and the edit both sides keep.

import type * as gen from "./messages.gen";
import type { HandleName, PathKind, Residual } from "./messages.gen";

export type { HandleName, PathKind, Residual } from "./messages.gen";
export { HANDLE_NAMES } from "./messages.gen";

export type Target = "both" | HandleName;

/** A point of the edit: the real item it was taken from, its place on the map, its attributes. */
export type Handle = Required<gen.Handle>;

/** Everything a person can change on the stage; the address bar keeps the same. */
export interface Edit {
  A: Handle;
  B: Handle;
  target: Target;
  path: PathKind;
  /** Pictures in the filmstrip: 0 (no strip) or 5 to 15. */
  frames: number;
  residual: Residual;
  /** The level of the latent that follows the hand, from 1, the coarsest; 0 for all together. */
  level: number;
}

/** A part of a latent on a grid of its own. */
export interface LevelInfo {
  name: string;
  grid: string;
}

export interface ModelInfo {
  name: string;
  title: string;
  version: string;
  shape: [number, number, number];
  latent: number;
  count: number;
}

export interface ViewInfo {
  id: string;
  title: string;
  url: string;
  linear: boolean;
  axes: [string, string];
}

export type ColourKind = "continuous" | "binary" | "categorical";

export interface ColourInfo {
  name: string;
  title: string;
  kind: ColourKind;
  labels: string[];
  url: string;
  /** Whether the values may be asked for together with the map. */
  with_map?: boolean;
}

/** What points are coloured by: a number each. */
export interface Colouring {
  info: ColourInfo;
  values: Float32Array;
}

/** An attribute direction: a slider adds its value times (mean with - mean without). */
export interface DirectionInfo {
  slug: string;
  title: string;
  group: string;
  with: number;
  without: number;
}

/** A picture of a person's own, and where it stands on the present map. */
export interface OwnInfo {
  item: number;
  title: string;
  x: number;
  y: number;
}

/** Items that Python has selected; taken when its revision is news. */
export interface SelectionInfo {
  /** A bit an item, in base64; see `bitsOf`. */
  bits: string;
  revision: number;
}

export interface StageData {
  model: ModelInfo;
  socket: string;
  view: ViewInfo;
  colour: ColourInfo | null;
  directions: DirectionInfo[];
  /** Levels that can be moved apart, coarsest first; none where there is but one. */
  levels: LevelInfo[];
  /** Where exact likelihoods are had; null where the model gives none. */
  likelihood: string | null;
  /** Where it is measured how far off the data the sliders lead. */
  along: string;
  /** Where a picture of the strip becomes a handle. */
  between: string;
  own: OwnInfo[];
  selection: SelectionInfo;
  edit: unknown;
  revision: number;
  /** The last connection that Python has heard an edit from. */
  heard?: number;
  /** The last message that Python has heard. */
  serial?: number;
  /** The query that shows what Python knows again. */
  address?: string;
  picture_note?: string;
}
