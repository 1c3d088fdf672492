// What a person does to the code, besides dragging it.
import type { EditStore } from "../../core/edit-store";
import type { Direction } from "../../core/steps";
import type { Edit } from "./types";

export interface ActionsContext {
  readonly edits: EditStore<Edit>;
  /** Another image is shown. */
  changeItem(): void;
  /** The code stands where the encoder puts it. */
  atMean(): void;
  changed(stamp: number | null): void;
  /** Shows the edit everywhere. */
  show(): void;
  announce(): void;
}

export class Actions {
  constructor(private readonly on: ActionsContext) {}

  /** Another image, at its mean. */
  pick(item: number, stamp: number): void {
    this.set({ item, draw: null, turn: {} }, stamp);
  }

  toMean(): void {
    this.set({ item: this.on.edits.current.item, draw: null, turn: {} });
  }

  newDraw(): void {
    const { item, draw } = this.on.edits.current;
    this.set({ item, draw: (draw ?? 0) + 1, turn: {} });
  }

  travel(direction: Direction): void {
    const { item } = this.on.edits.current;
    const found = this.on.edits.travel(direction);
    if (!found) return;
    this.show(found, performance.now(), item);
    this.on.edits.tell();
  }

  private set(edit: Edit, stamp = performance.now()): void {
    this.show(edit, stamp, this.on.edits.current.item);
    this.on.edits.commit();
    this.on.announce();
  }

  /** Shows another edit; `from` is the item that was shown. */
  private show(edit: Edit, stamp: number, from: number): void {
    this.on.edits.current = edit;
    if (edit.item !== from) this.on.changeItem();
    if (edit.draw === null) this.on.atMean();
    this.on.changed(stamp);
    this.on.show();
  }
}
