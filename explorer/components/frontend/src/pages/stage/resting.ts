// Asks the server about an edit once the hand rests: one request at a time, a newer one wins.
import { serverUrl } from "../../address";
import type { Want } from "../../messages.gen";
import type { Edit } from "../../types";
import { encodeFrame, frameBody } from "./wire";

/** The address that asks about a frame of an edit. */
export function frameAddress(
  url: string,
  edit: Edit,
  want: Want[],
  more: Record<string, string> = {},
): string {
  const frame = encodeFrame(0, frameBody(edit, want));
  return `${url}?${new URLSearchParams({ frame, ...more })}`;
}

/** Fetches a text. Raises Error with the server's reason where it refuses. */
export async function fetchText(address: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(serverUrl(address), { signal: signal ?? null });
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim().slice(0, 300) || `status ${response.status}`);
  return text;
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export class RestingLoader<Answer> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;
  /** The question whose answer could not be had. */
  private lost: { url: string; edit: Edit } | null = null;

  /**
   * Arguments:
   *   rest: How long nothing else must be asked first, in milliseconds.
   *   wants: Which pictures of an edit the question is about.
   *   parse: Reads the answer to a question about an edit; raises WireError.
   *   show, failed: One of them is called, unless something newer was asked meanwhile.
   */
  constructor(
    private readonly rest: number,
    private readonly wants: (edit: Edit) => Want[],
    private readonly parse: (text: string, edit: Edit) => Answer,
    private readonly show: (answer: Answer) => void,
    private readonly failed: (reason: string) => void,
  ) {}

  /** Asks about an edit at `url` once nothing else has been asked for a moment. */
  ask(url: string, edit: Edit): void {
    this.cancel();
    this.timer = setTimeout(() => void this.load(url, edit), this.rest);
  }

  /** Asks again what could not be had. */
  renew(): void {
    const { lost } = this;
    if (lost) this.ask(lost.url, lost.edit);
  }

  cancel(): void {
    this.lost = null;
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  private async load(url: string, edit: Edit): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    try {
      const text = await fetchText(frameAddress(url, edit, this.wants(edit)), abort.signal);
      if (!abort.signal.aborted) this.show(this.parse(text, edit));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.lost = { url, edit };
      this.failed(reasonOf(error));
    }
  }
}
