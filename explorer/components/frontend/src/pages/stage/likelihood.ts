// The likelihood bound of what is shown, asked for when the hand rests: one request at a time, a newer one wins.

import { parseJson } from "../../core/codec";
import { finite, listOf, record } from "../../core/readers";
import { RestingLoader } from "./resting";

/** After the last frame, before the likelihood is asked for: it costs more than a frame may. */
const REST_MS = 140;

/** Log P(x) in nats of both pictures and of each one on the way between them. */
export interface Likelihoods {
  A: number;
  B: number;
  strip: number[];
}

/** Reads the server's answer. Raises WireError when a figure is missing or is none. */
export function parseLikelihoods(text: string, frames: number): Likelihoods {
  const read = record<Likelihoods>({ A: finite, B: finite, strip: listOf(finite, frames) });
  return read(parseJson(text), "it");
}

/** Nats of a whole picture as bits for each of its numbers; less is likelier. */
export const bitsPerDim = (nats: number, dimensions: number): number =>
  -nats / (dimensions * Math.LN2);

export class LikelihoodLoader extends RestingLoader<Likelihoods> {
  constructor(show: (found: Likelihoods) => void, failed: (message: string) => void) {
    super(
      REST_MS,
      (edit) => (edit.frames > 0 ? ["A", "B", "strip"] : ["A", "B"]),
      (text, edit) => parseLikelihoods(text, edit.frames),
      show,
      (reason) => failed(`The likelihood could not be computed: ${reason}`),
    );
  }
}
