// The Time page's messages: requests to text, and the readers of its answers.
import type { Body, Codec, Fields, Heard, Pixels } from "../../core/codec";
import {
  checkPixels,
  choice,
  encode,
  finite,
  listOf,
  nullable,
  pairOf,
  record,
  shape,
  string,
  whole,
} from "../../core/codec";
import type {
  Ask,
  Disagreement,
  Film,
  GroupName,
  OpenedFilm,
  SequenceHeader,
} from "../../messages.gen";
import { GROUP_NAMES, PROTOCOL } from "../../messages.gen";

export type FrameBody = Body<Ask>;
export type Opened = Omit<OpenedFilm, "protocol" | "seq">;
export type Group = GroupName;

/** Where the pictures of a group lie among those of an answer. */
export interface Span {
  first: number;
  count: number;
}

/** The groups are found among the pictures. */
export type FrameAnswer = Omit<Heard<SequenceHeader>, "groups"> &
  Pixels & { groups: Partial<Record<Group, Span>> };

const readHeader = record<Heard<SequenceHeader>>({
  type: () => "frame",
  seq: whole,
  sequence: whole,
  seen: whole,
  jump: whole,
  by: whole,
  shape,
  groups: listOf(pairOf(choice(GROUP_NAMES), whole)),
  disagreement: nullable(record<Disagreement>({ now: listOf(finite), ahead: listOf(finite) })),
});

function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const header = readHeader(fields, "it");
  const groups: FrameAnswer["groups"] = {};
  let first = 0;
  for (const [name, count] of header.groups) {
    groups[name] = { first, count };
    first += count;
  }
  checkPixels(pixels, header.shape, first);
  return { ...header, groups, pixels };
}

export function encodeFrame(seq: number, body: FrameBody): string {
  const { sequence, seen, jump, samples, seed, steps, by, want } = body;
  return encode<Ask>({ type: "frame", seq, sequence, seen, jump, samples, seed, steps, by, want });
}

/** There are no items on this page, so none are ever asked for. */
export const TIME: Codec<string, Opened, FrameAnswer, never> = {
  encodeOpen: (model) => encode<Film>({ type: "open", protocol: PROTOCOL, model }),
  answers: (opened, model) => opened.model === model,
  opened: record<Opened>({
    type: () => "opened",
    model: string,
    version: string,
    shape,
    count: whole,
    length: whole,
    longest: whole,
  }),
  frame: readFrame,
};
