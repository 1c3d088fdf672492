// The Time page's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type { Speech } from "../socket";
import type { Fields, Originals, Pong, ServerError, Shape } from "../wire";
import {
  checkPixels,
  encodeItems,
  fail,
  finite,
  list,
  PROTOCOL,
  parseJson,
  parseText,
  shapeOf,
  splitBinary,
  text,
  whole,
} from "../wire";
import type { Want } from "./edit";
import type { Edit } from "./types";

export interface FrameBody extends Edit {
  want: Want[];
}

export interface Opened {
  type: "opened";
  model: string;
  version: string;
  shape: Shape;
  count: number;
  length: number;
  longest: number;
}

const GROUPS = [
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
export type Group = (typeof GROUPS)[number];

/** Where the pictures of a group lie among those of an answer. */
export interface Span {
  first: number;
  count: number;
}

export interface FrameAnswer {
  type: "frame";
  seq: number;
  sequence: number;
  seen: number;
  jump: number;
  by: number;
  shape: Shape;
  pixels: Uint8Array;
  groups: Partial<Record<Group, Span>>;
  /** How far draws differ after each frame, as pictures now and one jump ahead; with the frames only. */
  disagreement: { now: number[]; ahead: number[] } | null;
}

function groupsOf(fields: Fields, shape: Shape, pixels: Uint8Array): FrameAnswer["groups"] {
  const groups: FrameAnswer["groups"] = {};
  let first = 0;
  for (const entry of list(fields, "groups")) {
    if (!Array.isArray(entry) || entry.length !== 2) fail("a group is not a pair");
    const [name, count] = entry as [unknown, unknown];
    const known = GROUPS.find((group) => group === name) ?? fail("a group has an unknown name");
    if (!Number.isSafeInteger(count) || (count as number) < 0) fail("a group has no count");
    groups[known] = { first, count: count as number };
    first += count as number;
  }
  checkPixels(pixels, shape, first);
  return groups;
}

function disagreementOf(value: unknown): FrameAnswer["disagreement"] {
  if (value == null) return null;
  if (typeof value !== "object" || Array.isArray(value)) fail("disagreement is not an object");
  const fields = value as Fields;
  const series = (name: string) => list(fields, name).map((one) => finite(one, name));
  return { now: series("now"), ahead: series("ahead") };
}

function parseFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const shape = shapeOf(fields);
  return {
    type: "frame",
    seq: whole(fields, "seq"),
    sequence: whole(fields, "sequence"),
    seen: whole(fields, "seen"),
    jump: whole(fields, "jump"),
    by: whole(fields, "by"),
    shape,
    pixels,
    groups: groupsOf(fields, shape, pixels),
    disagreement: disagreementOf(fields["disagreement"]),
  };
}

function parseOpened(fields: Fields): Opened {
  if (fields["protocol"] !== PROTOCOL) fail(`protocol is not ${PROTOCOL}`);
  return {
    type: "opened",
    model: text(fields, "model"),
    version: text(fields, "version"),
    shape: shapeOf(fields),
    count: whole(fields, "count"),
    length: whole(fields, "length"),
    longest: whole(fields, "longest"),
  };
}

/** There are no items on this page, so none are ever asked for. */
export const TIME: Speech<string, Opened, FrameBody, FrameAnswer, never> = {
  encodeOpen: (model) => JSON.stringify({ type: "open", protocol: PROTOCOL, model }),
  answers: (opened, model) => opened.model === model,
  encodeFrame: (seq, { sequence, seen, jump, samples, seed, steps, by, want }) =>
    JSON.stringify({
      type: "frame",
      seq,
      sequence,
      seen,
      jump,
      samples,
      seed,
      steps,
      by,
      want,
    }),
  encodeItems,
  parseText: (message) => {
    const fields = parseJson(message);
    return fields["type"] === "opened"
      ? parseOpened(fields)
      : (parseText(message) as ServerError | Pong | Originals);
  },
  parseBinary: (buffer) => {
    const [fields, pixels] = splitBinary(buffer);
    return fields["type"] === "frame" ? parseFrame(fields, pixels) : fail("its type is unknown");
  },
};
