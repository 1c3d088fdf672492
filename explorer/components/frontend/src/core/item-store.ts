// Small pictures and labels of items: asked in batches, a few tries each, kept up to a number of bytes.
import type { Reply } from "./connection";
import { ItemCache } from "./item-cache";

const CAPACITY = 48 * 2 ** 20;
const BATCH = 32;
const RETRY_MS = 400;
const TRIES = 3;

/** Who asks; the first is served first, and a new ask replaces the older one of the same name. */
const ASKERS = ["hover", "nearest", "handles", "own", "beside"] as const;
export type Asker = (typeof ASKERS)[number];

export interface ItemStoreEvents<Item, Answer> {
  /** Asks the server; null while nothing is open. */
  ask(items: number[], reply: Reply<Answer>): number | null;
  read(answer: Answer): Item[];
  bytes(item: Item): number;
  /** Whether something better may come, once the originals have. */
  provisional(item: Item): boolean;
  /** New items have come. */
  arrived(): void;
  /** Items could not be had, for another reason than a lost connection or a busy server. */
  failed(message: string): void;
}

export class ItemStore<Item extends { item: number }, Answer> {
  private readonly cache: ItemCache<Item>;
  private readonly wanted = new Map<Asker, readonly number[]>();
  private readonly failures = new Map<number, number>();
  /** Kept without their originals, which have come since: shown until they are here. */
  private readonly outdated = new Set<number>();
  private inFlight: number[] | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Counts the models: an answer for an older one is dropped. */
  private era = 0;

  constructor(
    private readonly on: ItemStoreEvents<Item, Answer>,
    private readonly batch = BATCH,
    capacity = CAPACITY,
  ) {
    this.cache = new ItemCache(capacity, (item) => on.bytes(item));
  }

  get(item: number): Item | undefined {
    return this.cache.get(item);
  }

  /** Says which items somebody wants to see now. */
  want(asker: Asker, items: readonly number[]): void {
    this.wanted.set(asker, items);
    this.pump();
  }

  /** Sends the next batch if none is in flight. */
  private pump(): void {
    if (this.inFlight) return;
    const batch = this.nextBatch();
    if (batch.length === 0) return;
    const { era } = this;
    const seq = this.on.ask(batch, {
      answer: (answer) => {
        if (era === this.era) this.receive(answer);
      },
      failed: ({ code, message }) => {
        if (era !== this.era) return;
        if (code !== "lost" && code !== "busy" && code !== "not-open") this.on.failed(message);
        this.lose(batch);
      },
    });
    if (seq !== null) this.inFlight = batch;
  }

  private nextBatch(): number[] {
    const batch = new Set<number>();
    for (const asker of ASKERS) {
      for (const item of this.wanted.get(asker) ?? []) {
        const known = this.cache.has(item) && !this.outdated.has(item);
        if (known || (this.failures.get(item) ?? 0) >= TRIES) continue;
        batch.add(item);
        if (batch.size >= this.batch) return [...batch];
      }
      // What is under the pointer must not wait for pictures beside points.
      if (batch.size > 0 && asker !== "beside") break;
    }
    return [...batch];
  }

  private receive(answer: Answer): void {
    this.inFlight = null;
    for (const item of this.on.read(answer)) {
      this.outdated.delete(item.item);
      this.cache.set(item.item, item);
    }
    this.on.arrived();
    this.pump();
  }

  private lose(items: readonly number[]): void {
    for (const item of items) this.failures.set(item, (this.failures.get(item) ?? 0) + 1);
    this.inFlight = null;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.pump(), RETRY_MS);
  }

  /** The connection is new: what failed before may be asked again. */
  renew(): void {
    this.inFlight = null;
    this.failures.clear();
    this.pump();
  }

  /** The originals have come: what is kept without them is asked for again when it is wanted. */
  originalsCame(): void {
    for (const item of this.cache.values())
      if (this.on.provisional(item)) this.outdated.add(item.item);
    this.pump();
  }

  /** Another model: nothing that is kept is true any more. */
  clear(): void {
    this.era += 1;
    this.cache.clear();
    this.outdated.clear();
    this.wanted.clear();
    this.failures.clear();
    this.inFlight = null;
    clearTimeout(this.retryTimer);
  }
}
