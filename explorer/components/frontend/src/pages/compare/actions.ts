// What a person does to the comparison, besides moving a handle.
import type { EditStore } from "../../core/edit-store";
import { covered, isFree } from "../../core/shortcuts";
import type { Direction } from "../../core/steps";
import type { Tool } from "../../map/brush";
import type { Columns } from "./columns";
import { pinned } from "./model";
import type { State } from "./types";

export interface ActionsContext {
  readonly edits: EditStore<State>;
  readonly columns: Columns;
  /** Items that all models share. */
  count(): number;
  /** The pointer has another tool. */
  used(tool: Tool): void;
  ask(stamp: number | null): void;
  /** Shows the state everywhere. */
  show(): void;
  announce(): void;
}

export class Actions {
  constructor(private readonly on: ActionsContext) {}

  /** Puts all handles on an item. */
  pin(item: number, stamp: number): void {
    const { edits, columns } = this.on;
    edits.flush();
    edits.current = pinned(edits.current, item);
    columns.place();
    this.on.ask(stamp);
    edits.commit();
    this.on.announce();
  }

  /** Puts all handles on an item before or after. */
  step(by: number): void {
    const count = this.on.count();
    this.pin((this.on.edits.current.item + by + count) % count, performance.now());
  }

  use(tool: Tool): void {
    this.on.used(tool);
    this.on.columns.use(tool);
  }

  /** Selects what lies inside a shape on one map; null for nothing. */
  select(selection: State["selection"]): void {
    const { edits, columns } = this.on;
    if (!selection && !edits.current.selection) return;
    edits.current = { ...edits.current, selection };
    columns.remark();
    edits.commit();
  }

  escape(event: KeyboardEvent): void {
    if (event.key === "Escape" && isFree(event) && !covered()) this.select(null);
  }

  travel(direction: Direction): void {
    const { edits } = this.on;
    if (!edits.travel(direction)) return;
    this.on.show();
    this.on.ask(performance.now());
    edits.tell();
  }
}
