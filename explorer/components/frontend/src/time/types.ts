// What Python tells the Time page's component, and what it hears back.
import type { ModelInfo } from "../types";

/** What is shown; every part is a whole number. Frames count from 1. */
export interface Edit {
  /** Row of the test split. */
  sequence: number;
  /** Frames that the model has seen. */
  seen: number;
  /** Frames that a single jump goes ahead. */
  jump: number;
  /** Draws that are shown. */
  samples: number;
  seed: number;
  /** Frames of each jump of a future. */
  by: number;
  /** Jumps of a future. */
  steps: number;
}

export interface TimeData {
  model: ModelInfo;
  socket: string;
  /** How many sequences there are. */
  sequences: number;
  /** Frames of each. */
  length: number;
  /** The longest jump that the model was trained on, in frames. */
  longest: number;
  edit: unknown;
  revision: number;
}

/** An edit and of which model. */
export type Told = Edit & { model: string };
