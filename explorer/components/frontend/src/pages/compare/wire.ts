// The comparison's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type {
  Column,
  ColumnReading,
  ComparedHeader,
  Moved,
  OpenedTogether,
  SharedItemsHeader,
  Together,
} from "../messages.gen";
import { PROTOCOL } from "../messages.gen";
import type { Speech } from "../socket";
import type { Body, Fields, Heard, Originals, Pixels, Pong, ServerError } from "../wire";
import {
  checkPixels,
  encode,
  encodeItems,
  fail,
  finite,
  list,
  parseJson,
  parseLabels,
  parseText,
  percentileOf,
  shapeOf,
  splitBinary,
  text,
  whole,
} from "../wire";

/** Which models with which maps, in the columns' order. */
export type Target = readonly Column[];
export type FrameBody = Body<Moved>;
export type Opened = Heard<OpenedTogether>;
export type Reading = ColumnReading;
export type FrameAnswer = Heard<ComparedHeader> & Pixels;
export type ItemsAnswer = Heard<SharedItemsHeader> & Pixels;

export function encodeOpen(target: Target): string {
  return encode<Together>({ type: "open", protocol: PROTOCOL, models: [...target] });
}

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<Moved>({ type: "frame", seq, item: body.item, drives: body.drives });

function objectOf(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(`${name} is not an object`);
  return value as Fields;
}

function parseOpened(fields: Fields): Opened {
  if (fields["protocol"] !== PROTOCOL) fail(`protocol is not ${PROTOCOL}`);
  return {
    type: "opened",
    models: list(fields, "models").map((value) => {
      const model = objectOf(value, "a model");
      return {
        model: text(model, "model"),
        version: text(model, "version"),
        view: text(model, "view"),
        latent: whole(model, "latent"),
      };
    }),
    count: whole(fields, "count"),
    shape: shapeOf(fields),
  };
}

/** Reads a text message. Raises WireError for anything else than the three known kinds. */
export function parseCompareText(message: string): Opened | ServerError | Pong | Originals {
  const fields = parseJson(message);
  if (fields["type"] === "opened") return parseOpened(fields);
  const answer = parseText(message);
  return answer.type === "opened" ? fail("its type is unknown") : answer;
}

function readingOf(value: unknown): Reading {
  const fields = objectOf(value, "a model's reading");
  return {
    x: finite(fields["x"], "x"),
    y: finite(fields["y"], "y"),
    percentile: percentileOf(fields["percentile"]),
    nearest: fields["nearest"] === null ? null : whole(fields, "nearest"),
    error: fields["error"] === null ? null : finite(fields["error"], "error"),
  };
}

function flag(value: unknown, name: string): boolean {
  return typeof value === "boolean" ? value : fail(`${name} is not true or false`);
}

function parseFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const shape = shapeOf(fields);
  const models = list(fields, "models").map(readingOf);
  const original = flag(fields["original"], "original");
  const by = fields["by"] === null ? null : whole(fields, "by");
  if (by !== null && (by >= models.length || original)) fail("by does not fit the models");
  checkPixels(pixels, shape, models.length + (original ? 1 : 0));
  return { type: "frame", seq: whole(fields, "seq"), shape, pixels, by, original, models };
}

function parseItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const shape = shapeOf(fields);
  const models = whole(fields, "models");
  const items = list(fields, "items").map((item) => whole({ item }, "item"));
  const originals = list(fields, "originals", items.length).map((v) => flag(v, "originals"));
  checkPixels(pixels, shape, items.length * models + originals.filter(Boolean).length);
  return {
    type: "items",
    seq: whole(fields, "seq"),
    shape,
    pixels,
    models,
    items,
    originals,
    names: list(fields, "names", items.length).map(String),
    labels: list(fields, "labels", items.length).map(parseLabels),
  };
}

/** Reads a binary message. Raises WireError when a length or a field does not fit the others. */
export function parseCompareBinary(buffer: ArrayBuffer): FrameAnswer | ItemsAnswer {
  const [fields, pixels] = splitBinary(buffer);
  if (fields["type"] === "frame") return parseFrame(fields, pixels);
  if (fields["type"] === "items") return parseItems(fields, pixels);
  return fail("its type is unknown");
}

const sameTarget = (opened: Opened, target: Target): boolean =>
  opened.models.length === target.length &&
  opened.models.every((m, i) => m.model === target[i].model && m.view === target[i].view);

export const SPEECH: Speech<Target, Opened, FrameBody, FrameAnswer, ItemsAnswer> = {
  encodeOpen,
  answers: sameTarget,
  encodeFrame,
  encodeItems,
  parseText: parseCompareText,
  parseBinary: parseCompareBinary,
};
