// The anatomy's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type { AnatomyHeader, BoundTerms, Turn } from "../messages.gen";
import { ANATOMY_WANTS, PICTURE_SOURCES } from "../messages.gen";
import type { ModelView, Speech } from "../socket";
import { STAGE } from "../socket";
import type { Body, Fields, Heard, ItemsAnswer, Opened, Pixels } from "../wire";
import {
  checkPixels,
  choice,
  encode,
  fail,
  finite,
  list,
  percentileOf,
  shapeOf,
  splitBinary,
  whole,
} from "../wire";

export type FrameBody = Body<Turn>;
export type Terms = BoundTerms;
export type Pair = readonly [across: number, up: number];

/** Its place in the view's two dimensions is known: where eps is 0, one unit of eps, and eps. */
export type FrameAnswer = Omit<Heard<AnatomyHeader>, "at"> &
  Pixels & { at: { mean: Pair; scale: Pair; turn: Pair } };

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
  const pictures = list(fields, "pictures").map((name) =>
    choice(name, ANATOMY_WANTS, "the name of a picture"),
  );
  checkPixels(pixels, shape, pictures.length);
  const at = record(fields["at"], "at");
  const gauge = record(fields["gauge"], "gauge");
  return {
    type: "frame",
    seq: whole(fields, "seq"),
    item: whole(fields, "item"),
    shape,
    pixels,
    pictures,
    source: choice(fields["source"], PICTURE_SOURCES, "source"),
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
    encode<Turn>({ type: "frame", seq, item, draw, turn, want }),
  parseBinary: (buffer) => {
    const [fields, pixels] = splitBinary(buffer);
    if (fields["type"] === "frame") return parseFrame(fields, pixels);
    const answer = STAGE.parseBinary(buffer);
    return answer.type === "items" ? answer : fail("its type is unknown");
  },
};
