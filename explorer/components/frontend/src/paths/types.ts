// What Python tells the player.
import type { Shape } from "../messages.gen";

/** A way from the first stop to the last. */
export interface Way {
  kind: string;
  title: string;
  colour: string;
  /** All frames, one below the other. */
  sheet: string;
  /** What is said under the picture. */
  facts: string[];
  /** How far each frame is off the data, 0 to 100; none where the model has no gauge. */
  percentile: number[];
  /** Which frames come nearest to the stops. */
  stops: number[];
}

export interface PathsData {
  shape: Shape;
  /** Frames of each way. */
  count: number;
  /** What the stops are called. */
  names: string[];
  ways: Way[];
}
