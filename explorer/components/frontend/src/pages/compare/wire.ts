// The comparison's messages: requests to text, and the readers of its answers.
import type { Body, Codec, Fields, Heard, Pixels } from "../../core/codec";
import {
  boolean,
  checkPixels,
  encode,
  fail,
  finite,
  labels,
  listOf,
  nullable,
  percentile,
  record,
  shape,
  string,
  whole,
} from "../../core/codec";
import type * as gen from "../../messages.gen";
import { PROTOCOL } from "../../messages.gen";

/** Which models with which maps, in the columns' order. */
export type Target = readonly gen.Column[];
export type FrameBody = Body<gen.Moved>;
export type Opened = Omit<gen.OpenedTogether, "protocol" | "seq">;
export type Reading = gen.ColumnReading;
export type FrameAnswer = Heard<gen.ComparedHeader> & Pixels;
export type ItemsAnswer = Heard<gen.SharedItemsHeader> & Pixels;

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<gen.Moved>({ type: "frame", seq, item: body.item, drives: body.drives });

const readFrameHeader = record<Heard<gen.ComparedHeader>>({
  type: () => "frame",
  seq: whole,
  shape,
  by: nullable(whole),
  original: boolean,
  models: listOf(
    record<Reading>({
      x: finite,
      y: finite,
      percentile,
      nearest: nullable(whole),
      error: nullable(finite),
    }),
  ),
});

function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const header = readFrameHeader(fields, "it");
  const { by, original, models } = header;
  if (by !== null && (by >= models.length || original)) fail("by does not fit the models");
  checkPixels(pixels, header.shape, models.length + (original ? 1 : 0));
  return { ...header, pixels };
}

function readItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const items = listOf(whole)(fields["items"], "items");
  const header = record<Heard<gen.SharedItemsHeader>>({
    type: () => "items",
    seq: whole,
    shape,
    models: whole,
    items: () => items,
    originals: listOf(boolean, items.length),
    names: listOf(String, items.length),
    labels: listOf(labels, items.length),
  })(fields, "it");
  const pictures = items.length * header.models + header.originals.filter(Boolean).length;
  checkPixels(pixels, header.shape, pictures);
  return { ...header, pixels };
}

export const COMPARE: Codec<Target, Opened, FrameAnswer, ItemsAnswer> = {
  encodeOpen: (target) =>
    encode<gen.Together>({ type: "open", protocol: PROTOCOL, models: [...target] }),
  answers: (opened, target) =>
    opened.models.length === target.length &&
    opened.models.every((m, i) => m.model === target[i].model && m.view === target[i].view),
  opened: record<Opened>({
    type: () => "opened",
    models: listOf(
      record<gen.OpenedColumn>({ model: string, version: string, view: string, latent: whole }),
    ),
    count: whole,
    shape,
  }),
  frame: readFrame,
  items: readItems,
};
