// Small pictures and labels of real items: asked in batches, kept in a least-recently-used cache.
import { PictureCanvas } from "./pictures";
import type { ItemsAnswer } from "./wire";

export interface Item {
  item: number;
  name: string;
  source: string;
  labels: Record<string, string>;
  canvas: HTMLCanvasElement;
}

const CAPACITY = 600;
const BATCH = 32;
const RETRY_MS = 400;
const TRIES = 3;

/** Who asks; the first is served first, and a new ask replaces the older one of the same name. */
const ASKERS = ["hover", "nearest", "handles", "own", "beside"] as const;
export type Asker = (typeof ASKERS)[number];

export class ItemStore {
  private readonly cache = new Map<number, Item>();
  private readonly wanted = new Map<Asker, readonly number[]>();
  private readonly failures = new Map<number, number>();
  /** Reconstructions whose originals have come since: shown until those are here. */
  private readonly outdated = new Set<number>();
  private inFlight: { seq: number; items: number[] } | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;

  /**
   * Arguments:
   *   send: asks the server for items; null when there is no connection.
   *   arrived: called after new items have come.
   */
  constructor(
    private readonly send: (items: number[]) => number | null,
    private readonly arrived: () => void,
  ) {}

  get(item: number): Item | undefined {
    const found = this.cache.get(item);
    if (found) {
      this.cache.delete(item);
      this.cache.set(item, found);
    }
    return found;
  }

  /** Says which items somebody wants to see now. */
  want(asker: Asker, items: readonly number[]): void {
    this.wanted.set(asker, items);
    this.pump();
  }

  /** Sends the next batch if none is in flight. */
  pump(): void {
    if (this.inFlight) return;
    const batch = this.nextBatch();
    if (batch.length === 0) return;
    const seq = this.send(batch);
    if (seq !== null) this.inFlight = { seq, items: batch };
  }

  private nextBatch(): number[] {
    const batch = new Set<number>();
    for (const asker of ASKERS) {
      for (const item of this.wanted.get(asker) ?? []) {
        const known = this.cache.has(item) && !this.outdated.has(item);
        if (known || (this.failures.get(item) ?? 0) >= TRIES) continue;
        batch.add(item);
        if (batch.size >= BATCH) return [...batch];
      }
      // What is under the pointer must not wait for pictures beside points.
      if (batch.size > 0 && asker !== "beside") break;
    }
    return [...batch];
  }

  receive(answer: ItemsAnswer): void {
    if (this.inFlight?.seq === answer.seq) this.inFlight = null;
    answer.items.forEach((item, index) => {
      const picture = new PictureCanvas(document.createElement("canvas"));
      picture.paint(answer.pixels, index, answer.shape);
      this.outdated.delete(item);
      this.cache.set(item, {
        item,
        name: answer.names[index],
        source: answer.sources[index],
        labels: answer.labels[index],
        canvas: picture.canvas,
      });
    });
    this.evict();
    this.arrived();
    this.pump();
  }

  failed(seq: number): void {
    if (this.inFlight?.seq !== seq) return;
    for (const item of this.inFlight.items)
      this.failures.set(item, (this.failures.get(item) ?? 0) + 1);
    this.inFlight = null;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.pump(), RETRY_MS);
  }

  /** The connection is new: what failed before may be asked again. */
  renew(): void {
    this.inFlight = null;
    this.failures.clear();
    this.pump();
  }

  /** The originals have come: what is kept as a reconstruction is asked for again when it is wanted. */
  originalsCame(): void {
    for (const { item, source } of this.cache.values())
      if (source !== "original") this.outdated.add(item);
    this.pump();
  }

  /** Another model: nothing that is kept is true any more. */
  clear(): void {
    this.cache.clear();
    this.outdated.clear();
    this.wanted.clear();
    this.failures.clear();
    this.inFlight = null;
    clearTimeout(this.retry);
  }

  private evict(): void {
    for (const item of this.cache.keys()) {
      if (this.cache.size <= CAPACITY) return;
      this.cache.delete(item);
    }
  }
}

/** What an item is called, as the server names it, such as "test 3518"; dots until that is known. */
export const itemName = (item: { name: string } | undefined): string => item?.name ?? "…";

/** "Smile 0.71 · Hair blond", at most `limit` labels. */
export function labelLine(labels: Record<string, string>, limit = Infinity): string {
  return Object.entries(labels)
    .slice(0, limit)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
}
