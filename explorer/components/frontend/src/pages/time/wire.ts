// The Time page's messages: requests to text, and what an answer must hold beyond its fields.
import type { Body, Codec, Heard, Pixels } from "../../core/codec";
import { checkPixels, encode } from "../../core/codec";
import type { Fields } from "../../core/readers";
import type {
  Ask,
  GroupName,
  OpenedSequences,
  OpenSequences,
  SequenceHeader,
} from "../../messages.gen";
import { PROTOCOL } from "../../messages.gen";
import { readOpenedSequences, readSequenceHeader } from "../../readers.gen";

export type FrameBody = Body<Ask>;
export type Opened = Omit<OpenedSequences, "protocol" | "seq">;
export type Group = GroupName;

/** Where the pictures of a group lie among those of an answer. */
export interface Span {
  first: number;
  count: number;
}

/** The groups are found among the pictures. */
export type FrameAnswer = Omit<Heard<SequenceHeader>, "groups"> &
  Pixels & { groups: Partial<Record<Group, Span>> };

function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const header = readSequenceHeader(fields, "it");
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
  encodeOpen: (model) => encode<OpenSequences>({ type: "open", protocol: PROTOCOL, model }),
  answers: (opened, model) => opened.model === model,
  opened: readOpenedSequences,
  frame: readFrame,
};
