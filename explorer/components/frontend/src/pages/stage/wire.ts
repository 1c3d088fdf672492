// The stage's messages: requests to text, and what a frame must hold beyond its fields.
import type { Body, Codec, Heard, ItemsAnswer, ModelView, Opened, Pixels } from "../../core/codec";
import { checkPixels, encode, MODEL_VIEW } from "../../core/codec";
import { checkLength, checkMatch, type Fields, fail } from "../../core/readers";
import type * as gen from "../../messages.gen";
import { HANDLE_NAMES, MAX_PLACE, MAX_SLIDER, MAX_SLIDERS } from "../../messages.gen";
import { readFrameHeader } from "../../readers.gen";
import type { Edit } from "../../types";

export type FrameBody = Body<gen.Frame>;
export type FrameAnswer = Heard<gen.FrameHeader> & Pixels;

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
export function frameBody(edit: Edit, want: readonly gen.Want[]): FrameBody {
  const strip = want.includes("strip");
  const body: FrameBody = {
    want: [...want],
    handles: { A: wireHandle(edit.A) },
    residual: edit.residual,
  };
  if (strip || want.includes("B")) body.handles.B = wireHandle(edit.B);
  if (strip) body.strip = { frames: edit.frames, path: edit.path };
  if (edit.level > 0) body.level = edit.level;
  return body;
}

export const encodeFrame = (seq: number, body: FrameBody): string =>
  encode<gen.Frame>({ type: "frame", seq, ...body });

export function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const header = readFrameHeader(fields, "it");
  const { pictures, handles, path, off } = header;
  checkMatch(pictures, /^(A|B|S\d{1,2})$/, "a picture");
  checkPixels(pixels, header.shape, pictures.length);
  for (const name of HANDLE_NAMES)
    if (pictures.includes(name) && !handles[name]) fail(`${name} has no gauge's reading`);
  const strips = pictures.filter((name) => name.startsWith("S")).length;
  checkLength(path, strips, "path");
  if (off.length !== 0) checkLength(off, strips, "off");
  return { ...header, pixels };
}

export const STAGE: Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> = {
  ...MODEL_VIEW,
  frame: readFrame,
};
