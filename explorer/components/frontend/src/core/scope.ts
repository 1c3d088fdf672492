// What a component must stop and remove when it is taken down, in one list.

export class Scope {
  private readonly ends: (() => void)[] = [];

  /** Runs something at the end; those that were added last run first. */
  add(end: () => void): void {
    this.ends.push(end);
  }

  /** Listens until the end. */
  listen(target: EventTarget, type: string, run: (event: Event) => void, capture = false): void {
    target.addEventListener(type, run, capture);
    this.add(() => target.removeEventListener(type, run, capture));
  }

  /** Runs everything; one that fails does not keep the others from running. */
  dispose(): void {
    const failed: unknown[] = [];
    for (const end of this.ends.splice(0).reverse()) {
      try {
        end();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw failed[0];
  }
}
