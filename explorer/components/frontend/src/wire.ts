// The socket's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type * as gen from "./messages.gen";
import {
  ERROR_CODES,
  MAX_PLACE,
  MAX_SLIDER,
  MAX_SLIDERS,
  ORIGINALS_STATES,
  PICTURE_SOURCES,
  PROTOCOL,
} from "./messages.gen";
import type { Edit } from "./types";

const MAGIC = 0x3150584c; // "LXP1", little-endian
const MAX_HEADER = 1 << 20;
const MAX_SIDE = 4096;

export type { ItemSource, OriginalsState, Shape, Want } from "./messages.gen";

/** The body of a request, without what every request has. */
export type Body<Request> = Omit<Request, "type" | "seq">;
/** An answer as it is read: without the protocol and the server's times. */
export type Heard<Answer> = Omit<Answer, "protocol" | "ms">;
/** The pictures after a header: one after another, rows of RGB or grey bytes. */
export interface Pixels {
  pixels: Uint8Array;
}

/** An answer that breaks the protocol; the message says which rule. */
export class WireError extends Error {
  override name = "WireError";
}

// Requests

export type FrameBody = Body<gen.Frame>;

const clamp = (value: number, limit: number) => Math.min(limit, Math.max(-limit, value));

function wireHandle(handle: Edit["A"]): gen.Handle {
  const sliders: Record<string, number> = {};
  let sent = 0;
  for (const slug in handle.sliders) {
    const s = handle.sliders[slug];
    if (s === 0 || sent >= MAX_SLIDERS) continue;
    sliders[slug] = clamp(s, MAX_SLIDER);
    sent += 1;
  }
  return {
    item: handle.item,
    x: clamp(handle.x, MAX_PLACE),
    y: clamp(handle.y, MAX_PLACE),
    sliders,
  };
}

/** The frame request for what is wanted of an edit; B is left out when nothing needs it. */
export function frameBody(edit: Edit, want: gen.Want[]): FrameBody {
  const strip = want.includes("strip");
  const body: FrameBody = { want, handles: { A: wireHandle(edit.A) }, residual: edit.residual };
  if (strip || want.includes("B")) body.handles.B = wireHandle(edit.B);
  if (strip) body.strip = { frames: edit.frames, path: edit.path };
  if (edit.level > 0) body.level = edit.level;
  return body;
}

/** A request as text; its type says what must be in it. */
export const encode = <Request extends { type: string }>(request: Request): string =>
  JSON.stringify(request);

export const encodeOpen = (model: string, view: string): string =>
  encode<gen.Open>({ type: "open", protocol: PROTOCOL, model, view });

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<gen.Frame>({ type: "frame", seq, ...body });

export const encodeItems = (
  seq: number,
  items: readonly number[],
  source: gen.ItemSource,
): string => encode<gen.Items>({ type: "items", seq, items: [...items], source });

export const encodePing = (seq: number): string => encode<gen.Ping>({ type: "ping", seq });

// Answers

export type Opened = Heard<gen.Opened>;
export type ServerError = gen.Failure;
export type Pong = gen.Pong;
export type Originals = gen.Originals;
export type Reading = gen.GaugeReading;
export type FrameAnswer = Heard<gen.FrameHeader> & Pixels;
export type ItemsAnswer = Heard<gen.ItemsHeader> & Pixels;
export type TextAnswer = Opened | ServerError | Pong | Originals;
export type BinaryAnswer = FrameAnswer | ItemsAnswer;

export type Fields = Record<string, unknown>;

export function fail(rule: string): never {
  throw new WireError(`The server's answer is not valid: ${rule}.`);
}

export function parseJson(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail("not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail("not an object");
  return value as Fields;
}

export function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : fail(`${name} is not a string`);
}

export function whole(fields: Fields, name: string): number {
  const value = fields[name];
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(`${name} is not a whole number`);
}

/** One of the choices that the server declares. */
export function choice<T extends string>(value: unknown, choices: readonly T[], name: string): T {
  return choices.find((known) => known === value) ?? fail(`${name} is unknown`);
}

export function finite(value: unknown, name: string): number {
  return typeof value === "number" && Number.isFinite(value)
    ? value
    : fail(`${name} is not a number`);
}

export function list(fields: Fields, name: string, length?: number): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) fail(`${name} is not a list`);
  if (length !== undefined && value.length !== length)
    fail(`${name} has ${value.length} entries, not ${length}`);
  return value;
}

export function shapeOf(fields: Fields): gen.Shape {
  const [c, h, w] = list(fields, "shape", 3);
  const side = (v: unknown) =>
    Number.isInteger(v) && (v as number) >= 1 && (v as number) <= MAX_SIDE;
  if (c !== 1 && c !== 3) fail("shape has neither 1 nor 3 channels");
  if (!side(h) || !side(w)) fail("shape has an impossible side");
  return [c, h as number, w as number];
}

/** Reads a text message. Raises WireError for anything else than the four known kinds. */
export function parseText(message: string): TextAnswer {
  const fields = parseJson(message);
  switch (fields["type"]) {
    case "opened":
      if (fields["protocol"] !== PROTOCOL) fail(`protocol is not ${PROTOCOL}`);
      return {
        type: "opened",
        model: text(fields, "model"),
        version: text(fields, "version"),
        view: text(fields, "view"),
        count: whole(fields, "count"),
        latent: whole(fields, "latent"),
        shape: shapeOf(fields),
      };
    case "error":
      return {
        type: "error",
        code: choice(fields["code"], ERROR_CODES, "the kind of error"),
        message: text(fields, "message"),
        seq: fields["seq"] == null ? null : whole(fields, "seq"),
      };
    case "pong":
      return { type: "pong", seq: whole(fields, "seq") };
    case "originals": {
      const state = choice(fields["state"], ORIGINALS_STATES, "the state of the originals");
      return { type: "originals", state };
    }
    default:
      return fail("its type is unknown");
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

export function splitBinary(buffer: ArrayBuffer): [Fields, Uint8Array] {
  if (buffer.byteLength < 8) fail("shorter than its prefix");
  const prefix = new DataView(buffer);
  if (prefix.getUint32(0, true) !== MAGIC) fail("it does not start with LXP1");
  const length = prefix.getUint32(4, true);
  if (length > MAX_HEADER || 8 + length > buffer.byteLength) fail("its header is cut off");
  if ((8 + length) % 4 !== 0) fail("its pixels are not aligned");
  let header: string;
  try {
    header = decoder.decode(new Uint8Array(buffer, 8, length));
  } catch {
    fail("its header is not UTF-8");
  }
  return [parseJson(header), new Uint8Array(buffer, 8 + length)];
}

export function checkPixels(pixels: Uint8Array, shape: gen.Shape, pictures: number): void {
  const expected = shape[0] * shape[1] * shape[2] * pictures;
  if (pixels.length !== expected) fail(`${pixels.length} bytes of pixels, not ${expected}`);
}

/** A gauge's percentile, 0 to 100; null where the model has no gauge. */
export function percentileOf(value: unknown): number | null {
  return value === null ? null : Math.min(100, Math.max(0, finite(value, "percentile")));
}

function readingOf(value: unknown): Reading {
  if (typeof value !== "object" || value === null) fail("a handle's reading is not an object");
  const fields = value as Fields;
  return {
    percentile: percentileOf(fields["percentile"]),
    distance: finite(fields["distance"], "distance"),
    nearest: whole(fields, "nearest"),
  };
}

function parseFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const shape = shapeOf(fields);
  const pictures = list(fields, "pictures").map((name) =>
    typeof name === "string" && /^(A|B|S\d{1,2})$/.test(name) ? name : fail("an unknown picture"),
  );
  checkPixels(pixels, shape, pictures.length);
  const strips = pictures.filter((name) => name.startsWith("S")).length;
  const handles: FrameAnswer["handles"] = {};
  const given = (fields["handles"] ?? {}) as Fields;
  for (const name of ["A", "B"] as const) {
    if (pictures.includes(name)) handles[name] = readingOf(given[name]);
  }
  const path =
    strips === 0
      ? []
      : list(fields, "path", strips).map((p): [number, number] => {
          if (!Array.isArray(p) || p.length !== 2) fail("a path point is not a pair");
          return [finite(p[0], "path"), finite(p[1], "path")];
        });
  const off = strips === 0 ? [] : list(fields, "off").map((p) => finite(p, "off"));
  if (off.length !== 0 && off.length !== strips)
    fail(`off has ${off.length} entries, not ${strips}`);
  return { type: "frame", seq: whole(fields, "seq"), shape, pixels, pictures, handles, path, off };
}

export function parseLabels(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail("an item's labels are not an object");
  const labels: Record<string, string> = {};
  for (const [name, label] of Object.entries(value)) labels[name] = String(label);
  return labels;
}

function parseItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const shape = shapeOf(fields);
  const items = list(fields, "items").map((item) =>
    Number.isSafeInteger(item) && (item as number) >= 0 ? (item as number) : fail("a bad item"),
  );
  checkPixels(pixels, shape, items.length);
  return {
    type: "items",
    seq: whole(fields, "seq"),
    shape,
    pixels,
    items,
    sources: list(fields, "sources", items.length).map((source) =>
      choice(source, PICTURE_SOURCES, "the source of a picture"),
    ),
    names: list(fields, "names", items.length).map(String),
    labels: list(fields, "labels", items.length).map(parseLabels),
  };
}

/** Reads a binary message. Raises WireError when a length or a field does not fit the others. */
export function parseBinary(buffer: ArrayBuffer): BinaryAnswer {
  const [fields, pixels] = splitBinary(buffer);
  switch (fields["type"]) {
    case "frame":
      return parseFrame(fields, pixels);
    case "items":
      return parseItems(fields, pixels);
    default:
      return fail("its type is unknown");
  }
}

/** Reads interleaved or plain little-endian float32 of an expected number of values. */
export function parseFloats(buffer: ArrayBuffer, expected: number, what: string): Float32Array {
  if (buffer.byteLength !== 4 * expected)
    throw new WireError(`${what} has ${buffer.byteLength} bytes, not ${4 * expected}.`);
  return new Float32Array(buffer);
}
