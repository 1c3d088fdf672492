// The stage's messages: requests to text, and the readers of its frames.
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
  finite,
  listOf,
  MODEL_VIEW,
  matching,
  object,
  pairOf,
  reading,
  shape,
  whole,
} from "../../core/codec";
import type * as gen from "../../messages.gen";
import { MAX_PLACE, MAX_SLIDER, MAX_SLIDERS } from "../../messages.gen";
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

const place = pairOf(finite, finite);

export function readFrame(fields: Fields, pixels: Uint8Array): FrameAnswer {
  const size = shape(fields["shape"], "shape");
  const pictures = listOf(matching(/^(A|B|S\d{1,2})$/))(fields["pictures"], "a picture");
  checkPixels(pixels, size, pictures.length);
  const handles: FrameAnswer["handles"] = {};
  for (const name of ["A", "B"] as const)
    if (pictures.includes(name))
      handles[name] = reading(object(fields["handles"], "handles")[name], "a handle's reading");
  const strips = pictures.filter((name) => name.startsWith("S")).length;
  const path = strips === 0 ? [] : listOf(place, strips)(fields["path"], "path");
  const off = strips === 0 ? [] : listOf(finite)(fields["off"], "off");
  if (off.length !== 0 && off.length !== strips)
    fail(`off has ${off.length} entries, not ${strips}`);
  const seq = whole(fields["seq"], "seq");
  return { type: "frame", seq, shape: size, pixels, pictures, handles, path, off };
}

export const STAGE: Codec<ModelView, Opened, FrameAnswer, ItemsAnswer> = {
  ...MODEL_VIEW,
  frame: readFrame,
};
