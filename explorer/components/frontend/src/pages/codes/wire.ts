// The code grid's messages: requests to text, and what an answer must hold beyond its fields.
import type { Body, Codec, Heard, ItemsAnswer, ModelView, Opened, Pixels } from "../../core/codec";
import { checkPixels, encode, MODEL_VIEW } from "../../core/codec";
import { checkMatch, type Fields, fail } from "../../core/readers";
import type { CodesHeader, CodesWant, Painted } from "../../messages.gen";
import { readCodesHeader } from "../../readers.gen";
import type { GridShape, Grids } from "./grids";
import { decode } from "./grids";

export type Want = CodesWant;
export type FrameBody = Body<Painted>;

/** The codes are decoded. */
export type FrameAnswer = Omit<Heard<CodesHeader>, "step" | "strip"> &
  Pixels & { step: Grids | null; strip: Grids[] };

const NAME = /^(picture|a|b|reach|step|S\d{1,2})$/;

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<Painted>({ type: "frame", seq, ...body });

function readFrame(fields: Fields, pixels: Uint8Array, levels: readonly GridShape[]): FrameAnswer {
  const header = readCodesHeader(fields, "it");
  const { pictures } = header;
  checkMatch(pictures, NAME, "a picture");
  checkPixels(pixels, header.shape, pictures.length);
  const codes = (text: string): Grids =>
    decode(text, levels) ?? fail("codes do not fit the levels");
  const strip = header.strip.map(codes);
  if (strip.length !== pictures.filter((name) => name.startsWith("S")).length)
    fail("the strip's codes do not fit its pictures");
  const step = header.step === null ? null : codes(header.step);
  if ((step !== null) !== pictures.includes("step"))
    fail("the step's codes do not fit its picture");
  return { ...header, pixels, step, strip };
}

/** The codes of frames must fit the open model's levels. */
export const codesCodec = (
  levels: () => readonly GridShape[],
): Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> => ({
  ...MODEL_VIEW,
  frame: (fields, pixels) => readFrame(fields, pixels, levels()),
});
