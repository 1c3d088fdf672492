// What the grid of codes asks for with a frame, and where the pictures of the answer go.
import { CODES_WANTS } from "../../messages.gen";
import { encode, type Grids } from "./grids";
import type { Edit } from "./model";
import type { CodesView } from "./view";
import { STRIP, type WalkView } from "./walk";
import type { FrameAnswer, FrameBody, Want } from "./wire";

/**
 * The next frame to ask for; null where there is nothing to ask.
 *
 * Arguments:
 *   waiting: what has changed since the last frame.
 *   inks: the codes of images A and B.
 *   cell: the cell whose reach is shown; -1 for none.
 */
export function requestOf(
  waiting: ReadonlySet<Want>,
  edit: Edit,
  inks: { a: Grids; b: Grids },
  cell: number,
): { body: FrameBody; want: Want[] } | null {
  const { codes, level, t } = edit;
  const want = CODES_WANTS.filter((each) => waiting.has(each));
  if (codes.length === 0 || want.length === 0) return null;
  const probe: FrameBody["probe"] = cell < 0 ? null : [level, cell];
  const [a, b] = [encode(inks.a), encode(inks.b)];
  return { body: { codes: encode(codes), a, b, t, frames: STRIP, probe, want }, want };
}

/** Paints every picture of an answer onto its board. */
export function paintAnswer(
  view: CodesView,
  walk: WalkView,
  answer: FrameAnswer,
  cell: number,
): void {
  const { canvas, own, other } = view;
  const { pixels, pictures, shape } = answer;
  for (const [name, board] of Object.entries({ picture: canvas, a: own, b: other })) {
    const at = pictures.indexOf(name);
    if (at >= 0) board.picture.paint(pixels, at, shape);
  }
  const reach = pictures.indexOf("reach");
  if (reach >= 0 && cell >= 0) canvas.glow(pixels, reach, shape);
  walk.paint(answer);
}
