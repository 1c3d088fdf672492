// Fetches arrays over HTTP and checks their length; one fetch a purpose, a newer one wins.
import { serverUrl } from "./address";
import { parseFloats } from "./wire";

export class Loader {
  private url = "";
  private abort: AbortController | null = null;

  /**
   * Fetches little-endian float32 values; nothing happens when the address has not changed.
   *
   * `done` is called with the values, `failed` with a message fit for a person; neither is called
   * once another address has been asked for.
   */
  load(
    url: string,
    expected: number,
    what: string,
    done: (values: Float32Array) => void,
    failed: (message: string) => void,
  ): void {
    if (url === this.url) return;
    this.cancel();
    this.url = url;
    const abort = new AbortController();
    this.abort = abort;
    void this.fetch(url, expected, what, abort.signal).then(
      (values) => {
        if (!abort.signal.aborted) done(values);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        this.url = "";
        failed(error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** Forgets the address, so that the same one is fetched again when asked. */
  cancel(): void {
    this.url = "";
    this.abort?.abort();
    this.abort = null;
  }

  private async fetch(url: string, expected: number, what: string, signal: AbortSignal) {
    const response = await fetch(serverUrl(url), { signal });
    if (!response.ok) {
      const reason = (await response.text()).trim().slice(0, 300);
      throw new Error(`${what} could not be loaded: ${reason || `status ${response.status}`}`);
    }
    return parseFloats(await response.arrayBuffer(), expected, what);
  }
}
