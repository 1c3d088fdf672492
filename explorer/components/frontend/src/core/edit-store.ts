// The edit of a page and its life: gestures, undo, word to Streamlit, and what Streamlit says back.
import type { Scheduler } from "./scheduler";
import { type Direction, type Journal, Steps } from "./steps";
import { KEY_COMMIT_MS, TELL_MS, TELL_TRIES } from "./waits";

/** What goes along with every edit that Python is told. */
export interface Message {
  /** Of the data from Python that the edit builds on; Python refuses what an older one led to. */
  revision: number;
  /** Over which of the page's connections it is told. */
  connection: number;
  /** Tells two messages apart that say the same. */
  serial: number;
}

/** What outlives a page that is taken down: its steps of undo, and an edit that Python has not heard. */
export interface Memory<E> {
  last: {
    scope: string;
    revision: number;
    edit: E;
    journal: Journal<E>;
    unheard: boolean;
  } | null;
}

export interface EditStoreOptions<E> {
  copy(edit: E): E;
  same(a: E, b: E): boolean;
  publish(edit: E, message: Message): void;
  /** After every change of what can be undone. */
  allow(): void;
  journal?: Journal<E>;
  memory?: Memory<E>;
}

/** A hand holds something; once another edit has come from outside it moves nothing any more. */
export interface Gesture<E> {
  /** Whether what is held is still part of the edit. */
  readonly held: boolean;
  readonly before: E;
  /** Ends it with a step of undo, and word to Python. */
  commit(tag?: string | null): void;
  /** Ends it; gives what was before, which is the edit again, or null where that means nothing now. */
  cancel(): E | null;
}

/** Of the last message of any page of this browser tab. */
let serial = 0;

export class EditStore<E> {
  /** What is shown; the page changes it, and says when a change is whole. */
  current: E;
  private published: E;
  private journal: Journal<E>;
  private gestures = 0;
  /** Counts edits that came from outside. */
  private world = 0;
  private waitingTag: string | null = null;
  private lost = false;
  private connection = 0;
  private heard = 0;
  /** The serial of its last message; 0 before the first. */
  lastSerial = 0;

  /**
   * Arguments:
   *   edit: what Python says.
   *   scope: what it is an edit of; one of another scope is never shown instead.
   *   revision: of what Python says.
   */
  constructor(
    edit: E,
    private scope: string,
    private revision: number,
    private readonly scheduler: Scheduler,
    private readonly options: EditStoreOptions<E>,
  ) {
    const { copy, same, memory } = options;
    this.current = edit;
    this.published = copy(edit);
    this.journal = options.journal ?? new Steps(edit, copy, same);
    const last = memory?.last;
    if (memory) memory.last = null;
    if (!last || last.scope !== scope || last.revision !== revision) return;
    if (!last.unheard && !same(last.edit, edit)) return;
    this.current = copy(last.edit);
    this.journal = last.journal;
    if (last.unheard) scheduler.after("commit", 0, () => this.commit());
  }

  get canUndo(): boolean {
    return this.journal.canUndo;
  }
  get canRedo(): boolean {
    return this.journal.canRedo;
  }
  /** Whether a hand holds something. */
  get busy(): boolean {
    return this.gestures > 0;
  }
  /** Changes whenever an edit comes from outside. */
  get epoch(): number {
    return this.world;
  }

  // The hand

  begin(): Gesture<E> {
    this.flush();
    this.gestures += 1;
    const world = this.world;
    const before = this.options.copy(this.current);
    let over = false;
    const held = () => !over && world === this.world;
    const end = (): boolean => {
      const was = held();
      over = true;
      if (was) this.gestures -= 1;
      return was;
    };
    return {
      get held() {
        return held();
      },
      before,
      commit: (tag = null) => {
        if (end()) this.commit(tag);
      },
      cancel: () => (end() ? this.options.copy(before) : null),
    };
  }

  /** A change is whole: a step of undo, and word to Python. */
  commit(tag: string | null = null): void {
    this.stopWaiting();
    this.journal.record(this.current, tag);
    this.options.allow();
    this.tell();
  }

  /** Commits when the keys have come to rest. */
  commitSoon(tag: string): void {
    if (this.waitingTag !== null && this.waitingTag !== tag) this.flush();
    this.waitingTag = tag;
    this.scheduler.after("commit", KEY_COMMIT_MS, () => this.commit(tag));
  }

  /** Records the change that waits, without word to Python: another gesture begins, or another edit comes. */
  flush(): void {
    this.stopWaiting();
    if (!this.journal.paused) this.journal.record(this.current, null);
    this.options.allow();
  }

  /** Shows another moment's edit instead; what a hand holds, and what waits, is dropped. */
  replace(edit: E | null): void {
    this.stopWaiting();
    this.letGo();
    if (edit) this.current = edit;
    this.options.allow();
  }

  /** Shows the state before, or after; gives it, or null where there is none to show now. */
  travel(direction: Direction): E | null {
    if (this.busy) return null;
    this.flush();
    const found = this.journal.travel(direction);
    if (found) this.current = found;
    this.options.allow();
    return found;
  }

  // Python

  /**
   * Takes an edit that Python sends, if it is news.
   *
   * A hand that still holds something lets go of it. A change that waits is recorded first, so that
   * undo leads back to it; Python is not told, for what it sent is newer.
   *
   * Arguments:
   *   edit: makes the edit from the data; called once what waits is recorded.
   *   revision: of the data. After a restart of the server it counts anew: the page keeps its own edit.
   *   scope: what the edit is of.
   *
   * Returns whether it was news.
   */
  adopt(edit: () => E, revision: number, scope: string): boolean {
    const fresh = scope !== this.scope;
    const news = fresh || revision > this.revision;
    if (!news) {
      this.revision = revision;
      return false;
    }
    if (!this.busy) this.flush();
    this.stopWaiting();
    this.letGo();
    this.current = edit();
    this.scope = scope;
    this.revision = revision;
    this.published = this.options.copy(this.current);
    if (fresh && !this.journal.paused) this.journal.reset(this.current);
    else if (!this.journal.paused) this.journal.record(this.current, null);
    this.options.allow();
    return true;
  }

  /** Takes the handles out of the hand: they now belong to another edit. */
  letGo(): void {
    this.world += 1;
    this.gestures = 0;
  }

  /** Python has heard a message over this connection. */
  hear(connection: number): void {
    this.heard = connection;
  }

  /** The connection is gone. */
  disconnected(): void {
    this.lost = true;
  }

  /**
   * The connection is back: tells the edit again until Python says that it has heard.
   *
   * The Streamlit session of a server that was restarted is new, runs only when it is asked to, and
   * may come back later than the connection; what was told meanwhile is lost.
   */
  reconnected(): void {
    if (!this.lost) return;
    this.lost = false;
    this.connection += 1;
    this.tellAgain(TELL_TRIES);
  }

  /** Tells Python what is shown, unless it has it already or a hand still moves it. */
  tell(): void {
    if (!this.busy && !this.options.same(this.current, this.published)) this.send();
  }

  /** What goes along with a message; each has a serial of its own. */
  message(): Message {
    serial += 1;
    this.lastSerial = serial;
    return { revision: this.revision, connection: this.connection, serial };
  }

  private send(): void {
    this.published = this.options.copy(this.current);
    this.options.publish(this.options.copy(this.current), this.message());
  }

  private tellAgain(tries: number): void {
    if (tries === 0 || this.heard === this.connection) return;
    if (!this.busy) this.send();
    this.scheduler.after("tell", TELL_MS, () => this.tellAgain(tries - 1));
  }

  private stopWaiting(): void {
    this.scheduler.forget("commit");
    this.waitingTag = null;
  }

  /** The page is taken down: what Python has not heard is shown, and told, when it is back. */
  dispose(): void {
    this.flush();
    const { memory, same, copy } = this.options;
    if (!memory) return;
    memory.last = {
      scope: this.scope,
      revision: this.revision,
      edit: copy(this.current),
      journal: this.journal,
      unheard: !same(this.current, this.published),
    };
  }
}
