// Keeps what was used last, up to a number of bytes.

export class ItemCache<T> {
  private readonly kept = new Map<number, { value: T; bytes: number }>();
  private bytes = 0;

  /**
   * Arguments:
   *   capacity: bytes that may be kept; the newest entry is kept even if it is larger.
   *   sizeOf: bytes of an entry.
   */
  constructor(
    private readonly capacity: number,
    private readonly sizeOf: (value: T) => number,
  ) {}

  get size(): number {
    return this.bytes;
  }

  has(key: number): boolean {
    return this.kept.has(key);
  }

  get(key: number): T | undefined {
    const found = this.kept.get(key);
    if (!found) return undefined;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.value;
  }

  set(key: number, value: T): void {
    this.delete(key);
    const bytes = this.sizeOf(value);
    this.kept.set(key, { value, bytes });
    this.bytes += bytes;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.capacity || oldest === key) return;
      this.delete(oldest);
    }
  }

  delete(key: number): void {
    this.bytes -= this.kept.get(key)?.bytes ?? 0;
    this.kept.delete(key);
  }

  /** Every entry, the one used longest ago first. */
  *values(): Iterable<T> {
    for (const { value } of this.kept.values()) yield value;
  }

  clear(): void {
    this.kept.clear();
    this.bytes = 0;
  }
}
