// Something fetched over HTTP: tried again by itself, when the connection is back, and on demand; a newer address wins.
import { serverUrl } from "../address";
import { parseFloats } from "./codec";

/** Waits between the tries that need nobody's help, in milliseconds. */
const WAITS_MS = [400, 1200, 3000];

export interface Wanted<T> {
  url: string;
  /** What it is called in a message, such as "The map". */
  what: string;
  read(buffer: ArrayBuffer): T;
  done(value: T): void;
  /** It is not there, and why, fit for a person; `retry` asks again. */
  failed(message: string): void;
}

/** An answer by which trying again at once would not help. */
class Refused extends Error {}

/** Little-endian float32 values. Raises WireError where there is another number of them. */
export const floats =
  (expected: number, what: string) =>
  (buffer: ArrayBuffer): Float32Array =>
    parseFloats(buffer, expected, what);

export class Resource<T> {
  private wanted: Wanted<T> | null = null;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private loaded = false;

  /** Fetches; nothing happens when the address is the one that was asked for last. */
  load(wanted: Wanted<T>): void {
    if (wanted.url === this.wanted?.url) {
      this.wanted = wanted;
      return;
    }
    this.cancel();
    this.wanted = wanted;
    this.start(0);
  }

  /** Fetches again what has failed, or waits to be tried again. */
  retry(): void {
    if (this.wanted && !this.loaded && !this.abort) this.start(0);
  }

  /** Forgets the address, so that the same one is fetched again when asked. */
  cancel(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
    this.wanted = null;
    this.loaded = false;
  }

  private start(attempt: number): void {
    clearTimeout(this.timer);
    const abort = new AbortController();
    this.abort = abort;
    const { url } = this.wanted as Wanted<T>;
    void this.fetch(url, abort.signal).then(
      (buffer) => {
        if (!abort.signal.aborted) this.receive(buffer);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) this.lose(error, attempt);
      },
    );
  }

  private receive(buffer: ArrayBuffer): void {
    this.abort = null;
    const { wanted } = this;
    if (!wanted) return;
    let value: T;
    try {
      value = wanted.read(buffer);
    } catch (error) {
      this.say(error);
      return;
    }
    this.loaded = true;
    wanted.done(value);
  }

  private lose(error: unknown, attempt: number): void {
    this.abort = null;
    const wait = WAITS_MS[attempt];
    if (error instanceof Refused || wait === undefined) this.say(error);
    else this.timer = setTimeout(() => this.start(attempt + 1), wait);
  }

  private say(error: unknown): void {
    this.wanted?.failed(error instanceof Error ? error.message : String(error));
  }

  private async fetch(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
    const what = this.wanted?.what ?? "A file";
    const response = await fetch(serverUrl(url), { signal });
    if (response.ok) return response.arrayBuffer();
    const reason = (await response.text()).trim().slice(0, 300) || `status ${response.status}`;
    const kind = response.status >= 500 ? Error : Refused;
    throw new kind(`${what} could not be loaded: ${reason}`);
  }
}
