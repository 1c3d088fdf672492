// The comparison's messages: requests to text, and what an answer must hold beyond its fields.
import type { Body, Codec, Heard, Pixels } from "../../core/codec";
import { checkPixels, encode } from "../../core/codec";
import { checkLength, type Fields, fail } from "../../core/readers";
import type * as gen from "../../messages.gen";
import { PROTOCOL } from "../../messages.gen";
import { readComparedHeader, readOpenedTogether, readSharedItemsHeader } from "../../readers.gen";

/** Which models with which maps, in the columns' order. */
export type Target = readonly gen.Column[];
export type FrameBody = Body<gen.Moved>;
export type Opened = Omit<gen.OpenedTogether, "protocol" | "seq">;
export type Reading = gen.ColumnReading;
export type FrameAnswer = Heard<gen.ComparedHeader> & Pixels;
export type ItemsAnswer = Heard<gen.SharedItemsHeader> & Pixels;

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<gen.Moved>({ type: "frame", seq, item: body.item, drives: body.drives });

function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const header = readComparedHeader(fields, "it");
  const { by, original, models } = header;
  if (by !== null && (by >= models.length || original)) fail("by does not fit the models");
  checkPixels(pixels, header.shape, models.length + (original ? 1 : 0));
  return { ...header, pixels };
}

function readItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const header = readSharedItemsHeader(fields, "it");
  const { items, originals, names, labels } = header;
  for (const [name, list] of Object.entries({ originals, names, labels }))
    checkLength(list, items.length, name);
  const pictures = items.length * header.models + originals.filter(Boolean).length;
  checkPixels(pixels, header.shape, pictures);
  return { ...header, pixels };
}

export const COMPARE: Codec<Target, Opened, FrameAnswer, ItemsAnswer> = {
  encodeOpen: (target) =>
    encode<gen.Together>({ type: "open", protocol: PROTOCOL, models: [...target] }),
  answers: (opened, target) =>
    opened.models.length === target.length &&
    opened.models.every((m, i) => m.model === target[i].model && m.view === target[i].view),
  opened: readOpenedTogether,
  frame: readFrame,
  items: readItems,
};
