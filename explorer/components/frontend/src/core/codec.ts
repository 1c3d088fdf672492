// The envelope of the live messages, and the messages that several pages have.
import type * as gen from "../messages.gen";
import { PROTOCOL } from "../messages.gen";
import { readFailure, readItemsHeader, readOpened, readOriginals, readPong } from "../readers.gen";
import { checkLength, type Fields, fail, object, type Reader, WireError } from "./readers";

const MAGIC = 0x3150584c; // "LXP1", little-endian
const MAX_HEADER = 1 << 20;

/** The body of a request, without what every request has. */
export type Body<Request> = Omit<Request, "type" | "seq">;
/** An answer as it is read: without the protocol and the server's times. */
export type Heard<Answer> = Omit<Answer, "protocol" | "ms">;
/** The pictures after a header: one after another, rows of RGB or grey bytes. */
export interface Pixels {
  pixels: Uint8Array;
}

// Messages

/** A request as text; its type says what must be in it. */
export const encode = <Request extends { type: string }>(request: Request): string =>
  JSON.stringify(request);

export function parseJson(text: string): Fields {
  if (text.length > MAX_HEADER) fail("it is too long");
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
      return readFailure(fields, "it");
    case "pong":
      return readPong(fields, "it");
    case "originals":
      return readOriginals(fields, "it");
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

/** The pictures and labels of items. */
export type ItemsAnswer = Heard<gen.ItemsHeader> & Pixels;

export function readItems(fields: Fields, pixels: Uint8Array): ItemsAnswer {
  const header = readItemsHeader(fields, "it");
  const { items, sources, names, labels } = header;
  checkPixels(pixels, header.shape, items.length);
  for (const [name, list] of Object.entries({ sources, names, labels }))
    checkLength(list, items.length, name);
  return { ...header, pixels };
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
  opened: readOpened,
  items: readItems,
};

/** Reads plain little-endian float32 of an expected number of values. */
export function parseFloats(buffer: ArrayBuffer, expected: number, what: string): Float32Array {
  if (buffer.byteLength !== 4 * expected)
    throw new WireError(`${what} has ${buffer.byteLength} bytes, not ${4 * expected}.`);
  return new Float32Array(buffer);
}
