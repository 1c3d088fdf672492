// Undo and redo: a list of states with a cursor; changes of one gesture make one entry.

const COALESCE_MS = 900;
const CAPACITY = 200;

export class History<T> {
  private states: T[];
  private cursor = 0;
  private tag: string | null = null;
  private touched = -Infinity;

  constructor(first: T) {
    this.states = [first];
  }

  get current(): T {
    return this.states[this.cursor];
  }
  get canUndo(): boolean {
    return this.cursor > 0;
  }
  get canRedo(): boolean {
    return this.cursor < this.states.length - 1;
  }

  /**
   * Adds a state and forgets those that were undone.
   *
   * States that come with the same tag in quick succession (arrow keys held down) replace each
   * other; a null tag always makes an entry of its own.
   */
  push(state: T, tag: string | null = null, now = performance.now()): void {
    const joins = tag !== null && tag === this.tag && now - this.touched < COALESCE_MS;
    if (joins && this.cursor > 0) this.states.length = this.cursor;
    else this.states.length = this.cursor + 1;
    this.states.push(state);
    if (this.states.length > CAPACITY) this.states.shift();
    this.cursor = this.states.length - 1;
    this.tag = tag;
    this.touched = now;
  }

  undo(): T {
    if (this.canUndo) this.cursor -= 1;
    this.tag = null;
    return this.current;
  }

  redo(): T {
    if (this.canRedo) this.cursor += 1;
    this.tag = null;
    return this.current;
  }

  /** Changes every state, for a change of the world they live in (another map). */
  map(change: (state: T) => T): void {
    this.states = this.states.map(change);
  }
}
