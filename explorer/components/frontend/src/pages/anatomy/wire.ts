// The anatomy's messages: requests to text, and the readers of its answers.
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
  choice,
  encode,
  finite,
  listOf,
  MODEL_VIEW,
  nullable,
  pairOf,
  reading,
  record,
  shape,
  whole,
} from "../../core/codec";
import type { AnatomyHeader, BoundTerms, Turn } from "../../messages.gen";
import { ANATOMY_WANTS, PICTURE_SOURCES } from "../../messages.gen";

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

const pair = pairOf(finite, finite);
const figure = nullable(finite);
const terms = nullable(
  record<Terms>({ reconstruction: figure, log_q: figure, log_p: figure, log_weight: figure }),
);
const readHeader = record<Header>({
  type: () => "frame",
  seq: whole,
  item: whole,
  shape,
  pictures: listOf(choice(ANATOMY_WANTS)),
  source: choice(PICTURE_SOURCES),
  at: record<At>({ mean: pair, scale: pair, turn: pair }),
  terms,
  at_mean: terms,
  gauge: reading,
});

export const encodeFrame = (seq: number, { item, draw, turn, want }: FrameBody): string =>
  encode<Turn>({ type: "frame", seq, item, draw, turn, want });

export const ANATOMY: Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> = {
  ...MODEL_VIEW,
  frame: (fields: Fields, pixels: Uint8Array): FrameAnswer => {
    const header = readHeader(fields, "it");
    checkPixels(pixels, header.shape, header.pictures.length);
    return { ...header, pixels };
  },
};
