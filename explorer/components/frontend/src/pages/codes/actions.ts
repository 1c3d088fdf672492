// What a person does to the codes, besides painting.
import type { EditStore } from "../../core/edit-store";
import type { Direction } from "../../core/steps";
import { type Grids, roundShare, sameGrids } from "./grids";
import type { Edit } from "./model";
import { stepFrom, type WalkView } from "./walk";
import type { Want } from "./wire";

export interface ActionsContext {
  readonly edits: EditStore<Edit>;
  walk(): WalkView;
  changed(wants: readonly Want[], stamp: number | null): void;
  /** The level that is painted on has changed. */
  leveled(level: number): void;
  announce(): void;
}

export class Actions {
  constructor(private readonly on: ActionsContext) {}

  /** A stroke has ended: the walk goes from here. */
  finish(): void {
    this.on.changed(["step", "strip"], null);
    this.on.announce();
  }

  /** All codes at once: a reset, a swap, a step of the walk. */
  set(codes: Grids): void {
    const { edits } = this.on;
    if (codes.length === 0 || sameGrids(codes, edits.current.codes)) return;
    edits.current = { ...edits.current, codes };
    this.on.changed(["picture"], performance.now());
    edits.commit();
    this.finish();
  }

  /** Undo and redo concern the codes; level and step of the walk stay. */
  travel(direction: Direction): void {
    const { edits } = this.on;
    const { level, t } = edits.current;
    const found = edits.travel(direction);
    if (!found) return;
    edits.current = { ...found, level, t };
    this.on.changed(["picture", "step", "strip"], performance.now());
    edits.tell();
  }

  setLevel(level: number): void {
    const { edits } = this.on;
    edits.current = { ...edits.current, level };
    this.on.leveled(level);
    edits.commit();
  }

  walkOn(by: -1 | 1): void {
    const t = stepFrom(this.on.edits.current.t, by);
    this.on.walk().setStep(t);
    this.goTo(t, performance.now(), true);
  }

  goTo(t: number, stamp: number, done: boolean): void {
    const { edits } = this.on;
    edits.current = { ...edits.current, t: roundShare(t) };
    this.on.changed(["step"], stamp);
    if (done) edits.commit();
  }
}
