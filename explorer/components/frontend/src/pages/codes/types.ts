// What Python tells the code grid and the samples, and what it hears back.
import type { Message } from "../../core/edit-store";
import type { ModelInfo } from "../../types";

/** A level of codes: its grid, and where its codebook is fetched from. */
export interface LevelInfo {
  name: string;
  rows: number;
  columns: number;
  /** Codes of its codebook. */
  codes: number;
  /** x, y and use of each code. */
  url: string;
  /** The codes' pictures. */
  looks: string;
  /** Height and width of one of them. */
  look: [number, number];
}

/** An image: a row of the atlas, or a sample, which has codes only. */
export interface ImageInfo {
  item: number | null;
  codes: string;
}

export interface GridData {
  part: "grid";
  model: ModelInfo;
  socket: string;
  view: string;
  levels: LevelInfo[];
  images: { a: ImageInfo; b: ImageInfo };
  edit: unknown;
  revision: number;
  /** The last connection that Python has heard an edit from. */
  heard?: number;
}

/** What was made of A, and what it was made on. */
export interface Release extends Message {
  model: string;
  /** Null: as A is. */
  codes: string | null;
  level: number;
  t: number;
}

export interface SamplesData {
  part: "samples";
  model: string;
  shape: [number, number, number];
  codes: string[];
  pictures: string[];
  note: string;
  made: number;
}

export type Side = "a" | "b";

/** A click on a sample; `click` tells two of the same apart. */
export interface Clicked {
  model: string;
  made: number;
  sample: number;
  side: Side;
  click: number;
}

export type Data = GridData | SamplesData;
