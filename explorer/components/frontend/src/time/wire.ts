// The Time page's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type { Ask, Film, GroupName, OpenedFilm, SequenceHeader, Shape } from "../messages.gen";
import { GROUP_NAMES, PROTOCOL } from "../messages.gen";
import type { Speech } from "../socket";
import type { Body, Fields, Heard, Originals, Pixels, Pong, ServerError } from "../wire";
import {
  checkPixels,
  choice,
  encode,
  encodeItems,
  fail,
  finite,
  list,
  parseJson,
  parseText,
  shapeOf,
  splitBinary,
  text,
  whole,
} from "../wire";

export type FrameBody = Body<Ask>;
export type Opened = Heard<OpenedFilm>;
export type Group = GroupName;

/** Where the pictures of a group lie among those of an answer. */
export interface Span {
  first: number;
  count: number;
}

/** The groups are found among the pictures. */
export type FrameAnswer = Omit<Heard<SequenceHeader>, "groups"> &
  Pixels & { groups: Partial<Record<Group, Span>> };

function groupsOf(fields: Fields, shape: Shape, pixels: Uint8Array): FrameAnswer["groups"] {
  const groups: FrameAnswer["groups"] = {};
  let first = 0;
  for (const entry of list(fields, "groups")) {
    if (!Array.isArray(entry) || entry.length !== 2) fail("a group is not a pair");
    const [name, count] = entry as [unknown, unknown];
    const known = choice(name, GROUP_NAMES, "the name of a group");
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
  encodeOpen: (model) => encode<Film>({ type: "open", protocol: PROTOCOL, model }),
  answers: (opened, model) => opened.model === model,
  encodeFrame: (seq, { sequence, seen, jump, samples, seed, steps, by, want }) =>
    encode<Ask>({
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
