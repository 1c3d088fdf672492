// What Python tells the anatomy, and what it hears back.
import type { Message } from "../../core/edit-store";
import type { Turn } from "../../messages.gen";

/** The image that is shown and where its code was turned to. */
export type Edit = Omit<Turn, "type" | "seq" | "want">;

export interface AnatomyData {
  part: "image";
  model: {
    name: string;
    title: string;
    version: string;
    shape: [number, number, number];
    latent: number;
    count: number;
  };
  socket: string;
  view: { id: string; url: string };
  /** The dimensions across and up. */
  dims: [number, number];
  /** Whether the code is a distribution; else it is a point. */
  probabilistic: boolean;
  /** Whether reconstruction terms can be told in nats. */
  likelihood: boolean;
  edit: unknown;
  revision: number;
  /** The last connection that Python has heard an edit from. */
  heard?: number;
}

/** An edit, where it was made, and what goes along with every edit. */
export type Release = Edit & Message & { model: string; view: string };

export interface DivergenceData {
  part: "divergence";
}

export type Data = AnatomyData | DivergenceData;
