// What Python tells the Time page's component, and what it hears back.
import type { Message } from "../../core/edit-store";
import type { Ask } from "../../messages.gen";
import type { ModelInfo } from "../../types";

/** What is shown; every part is a whole number. Frames count from 1. */
export type Edit = Omit<Ask, "type" | "seq" | "want">;

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
  /** The last connection that Python has heard an edit from. */
  heard?: number;
}

/** An edit, of which model, and what goes along with every edit. */
export type Release = Edit & Message & { model: string };
