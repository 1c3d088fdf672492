// The anatomy's messages: requests to text, and what an answer must hold beyond its fields.
import type { Body, Codec, Heard, ItemsAnswer, ModelView, Opened, Pixels } from "../../core/codec";
import { checkPixels, encode, MODEL_VIEW } from "../../core/codec";
import { type Fields, fail } from "../../core/readers";
import type { AnatomyHeader, BoundTerms, Turn } from "../../messages.gen";
import { readAnatomyHeader } from "../../readers.gen";

export type FrameBody = Body<Turn>;
export type Terms = BoundTerms;
export type Pair = readonly [across: number, up: number];
export interface At {
  mean: Pair;
  scale: Pair;
  turn: Pair;
}

/** Its place in the view's two dimensions is known: where eps is 0, one unit of eps, and eps. */
type Header = Omit<Heard<AnatomyHeader>, "at"> & { at: At };
export type FrameAnswer = Header & Pixels;

const known = ([across, up]: readonly [number | null, number | null]): Pair =>
  across === null || up === null ? fail("its place is not known") : [across, up];

export const encodeFrame = (seq: number, { item, draw, turn, want }: FrameBody): string =>
  encode<Turn>({ type: "frame", seq, item, draw, turn, want });

export const ANATOMY: Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> = {
  ...MODEL_VIEW,
  frame: (fields: Fields, pixels: Uint8Array): FrameAnswer => {
    const header = readAnatomyHeader(fields, "it");
    const { mean, scale, turn } = header.at;
    checkPixels(pixels, header.shape, header.pictures.length);
    const at = { mean: known(mean), scale: known(scale), turn: known(turn) };
    return { ...header, at, pixels };
  },
};
