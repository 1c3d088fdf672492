// The code grid's messages: requests to text, answers validated byte by byte (nothing is trusted).
import type { CodesHeader, CodesWant, Painted } from "../messages.gen";
import type { ModelView, Speech } from "../socket";
import { STAGE } from "../socket";
import type { Body, Fields, Heard, ItemsAnswer, Opened, Pixels } from "../wire";
import { checkPixels, encode, fail, list, shapeOf, splitBinary, whole } from "../wire";
import type { GridShape, Grids } from "./grids";
import { decode } from "./grids";

export type Want = CodesWant;
export type FrameBody = Body<Painted>;

/** The codes are decoded. */
export type FrameAnswer = Omit<Heard<CodesHeader>, "step" | "strip"> &
  Pixels & { step: Grids | null; strip: Grids[] };

const NAME = /^(picture|a|b|reach|step|S\d{1,2})$/;

function parseFrame(fields: Fields, pixels: Uint8Array, levels: readonly GridShape[]): FrameAnswer {
  const shape = shapeOf(fields);
  const pictures = list(fields, "pictures").map((name) =>
    typeof name === "string" && NAME.test(name) ? name : fail("an unknown picture"),
  );
  checkPixels(pixels, shape, pictures.length);
  const codes = (text: unknown) => decode(text, levels) ?? fail("codes do not fit the levels");
  const strip = list(fields, "strip").map(codes);
  if (strip.length !== pictures.filter((name) => name.startsWith("S")).length)
    fail("the strip's codes do not fit its pictures");
  const step = fields["step"] === null ? null : codes(fields["step"]);
  if ((step !== null) !== pictures.includes("step"))
    fail("the step's codes do not fit its picture");
  return { type: "frame", seq: whole(fields, "seq"), shape, pixels, pictures, step, strip };
}

/** As on the stage, but for frames, whose codes must fit the open model's levels. */
export function speech(
  levels: () => readonly GridShape[],
): Speech<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer> {
  return {
    ...STAGE,
    encodeFrame: (seq, body) => encode<Painted>({ type: "frame", seq, ...body }),
    parseBinary: (buffer) => {
      const [fields, pixels] = splitBinary(buffer);
      if (fields["type"] === "frame") return parseFrame(fields, pixels, levels());
      const answer = STAGE.parseBinary(buffer);
      return answer.type === "items" ? answer : fail("its type is unknown");
    },
  };
}
