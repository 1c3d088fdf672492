// The original of an item and every model's reconstruction: asked one at a time, the newest first.
import { PictureCanvas } from "../pictures";
import type { OriginalsState } from "../wire";
import type { ItemsAnswer } from "./wire";

/** Why an image is shown without its original, as far as that is known. */
export function missingOriginal(state: OriginalsState): string {
  if (state === "absent") return "its picture is not on this machine";
  return state === "ready" ? "" : "its picture is being read";
}

export interface SharedItem {
  item: number;
  name: string;
  labels: Record<string, string>;
  /** Null where it is not here, or not yet. */
  original: HTMLCanvasElement | null;
  /** One a model. */
  pictures: HTMLCanvasElement[];
}

const CAPACITY = 300;
const TRIES = 3;

export class SharedItems {
  private readonly cache = new Map<number, SharedItem>();
  private readonly failures = new Map<number, number>();
  private wanted: number | null = null;
  private inFlight: { seq: number; item: number } | null = null;

  /**
   * Arguments:
   *   send: asks the server for items; null when there is no connection.
   *   arrived: called after an item has come.
   */
  constructor(
    private readonly send: (items: number[]) => number | null,
    private readonly arrived: (item: SharedItem) => void,
  ) {}

  get(item: number): SharedItem | undefined {
    const found = this.cache.get(item);
    if (found) {
      this.cache.delete(item);
      this.cache.set(item, found);
    }
    return found;
  }

  /** Says which item somebody wants to see now; a former wish that has not been sent is dropped. */
  want(item: number): void {
    this.wanted = this.cache.has(item) ? null : item;
    this.pump();
  }

  private pump(): void {
    const item = this.wanted;
    if (this.inFlight || item === null || (this.failures.get(item) ?? 0) >= TRIES) return;
    const seq = this.send([item]);
    if (seq === null) return;
    this.wanted = null;
    this.inFlight = { seq, item };
  }

  receive(answer: ItemsAnswer): void {
    if (this.inFlight?.seq === answer.seq) this.inFlight = null;
    let at = 0;
    const next = () => {
      const picture = new PictureCanvas(document.createElement("canvas"));
      picture.paint(answer.pixels, at++, answer.shape);
      return picture.canvas;
    };
    answer.items.forEach((item, index) => {
      const original = answer.originals[index] ? next() : null;
      const pictures = Array.from({ length: answer.models }, next);
      const known = { item, name: answer.names[index], labels: answer.labels[index] };
      this.cache.set(item, { ...known, original, pictures });
      this.arrived(this.cache.get(item) as SharedItem);
    });
    for (const item of this.cache.keys()) {
      if (this.cache.size <= CAPACITY) break;
      this.cache.delete(item);
    }
    this.pump();
  }

  failed(seq: number): void {
    if (this.inFlight?.seq !== seq) return;
    const { item } = this.inFlight;
    this.failures.set(item, (this.failures.get(item) ?? 0) + 1);
    this.inFlight = null;
    this.pump();
  }

  /** The connection is new, or the originals may have come: what is kept may be out of date. */
  clear(): void {
    this.cache.clear();
    this.failures.clear();
    this.wanted = null;
    this.inFlight = null;
  }
}
