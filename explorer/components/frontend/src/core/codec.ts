// The envelope of the live messages, and readers that validate every field of an answer.
import type * as gen from "../messages.gen";
import { ERROR_CODES, ORIGINALS_STATES, PICTURE_SOURCES, PROTOCOL } from "../messages.gen";

const MAGIC = 0x3150584c; // "LXP1", little-endian
const MAX_HEADER = 1 << 20;
const MAX_SIDE = 4096;

/** The body of a request, without what every request has. */
export type Body<Request> = Omit<Request, "type" | "seq">;
/** An answer as it is read: without the protocol and the server's times. */
export type Heard<Answer> = Omit<Answer, "protocol" | "ms">;
/** The pictures after a header: one after another, rows of RGB or grey bytes. */
export interface Pixels {
  pixels: Uint8Array;
}

/** An answer that breaks the protocol; the message says which rule, `seq` which request it answers. */
export class WireError extends Error {
  override name = "WireError";
  seq: number | null = null;
}

export type Fields = Record<string, unknown>;

export function fail(rule: string): never {
  throw new WireError(`The server's answer is not valid: ${rule}.`);
}

// Readers: each takes a value of an answer and its name, and gives it typed or raises WireError.

export type Reader<T> = (value: unknown, name: string) => T;

export const string: Reader<string> = (value, name) =>
  typeof value === "string" ? value : fail(`${name} is not a string`);

export const boolean: Reader<boolean> = (value, name) =>
  typeof value === "boolean" ? value : fail(`${name} is not true or false`);

export const finite: Reader<number> = (value, name) =>
  typeof value === "number" && Number.isFinite(value) ? value : fail(`${name} is not a number`);

export const whole: Reader<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(`${name} is not a whole number`);

/** A gauge's percentile, 0 to 100; null where the model has no gauge. */
export const percentile: Reader<number | null> = (value, name) =>
  value === null ? null : Math.min(100, Math.max(0, finite(value, name)));

/** One of the choices that the server declares. */
export const choice =
  <T extends string>(choices: readonly T[]): Reader<T> =>
  (value, name) =>
    choices.find((known) => known === value) ?? fail(`${name} is unknown`);

/** A text that a pattern matches as a whole. */
export const matching =
  (pattern: RegExp): Reader<string> =>
  (value, name) =>
    typeof value === "string" && pattern.test(value) ? value : fail(`${name} is unknown`);

export const nullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, name) =>
    value == null ? null : read(value, name);

export const listOf =
  <T>(read: Reader<T>, length?: number): Reader<T[]> =>
  (value, name) => {
    if (!Array.isArray(value)) fail(`${name} is not a list`);
    if (length !== undefined && value.length !== length)
      fail(`${name} has ${value.length} entries, not ${length}`);
    return value.map((each) => read(each, name));
  };

export const pairOf =
  <A, B>(first: Reader<A>, second: Reader<B>): Reader<[A, B]> =>
  (value, name) => {
    if (!Array.isArray(value) || value.length !== 2) fail(`${name} is not a pair`);
    return [first(value[0], name), second(value[1], name)];
  };

export const object: Reader<Fields> = (value, name) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : fail(`${name} is not an object`);

export const mapOf =
  <T>(read: Reader<T>): Reader<Record<string, T>> =>
  (value, name) =>
    Object.fromEntries(
      Object.entries(object(value, name)).map(([key, each]) => [key, read(each, key)]),
    );

/** The fields of a message; others that it has are left out. */
export type Schema<T> = { readonly [Name in keyof T]-?: Reader<T[Name]> };

/** Reads every field of a schema, in its order. */
export function record<T extends object>(schema: Schema<T>): Reader<T> {
  const readers = Object.entries(schema) as [string, Reader<unknown>][];
  return (value, name) => {
    const fields = object(value, name);
    const found: Fields = {};
    for (const [field, read] of readers) found[field] = read(fields[field], field);
    return found as T;
  };
}

export const shape: Reader<gen.Shape> = (value, name) => {
  const [c, h, w] = listOf((side) => side, 3)(value, name);
  const side = (v: unknown) =>
    Number.isInteger(v) && (v as number) >= 1 && (v as number) <= MAX_SIDE;
  if (c !== 1 && c !== 3) fail("shape has neither 1 nor 3 channels");
  if (!side(h) || !side(w)) fail("shape has an impossible side");
  return [c, h as number, w as number];
};

/** How far a latent is from the data. */
export const reading = record<gen.GaugeReading>({ percentile, distance: finite, nearest: whole });

// Messages

/** A request as text; its type says what must be in it. */
export const encode = <Request extends { type: string }>(request: Request): string =>
  JSON.stringify(request);

export function parseJson(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail("not JSON");
  }
  return object(value, "it");
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The header and the pixels of a binary message. */
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

/** Raises WireError unless there are as many bytes as some pictures of a shape take. */
export function checkPixels(pixels: Uint8Array, size: gen.Shape, pictures: number): void {
  const expected = size[0] * size[1] * size[2] * pictures;
  if (pixels.length !== expected) fail(`${pixels.length} bytes of pixels, not ${expected}`);
}

export type Failure = gen.Failure;
export type Originals = gen.Originals;
export interface Sequenced {
  type: string;
  seq: number;
}

/** What is said over a connection; a page says only what is its own. */
export interface Codec<Target, Opened extends { type: "opened" }, Frame, Items> {
  encodeOpen(target: Target): string;
  /** Whether an answer is to this target, and not to one that was asked for before. */
  answers(opened: Opened, target: Target): boolean;
  opened: Reader<Opened>;
  frame(fields: Fields, pixels: Uint8Array): Frame;
  /** Left out where there are no items. */
  items?(fields: Fields, pixels: Uint8Array): Items;
}

const failure = record<gen.Failure>({
  type: () => "error",
  code: choice(ERROR_CODES),
  message: string,
  seq: nullable(whole),
});
const pong = record<gen.Pong>({ type: () => "pong", seq: whole });
const originals = record<gen.Originals>({
  type: () => "originals",
  state: choice(ORIGINALS_STATES),
});

/** Reads a text message. Raises WireError for anything else than the four known kinds. */
export function readText<Opened extends { type: "opened" }>(
  codec: { opened: Reader<Opened> },
  message: string,
): Opened | gen.Failure | gen.Pong | gen.Originals {
  const fields = parseJson(message);
  switch (fields["type"]) {
    case "opened":
      if (fields["protocol"] !== PROTOCOL) fail(`protocol is not ${PROTOCOL}`);
      return codec.opened(fields, "it");
    case "error":
      return failure(fields, "it");
    case "pong":
      return pong(fields, "it");
    case "originals":
      return originals(fields, "it");
    default:
      return fail("its type is unknown");
  }
}

/** Reads a binary message. Raises WireError, with the number of the request where that can be read. */
export function readBinary<Frame, Items>(
  codec: Pick<Codec<never, never, Frame, Items>, "frame" | "items">,
  buffer: ArrayBuffer,
): Frame | Items {
  const [fields, pixels] = splitBinary(buffer);
  try {
    if (fields["type"] === "frame") return codec.frame(fields, pixels);
    if (fields["type"] === "items" && codec.items) return codec.items(fields, pixels);
    return fail("its type is unknown");
  } catch (error) {
    const { seq } = fields;
    if (error instanceof WireError && Number.isSafeInteger(seq)) error.seq = seq as number;
    throw error;
  }
}

// What several pages say

export const labels: Reader<Record<string, string>> = mapOf(String);

/** The pictures and labels of items. */
export type ItemsAnswer = Heard<gen.ItemsHeader> & Pixels;

export function readItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const size = shape(fields["shape"], "shape");
  const items = listOf(whole)(fields["items"], "items");
  checkPixels(pixels, size, items.length);
  const one = <T>(name: string, read: Reader<T>) => listOf(read, items.length)(fields[name], name);
  return {
    type: "items",
    seq: whole(fields["seq"], "seq"),
    shape: size,
    pixels,
    items,
    sources: one("sources", choice(PICTURE_SOURCES)),
    names: one("names", String),
    labels: one("labels", labels),
  };
}

export const encodeItems = (
  seq: number,
  items: readonly number[],
  source: gen.ItemSource,
): string => encode<gen.Items>({ type: "items", seq, items: [...items], source });

export const encodePing = (seq: number): string => encode<gen.Ping>({ type: "ping", seq });

/** A model and one of its maps. */
export interface ModelView {
  model: string;
  view: string;
}
export type Opened = Omit<gen.Opened, "protocol" | "seq">;

/** How a model and one of its maps are opened. */
export const MODEL_VIEW = {
  encodeOpen: ({ model, view }: ModelView): string =>
    encode<gen.Open>({ type: "open", protocol: PROTOCOL, model, view }),
  answers: (opened: Opened, { model, view }: ModelView): boolean =>
    opened.model === model && opened.view === view,
  opened: record<Opened>({
    type: () => "opened" as const,
    model: string,
    version: string,
    view: string,
    count: whole,
    latent: whole,
    shape,
  }),
  items: readItems,
};

/** Reads plain little-endian float32 of an expected number of values. */
export function parseFloats(buffer: ArrayBuffer, expected: number, what: string): Float32Array {
  if (buffer.byteLength !== 4 * expected)
    throw new WireError(`${what} has ${buffer.byteLength} bytes, not ${4 * expected}.`);
  return new Float32Array(buffer);
}
