// The exact likelihood of what is shown, asked for when the hand rests: one request at a time, a newer one wins.
import { serverUrl } from "./address";
import type { Edit } from "./types";
import { encodeFrame, type Fields, finite, frameBody, list, parseJson } from "./wire";

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
  const fields: Fields = parseJson(text);
  return {
    A: finite(fields["A"], "A"),
    B: finite(fields["B"], "B"),
    strip: list(fields, "strip", frames).map((nats) => finite(nats, "strip")),
  };
}

/** Nats of a whole picture as bits for each of its numbers; less is likelier. */
export const bitsPerDim = (nats: number, dimensions: number): number =>
  -nats / (dimensions * Math.LN2);

export class LikelihoodLoader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;

  constructor(
    private readonly show: (found: Likelihoods) => void,
    private readonly failed: (message: string) => void,
  ) {}

  /** Asks for an edit's likelihoods at `url` once nothing else has been asked for a moment. */
  ask(url: string, edit: Edit): void {
    this.cancel();
    this.timer = setTimeout(() => void this.load(url, edit), REST_MS);
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  private async load(url: string, edit: Edit): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    const want = edit.frames > 0 ? (["A", "B", "strip"] as const) : (["A", "B"] as const);
    const message = encodeFrame(0, frameBody(edit, [...want]));
    try {
      const query = new URLSearchParams({ frame: message });
      const response = await fetch(`${serverUrl(url)}?${query}`, { signal: abort.signal });
      const text = await response.text();
      if (!response.ok) throw new Error(text.trim().slice(0, 300) || `status ${response.status}`);
      if (!abort.signal.aborted) this.show(parseLikelihoods(text, edit.frames));
    } catch (error) {
      if (abort.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.failed(`The likelihood could not be had: ${reason}`);
    }
  }
}
