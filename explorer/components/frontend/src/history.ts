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
   * other; a null tag always makes an entry of its own. Returns whether it replaced the last one.
   */
  push(state: T, tag: string | null = null, now = performance.now()): boolean {
    const joins = tag !== null && tag === this.tag && now - this.touched < COALESCE_MS;
    const joined = joins && this.cursor > 0;
    this.states.length = joined ? this.cursor : this.cursor + 1;
    this.states.push(state);
    if (this.states.length > CAPACITY) this.states.shift();
    this.cursor = this.states.length - 1;
    this.tag = tag;
    this.touched = now;
    return joined;
  }

  /** Moves the cursor to the newest state that matches; false if none does. */
  goTo(matches: (state: T) => boolean): boolean {
    let found = this.states.length - 1;
    while (found >= 0 && !matches(this.states[found])) found -= 1;
    if (found < 0) return false;
    this.cursor = found;
    this.tag = null;
    return true;
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
}
