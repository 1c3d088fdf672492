// The stage's two handles: dragged, moved by keys, put on items, and told to screen readers.
import type { EditStore, Gesture } from "../../core/edit-store";
import type { Shell } from "../../core/shell";
import { spoken } from "../../gauge";
import { itemName } from "../../items";
import { Knob } from "../../knob";
import type { MapView } from "../../map/map";
import type { Pane } from "../../map/pane";
import { type Edit, HANDLE_NAMES, type HandleName } from "../../types";
import type { Pictures } from "../../ui/pictures-of-items";
import { type Places, round, settle } from "./model";

export interface HandlesContext {
  readonly shell: Shell;
  readonly edits: EditStore<Edit>;
  readonly items: Pictures;
  readonly map: MapView;
  readonly panes: Record<HandleName, Pane>;
  /** Where items stand; null while the edit's places are not those of what the server has open. */
  places(): Places | null;
  /** The title of what points are coloured by. */
  colour(): string;
  /** A picture has changed, by an event at `stamp` (null: not the hand's doing). */
  changed(names: readonly HandleName[], stamp: number | null): void;
  /** A hand begins to move something. */
  begun(): void;
  activated(name: HandleName): void;
}

export class Handles {
  active: HandleName = "A";
  readonly knobs: Record<HandleName, Knob>;

  constructor(private readonly on: HandlesContext) {
    this.knobs = { A: this.make("A"), B: this.make("B") };
    on.map.onKnob((name, x, y, dx, dy) => this.knobs[name].put(x, y, dx, dy));
  }

  private get edit(): Edit {
    return this.on.edits.current;
  }

  private make(name: HandleName): Knob {
    const { on } = this;
    let origin: readonly [number, number] = [0, 0];
    let gesture: Gesture<Edit> | null = null;
    const screen = () => on.map.toScreen(this.edit[name].x, this.edit[name].y);
    return new Knob(name, {
      place: () => {
        origin = on.map.origin();
        const [sx, sy] = screen();
        return [origin[0] + sx, origin[1] + sy];
      },
      start: () => {
        gesture = on.edits.begin();
        on.begun();
        this.activate(name);
      },
      move: (x, y, stamp) => {
        if (!gesture?.held) return;
        const [mx, my] = on.map.toMap(x - origin[0], y - origin[1]);
        this.move(name, mx, my, stamp);
      },
      end: () => {
        if (!gesture?.held) return;
        gesture.commit();
        this.announce(name);
        on.shell.scheduler.flush();
      },
      cancel: () => {
        const before = gesture?.cancel();
        if (before) this.move(name, before[name].x, before[name].y, null);
      },
      nudge: (dx, dy, stamp) => {
        const [sx, sy] = screen();
        const [mx, my] = on.map.toMap(sx + dx, sy + dy);
        this.move(name, mx, my, stamp);
        this.place();
        on.edits.commitSoon(`keys ${name}`);
      },
      nudged: () => this.announce(name),
      activate: () => {
        this.activate(name);
        if (!on.edits.busy) on.map.reveal(this.edit[name].x, this.edit[name].y);
      },
    });
  }

  activate(name: HandleName): void {
    this.active = name;
    for (const each of HANDLE_NAMES) {
      this.knobs[each].setActive(each === name);
      this.on.panes[each].setActive(each === name);
    }
    this.on.activated(name);
  }

  take(name: HandleName): void {
    this.activate(name);
    this.knobs[name].element.focus({ preventScroll: true });
  }

  /** The picture is asked for at once; what stands on the map follows with the display's next frame. */
  private move(name: HandleName, x: number, y: number, stamp: number | null): void {
    const places = this.on.places();
    if (!places) return;
    const before = this.edit[name];
    const handle = settle({ ...before, x: round(x), y: round(y) }, places);
    if (handle.x === before.x && handle.y === before.y) return;
    this.edit[name] = handle;
    this.on.changed([name], stamp);
    this.on.shell.scheduler.frame("knobs", () => this.place());
  }

  putOn(name: HandleName, item: number, stamp: number): void {
    const home = this.on.places()?.of(item);
    if (!home) return;
    const [x, y] = home;
    this.edit[name] = { ...this.edit[name], item, x, y };
    this.place();
    this.on.changed([name], stamp);
    this.on.edits.commit();
    this.announce(name);
  }

  /** Puts both onto their places of the map. */
  place(): void {
    const { A, B } = this.edit;
    if (Number.isFinite(A.x) && Number.isFinite(B.x))
      this.on.map.setHandles([A.x, A.y], [B.x, B.y]);
  }

  private whereabouts(name: HandleName): string {
    const { items, panes } = this.on;
    const { item, x, y } = this.edit[name];
    const home = this.on.places()?.of(item);
    const isOn = home && home[0] === x && home[1] === y;
    const data = items.get(isOn ? item : (panes[name].reading?.nearest ?? item));
    const title = this.on.colour();
    const label = data && (title in data.labels ? title : Object.keys(data.labels)[0]);
    const says = data && label ? `, ${label} ${data.labels[label]}` : "";
    return `${isOn ? "on" : "near"} ${itemName(data)}${says}`;
  }

  describe(): void {
    this.on.items.want("handles", [this.edit.A.item, this.edit.B.item]);
    for (const name of HANDLE_NAMES)
      this.knobs[name].describe(`Handle ${name}, ${this.whereabouts(name)}; arrow keys move`);
  }

  announce(name: HandleName): void {
    this.on.shell.announce(() => {
      this.describe();
      const percentile = this.on.panes[name].reading?.percentile ?? null;
      const says = percentile === null ? "" : `, ${spoken(percentile)}`;
      return `Handle ${name} ${this.whereabouts(name)}${says}`;
    });
  }

  /** Shows both pictures' images as they were encoded while the key is held, and says which they are. */
  holdImages(): void {
    const { panes, shell } = this.on;
    const stop = () => {
      for (const name of HANDLE_NAMES) panes[name].hold(false);
      removeEventListener("keyup", stop);
      removeEventListener("blur", stop);
    };
    const says = HANDLE_NAMES.map((name) => panes[name].hold(true));
    shell.say(says.filter((text) => text !== "").join(", "));
    addEventListener("keyup", stop);
    addEventListener("blur", stop);
  }
}
