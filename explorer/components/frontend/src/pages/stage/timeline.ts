// Undo, redo, Back and Forward over everything the stage shows: model, map, colour and edit.

import { History } from "../../history";
import { addEntry, type Entries, setAddress, storedIn, storeInEntry } from "../../history-entries";
import type { Edit } from "../../types";
import { copyEdit, sameEdit } from "./model";

/** What the stage shows. `id` tells one moment from another that looks the same. */
export interface Shown {
  id: string;
  model: string;
  view: string;
  /** What points are coloured by; null for one colour. */
  colour: string | null;
  edit: Edit;
}

/** The same, before it has an id. */
export type Showing = Omit<Shown, "id">;

export const sameWorld = (a: Showing, b: Showing): boolean =>
  a.model === b.model && a.view === b.view && a.colour === b.colour;

export const sameShown = (a: Showing, b: Showing): boolean =>
  sameWorld(a, b) && sameEdit(a.edit, b.edit);

/** Reads what an entry of the browser's history stores; the edit is validated by whoever shows it. */
export function readShown(value: unknown): Shown | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, model, view, colour, edit } = value as Record<string, unknown>;
  if (typeof id !== "string" || typeof model !== "string" || typeof view !== "string") return null;
  if ((colour !== null && typeof colour !== "string") || typeof edit !== "object" || !edit)
    return null;
  return { id, model, view, colour, edit: edit as Edit };
}

// Not `crypto.randomUUID`, which plain HTTP on another host does not have.
const randomId = (): string => Date.now().toString(36) + Math.random().toString(36).slice(2, 12);

/** The parts of `PopStateEvent` that are used. */
interface Popped {
  readonly state: unknown;
  stopImmediatePropagation(): void;
}

/**
 * The changes of one browser tab; outlives the stage, which goes when another page is shown.
 *
 * Each recorded change is a step of undo and an entry of the browser's history. Going Back inside
 * the page restores that entry without a reload and moves the undo cursor along.
 */
export class Timeline {
  private history: History<Shown> | null = null;
  /** What the entry that the browser has just gone to stores, for the stage that mounts next. */
  private arrived: Shown | null;
  private restore: ((shown: Shown) => void) | null = null;
  /** Python's revision when the stage was last taken down. */
  private revision = -1;
  /** Whether the browser has been sent to another page while the stage still stands. */
  private away = false;

  constructor(
    private readonly entries: Entries,
    private readonly makeId: () => string = randomId,
  ) {
    this.arrived = readShown(storedIn(entries.state));
  }

  get current(): Shown | null {
    return this.history?.current ?? null;
  }
  get canUndo(): boolean {
    return this.history?.canUndo ?? false;
  }
  get canRedo(): boolean {
    return this.history?.canRedo ?? false;
  }

  /**
   * A stage mounts.
   *
   * Arguments:
   *   showing: What Python sent.
   *   revision: Of what Python sent.
   *   restore: Called when Back or Forward leads to something else.
   *
   * Returns what to show instead: the entry that Back or Forward led to from another page, or a last
   * change that Python never heard of because the stage was taken down first; else null.
   */
  attach(showing: Showing, revision: number, restore: (shown: Shown) => void): Shown | null {
    this.restore = restore;
    this.away = false;
    const { arrived, current } = this;
    this.arrived = null;
    const unheard =
      current && revision === this.revision && sameWorld(current, showing) ? current : null;
    const wanted = arrived ?? unheard;
    if (wanted && !sameShown(wanted, showing)) {
      this.moveTo(wanted);
      this.write(() => storeInEntry(this.entries, wanted));
      return wanted;
    }
    const shown =
      wanted ?? (current && sameShown(current, showing) ? current : this.named(showing));
    this.moveTo(shown);
    this.write(() => storeInEntry(this.entries, shown));
    return null;
  }

  /** Whether a stage sees to the page's address. */
  get attached(): boolean {
    return this.restore !== null && !this.away;
  }

  /** Gives the present entry the address of what it shows. */
  address(here: string, query: string): void {
    if (this.attached) this.write(() => setAddress(this.entries, here, query));
  }

  /** The stage is taken down; `revision` is that of the last data from Python. */
  detach(revision: number): void {
    this.restore = null;
    this.revision = revision;
  }

  /** The browser is sent to another page. */
  leave(): void {
    this.away = true;
  }

  /** The stage's page goes on after all; gives the entry that Back led to meanwhile. */
  stay(): Shown | null {
    if (!this.away) return null;
    this.away = false;
    const { arrived } = this;
    this.arrived = null;
    return arrived;
  }

  /**
   * Records a change, unless it shows what is shown already.
   *
   * Changes with the same tag in quick succession make one step (see `History.push`).
   */
  record(showing: Showing, tag: string | null = null): void {
    if (!this.history) return;
    if (sameShown(showing, this.history.current)) return;
    const shown = this.named(showing);
    const joined = this.history.push(shown, tag);
    this.write(() => (joined ? storeInEntry(this.entries, shown) : addEntry(this.entries, shown)));
  }

  /** Moves one step; gives what to show, or null at the end. Counts as a change for Back. */
  travel(direction: "undo" | "redo"): Shown | null {
    const { history } = this;
    if (!history || !(direction === "undo" ? history.canUndo : history.canRedo)) return null;
    const shown = direction === "undo" ? history.undo() : history.redo();
    this.write(() => addEntry(this.entries, shown));
    return shown;
  }

  /**
   * The browser went to another entry.
   *
   * Inside the stage's page the entry is restored here and Streamlit, which would rerun the page
   * for its address, does not hear of it. Otherwise the next stage to mount restores it.
   */
  popped(event: Popped): void {
    const shown = readShown(storedIn(event.state));
    if (shown && this.restore && !this.away) {
      event.stopImmediatePropagation();
      this.moveTo(shown);
      this.restore(shown);
    } else {
      this.arrived = shown;
      this.away = true;
    }
  }

  private moveTo(shown: Shown): void {
    if (!this.history) this.history = new History(shown);
    else if (!this.history.goTo((state) => state.id === shown.id)) this.history.push(shown);
  }

  private named(showing: Showing): Shown {
    return { ...showing, edit: copyEdit(showing.edit), id: this.makeId() };
  }

  /** Writes to the browser's history; a browser that refuses (too many entries) is left as it is. */
  private write(change: () => void): void {
    try {
      change();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }
}
