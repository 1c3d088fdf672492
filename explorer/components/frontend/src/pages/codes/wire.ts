// The code grid's messages: requests to text, and the readers of its answers.
import type {
  Body,
  Codec,
  Fields,
  Heard,
  ItemsAnswer,
  ModelView,
  Opened,
  Pixels,
} from "../../core/codec";
import {
  checkPixels,
  encode,
  fail,
  listOf,
  MODEL_VIEW,
  matching,
  nullable,
  type Reader,
  shape,
  whole,
} from "../../core/codec";
import type { CodesHeader, CodesWant, Painted } from "../../messages.gen";
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
  const size = shape(fields["shape"], "shape");
  const pictures = listOf(matching(NAME))(fields["pictures"], "a picture");
  checkPixels(pixels, size, pictures.length);
  const codes: Reader<Grids> = (text) =>
    decode(text, levels) ?? fail("codes do not fit the levels");
  const strip = listOf(codes)(fields["strip"], "strip");
  if (strip.length !== pictures.filter((name) => name.startsWith("S")).length)
    fail("the strip's codes do not fit its pictures");
  const step = nullable(codes)(fields["step"], "step");
  if ((step !== null) !== pictures.includes("step"))
    fail("the step's codes do not fit its picture");
  return {
    type: "frame",
    seq: whole(fields["seq"], "seq"),
    shape: size,
    pixels,
    pictures,
    step,
    strip,
  };
}

/** The codes of frames must fit the open model's levels. */
export const codesCodec = (
  levels: () => readonly GridShape[],
): Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> => ({
  ...MODEL_VIEW,
  frame: (fields, pixels) => readFrame(fields, pixels, levels()),
});
