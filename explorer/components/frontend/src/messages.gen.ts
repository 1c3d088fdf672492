// The live messages as explorer/live declares them. Written by tools/message_types.py; change the declarations instead.

export const PROTOCOL = 1;
export const MAX_PLACE = 1000000;
export const MAX_SLIDER = 5;
export const MAX_SLIDERS = 64;
export const MIN_FRAMES = 5;
export const MAX_FRAMES = 15;
export const MAX_ITEMS = 64;
export const MAX_SHARED_ITEMS = 16;
export const MAX_DRIVES = 8;
export const MIN_CORNERS = 3;
export const MAX_CORNERS = 32;
export const MAX_TURN = 1000000;
export const MAX_TURNS = 64;
export const MAX_SEED = 2147483648;
export const MAX_SAMPLES = 8;
export const MAX_STEPS = 40;

export const HANDLE_NAMES = ["A", "B"] as const;
export type HandleName = (typeof HANDLE_NAMES)[number];

export const PATHS = ["straight", "great-circle"] as const;
export type PathKind = (typeof PATHS)[number];

export const RESIDUALS = ["hold", "fade"] as const;
export type Residual = (typeof RESIDUALS)[number];

export const WANTS = ["A", "B", "strip"] as const;
export type Want = (typeof WANTS)[number];

export const ITEM_SOURCES = ["reconstruction", "best"] as const;
export type ItemSource = (typeof ITEM_SOURCES)[number];

export const PICTURE_SOURCES = ["original", "reconstruction"] as const;
export type PictureSource = (typeof PICTURE_SOURCES)[number];

export const ORIGINALS_STATES = ["unasked", "loading", "ready", "absent"] as const;
export type OriginalsState = (typeof ORIGINALS_STATES)[number];

export const ERROR_CODES = [
  "bad-message",
  "unknown-model",
  "unknown-view",
  "not-open",
  "too-large",
  "broken-model",
  "busy",
  "internal",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export const ANATOMY_WANTS = ["input", "picture"] as const;
export type AnatomyWant = (typeof ANATOMY_WANTS)[number];

export const CODES_WANTS = ["picture", "a", "b", "reach", "step", "strip"] as const;
export type CodesWant = (typeof CODES_WANTS)[number];

export const SEQUENCE_WANTS = ["frames", "belief", "jump", "future"] as const;
export type SequenceWant = (typeof SEQUENCE_WANTS)[number];

export const GROUP_NAMES = [
  "frames",
  "means",
  "spreads",
  "belief",
  "belief-mean",
  "belief-spread",
  "jump",
  "jump-mean",
  "jump-spread",
  "future",
] as const;
export type GroupName = (typeof GROUP_NAMES)[number];

export type Shape = readonly [channels: number, height: number, width: number];

export type Point = readonly [x: number, y: number];

/** A handle: its item, its position, and its sliders. */
export interface Handle {
  item: number;
  x: number;
  y: number;
  /** An object of at most 64 sliders. */
  sliders?: Record<string, number>;
}

/** The pictures between the handles. */
export interface Strip {
  frames: number;
  path: PathKind;
}

/** Opens a model and view. */
export interface Open {
  type: "open";
  /** The name of a checkpoint. */
  model: string;
  /** The id of a view, such as umap or dims-0-1. */
  view: string;
  protocol: 1;
  seq?: number | null;
}

/** Asks for pictures of the handles at these positions. */
export interface Frame {
  type: "frame";
  seq: number;
  want: Want[];
  handles: Partial<Record<HandleName, Handle>>;
  strip?: Strip | null;
  residual?: Residual;
  level?: number;
}

/** Asks for pictures of these items. */
export interface Items {
  type: "items";
  seq: number;
  items: number[];
  source: ItemSource;
}

/** Checks that the connection is alive. */
export interface Ping {
  type: "ping";
  seq: number;
}

/** The model and view that are now open. */
export interface Opened {
  type: "opened";
  protocol: 1;
  /** The name of a checkpoint. */
  model: string;
  version: string;
  /** The id of a view, such as umap or dims-0-1. */
  view: string;
  count: number;
  latent: number;
  shape: Shape;
  seq?: number;
}

/** A message that could not be answered, and why. */
export interface Failure {
  type: "error";
  code: ErrorCode;
  message: string;
  seq: number | null;
}

/** The answer to a ping. */
export interface Pong {
  type: "pong";
  seq: number;
}

/** The state of the open model's original pictures, which load in the background after "opened". */
export interface Originals {
  type: "originals";
  state: OriginalsState;
}

/** How far a latent is from the data. */
export interface GaugeReading {
  /** 0 to 100, or null if the model has no gauge. */
  percentile: number | null;
  distance: number;
  nearest: number;
}

/** The pictures of a frame, the gauge of its handles, and the strip's path. */
export interface FrameHeader {
  type: "frame";
  seq: number;
  shape: Shape;
  /** The names of the pictures: A, B, and of the strip S0, S1, …. */
  pictures: string[];
  handles: Partial<Record<HandleName, GaugeReading>>;
  ms: Record<string, number>;
  /** The map positions of the strip's frames. */
  path: Point[];
  /** The percentiles of the strip's frames, empty if the model has no gauge. */
  off: number[];
}

/** The pictures, names and attributes of items. */
export interface ItemsHeader {
  type: "items";
  seq: number;
  shape: Shape;
  items: number[];
  sources: PictureSource[];
  /** The name of each item, such as test 3518. */
  names: string[];
  labels: Record<string, string>[];
}

/** Shows an item's latent at this eps. */
export interface Turn {
  type: "frame";
  seq: number;
  /** Row of the atlas. */
  item: number;
  /** Seed of eps; null for zero, the mean. */
  draw: number | null;
  /** Dimension -> eps, where it was set by hand. */
  turn: Record<string, number>;
  want: AnatomyWant[];
}

/** Mean, scale and eps of a latent along the two dimensions of the map. */
export interface Along {
  mean: readonly [number | null, number | null];
  scale: readonly [number | null, number | null];
  turn: readonly [number | null, number | null];
}

/** The terms of the bound, in nats; null where one is not finite. */
export interface BoundTerms {
  reconstruction: number | null;
  log_q: number | null;
  log_p: number | null;
  log_weight: number | null;
}

/** The pictures of an image, its latent, the terms of its bound, and its distance from the data. */
export interface AnatomyHeader {
  type: "frame";
  seq: number;
  shape: Shape;
  pictures: AnatomyWant[];
  item: number;
  source: PictureSource;
  gauge: GaugeReading;
  at: Along;
  terms: BoundTerms | null;
  at_mean: BoundTerms | null;
  ms: Record<string, number>;
}

/** Asks for pictures of these codes, and of the path to others. */
export interface Painted {
  type: "frame";
  seq: number;
  /** Codes of at most 1500 cells. */
  codes: string;
  /** Codes of at most 1500 cells. */
  a: string;
  /** Codes of at most 1500 cells. */
  b: string;
  t: number;
  frames: number;
  probe: readonly [number, number] | null;
  want: CodesWant[];
}

/** The pictures of codes, and the codes of the steps between them. */
export interface CodesHeader {
  type: "frame";
  seq: number;
  shape: Shape;
  /** The names of the pictures: picture, a, b, reach, step, S0, S1, …. */
  pictures: string[];
  step: string | null;
  strip: string[];
  ms: Record<string, number>;
}

/** A model and its map. */
export interface Column {
  /** The name of a checkpoint. */
  model: string;
  /** The id of a view, such as umap or dims-0-1. */
  view: string;
}

/** A handle dragged to a position on one model's map. */
export interface Move {
  by: number;
  x: number;
  y: number;
}

/** Opens these models and maps. */
export interface Together {
  type: "open";
  models: Column[];
  protocol: 1;
  seq?: number | null;
}

/** Shows an item, or the result of drives from it. */
export interface Moved {
  type: "frame";
  seq: number;
  item: number;
  drives: Move[];
}

/** Asks for each model's pictures of these shared items. */
export interface SharedItems {
  type: "items";
  seq: number;
  items: number[];
  source: ItemSource;
}

/** A model and map that are now open. */
export interface OpenedColumn {
  /** The name of a checkpoint. */
  model: string;
  version: string;
  /** The id of a view, such as umap or dims-0-1. */
  view: string;
  latent: number;
}

/** The models and maps that are now open. */
export interface OpenedTogether {
  type: "opened";
  protocol: 1;
  models: OpenedColumn[];
  count: number;
  shape: Shape;
  seq?: number;
}

/** What one model shows in a frame. */
export interface ColumnReading {
  x: number;
  y: number;
  /** 0 to 100, or null if the model has no gauge. */
  percentile: number | null;
  /** The nearest shared item, or null if the nearest item is not shared. */
  nearest: number | null;
  /** The squared error per pixel against the encoded picture, or null if there is none. */
  error: number | null;
}

/** A picture per model, after the item's original if that is available. */
export interface ComparedHeader {
  type: "frame";
  seq: number;
  shape: Shape;
  /** The model that decoded the encoded picture, or null for the item's original. */
  by: number | null;
  original: boolean;
  models: ColumnReading[];
  ms: Record<string, number>;
}

/** The pictures of items: for each its original if that is available, then one per model. */
export interface SharedItemsHeader {
  type: "items";
  seq: number;
  shape: Shape;
  models: number;
  items: number[];
  /** Whether each item's original comes before its pictures. */
  originals: boolean[];
  /** The name of each item, such as test 3518. */
  names: string[];
  labels: Record<string, string>[];
}

/** Opens a sequence model. */
export interface OpenSequences {
  type: "open";
  /** The name of a checkpoint. */
  model: string;
  protocol: 1;
  seq?: number | null;
}

/** Asks for the belief about a sequence after `seen` frames. */
export interface Ask {
  type: "frame";
  seq: number;
  /** Row of the test split. */
  sequence: number;
  /** Frames that the model has seen. */
  seen: number;
  /** Frames that a single jump goes ahead. */
  jump: number;
  /** Draws that are shown. */
  samples: number;
  seed: number;
  /** Jumps of a future. */
  steps: number;
  /** Frames of each jump of a future. */
  by: number;
  want: SequenceWant[];
}

/** The model that is now open, and its sequences. */
export interface OpenedSequences {
  type: "opened";
  protocol: 1;
  /** The name of a checkpoint. */
  model: string;
  version: string;
  shape: Shape;
  /** Number of sequences. */
  count: number;
  /** Frames of each. */
  length: number;
  /** The longest jump that the model was trained on, in frames. */
  longest: number;
  seq?: number;
}

/** The disagreement of draws after each frame, now and one jump ahead, as pictures in [0, 1]. */
export interface Disagreement {
  now: number[];
  ahead: number[];
}

/** Groups of pictures of a sequence. */
export interface SequenceHeader {
  type: "frame";
  seq: number;
  shape: Shape;
  sequence: number;
  seen: number;
  jump: number;
  by: number;
  groups: readonly [GroupName, number][];
  disagreement: Disagreement | null;
  ms: Record<string, number>;
}
