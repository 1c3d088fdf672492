// The anatomy's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type { ModelView, Speech } from "../socket";
import { STAGE } from "../socket";
import type { Fields, ItemsAnswer, Opened, Shape } from "../wire";
import {
  checkPixels,
  fail,
  finite,
  list,
  percentileOf,
  shapeOf,
  splitBinary,
  text,
  whole,
} from "../wire";
import type { Edit } from "./types";

export type Picture = "input" | "picture";

export interface FrameBody extends Edit {
  want: Picture[];
}

/** What a code costs, in nats; null where a figure is not finite. */
export interface Terms {
  reconstruction: number | null;
  log_q: number | null;
  log_p: number | null;
  log_weight: number | null;
}

export type Pair = readonly [across: number, up: number];

export interface FrameAnswer {
  type: "frame";
  seq: number;
  item: number;
  shape: Shape;
  pixels: Uint8Array;
  pictures: Picture[];
  source: "original" | "reconstruction";
  /** In the view's two dimensions: where the code of eps = 0 is, one unit of eps, and eps. */
  at: { mean: Pair; scale: Pair; turn: Pair };
  terms: Terms | null;
  at_mean: Terms | null;
  gauge: { percentile: number | null; distance: number; nearest: number };
}

function record(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(`${name} is not an object`);
  return value as Fields;
}

function pair(fields: Fields, name: string): Pair {
  const [a, b] = list(fields, name, 2);
  return [finite(a, name), finite(b, name)];
}

function termsOf(value: unknown, name: string): Terms | null {
  if (value == null) return null;
  const fields = record(value, name);
  const figure = (term: string) => (fields[term] == null ? null : finite(fields[term], term));
  return {
    reconstruction: figure("reconstruction"),
    log_q: figure("log_q"),
    log_p: figure("log_p"),
    log_weight: figure("log_weight"),
  };
}

function parseFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const shape = shapeOf(fields);
  const pictures = list(fields, "pictures").map((name): Picture => {
    if (name !== "input" && name !== "picture") fail("a picture has an unknown name");
    return name;
  });
  checkPixels(pixels, shape, pictures.length);
  const source = text(fields, "source");
  if (source !== "original" && source !== "reconstruction") fail("source is unknown");
  const at = record(fields["at"], "at");
  const gauge = record(fields["gauge"], "gauge");
  return {
    type: "frame",
    seq: whole(fields, "seq"),
    item: whole(fields, "item"),
    shape,
    pixels,
    pictures,
    source,
    at: { mean: pair(at, "mean"), scale: pair(at, "scale"), turn: pair(at, "turn") },
    terms: termsOf(fields["terms"], "terms"),
    at_mean: termsOf(fields["at_mean"], "at_mean"),
    gauge: {
      percentile: percentileOf(gauge["percentile"]),
      distance: finite(gauge["distance"], "distance"),
      nearest: whole(gauge, "nearest"),
    },
  };
}

/** As on the stage, but for frames. */
export const ANATOMY: Speech<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer> = {
  ...STAGE,
  encodeFrame: (seq, { item, draw, turn, want }) =>
    JSON.stringify({ type: "frame", seq, item, draw, turn, want }),
  parseBinary: (buffer) => {
    const [fields, pixels] = splitBinary(buffer);
    if (fields["type"] === "frame") return parseFrame(fields, pixels);
    const answer = STAGE.parseBinary(buffer);
    return answer.type === "items" ? answer : fail("its type is unknown");
  },
};
