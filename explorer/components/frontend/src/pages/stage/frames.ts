// The stage's frames and items: what is asked for, and where the answers are painted.
import type { ItemsAnswer, ModelView, Opened } from "../../core/codec";
import type { EditStore } from "../../core/edit-store";
import { Live } from "../../core/live";
import type { Shell } from "../../core/shell";
import { WANTS, type Want } from "../../messages.gen";
import type { Edit, HandleName } from "../../types";
import { makePictures, type Pictures } from "../../ui/pictures-of-items";
import type { MapData } from "./map-data";
import type { StageParts } from "./parts";
import { encodeFrame, type FrameAnswer, type FrameBody, frameBody, STAGE } from "./wire";

const HOVER_MS = 40;

export interface FramesContext {
  readonly shell: Shell;
  readonly edits: EditStore<Edit>;
  /** The path of the stage's socket. */
  readonly socket: string;
  parts(): StageParts;
  mapData(): MapData;
}

export class Frames {
  readonly live: Live<ModelView, Opened, Want, FrameBody, FrameAnswer, ItemsAnswer>;
  readonly items: Pictures;
  /** Of what is open now. */
  private readonly painted = new Set<HandleName>();

  constructor(private readonly on: FramesContext) {
    this.live = new Live<ModelView, Opened, Want, FrameBody, FrameAnswer, ItemsAnswer>({
      shell: on.shell,
      socket: on.socket,
      codec: STAGE,
      all: WANTS,
      encodeFrame,
      edits: on.edits,
      request: (waiting) => this.request(waiting),
      paint: (answer) => this.paint(answer),
      originals: (state) => {
        if (state === "ready") this.items.originalsCame();
      },
    });
    this.items = makePictures(on.shell, this.live, () => this.itemsArrived());
  }

  /** Another model is shown from now on. */
  change(): void {
    this.painted.clear();
    this.items.clear();
    this.live.change();
  }

  /** Asks for pictures again, because of an event at `stamp` (null: not the hand's doing). */
  changed(wants: readonly Want[], stamp: number | null): void {
    this.live.frames.mark([...wants, "strip"], stamp);
  }

  private request(waiting: ReadonlySet<Want>): { body: FrameBody; want: Want[] } | null {
    const { current } = this.on.edits;
    if (current.frames === 0) this.live.frames.forget("strip");
    const want = WANTS.filter((each) => waiting.has(each));
    if (!this.on.mapData().placed || want.length === 0) return null;
    return { body: frameBody(current, want), want };
  }

  private paint(answer: FrameAnswer): boolean {
    const { panes, film, map, readings } = this.on.parts();
    let first = -1;
    for (let i = 0; i < answer.pictures.length; i++) {
      const name = answer.pictures[i];
      if (name === "A" || name === "B") {
        panes[name].paint(answer.pixels, i, answer.shape);
        const reading = answer.handles[name];
        if (reading) {
          panes[name].read(reading);
          panes[name].showNearest(this.items.get(reading.nearest));
        }
        this.painted.add(name);
      } else if (first < 0) first = i;
    }
    if (first >= 0 && this.on.edits.current.frames > 0) {
      film.paint(answer, first);
      map.setPath(answer.path, answer.off);
    }
    readings.ask();
    return this.painted.size === 2;
  }

  private itemsArrived(): void {
    const { readings, hoverCard, own, map, handles } = this.on.parts();
    readings.showItems();
    hoverCard.refresh((item) => this.items.get(item));
    own.paint();
    map.refreshBeside();
    if (!this.on.edits.busy) handles.describe();
  }

  /** Shows the card of the item under the pointer; of none for -1. */
  hover(item: number, x: number, y: number): void {
    const { scheduler } = this.on.shell;
    const { map, hoverCard } = this.on.parts();
    scheduler.forget("hover");
    if (item < 0 || this.on.edits.busy || !this.on.mapData().xy) {
      hoverCard.hide();
      return;
    }
    const { clientWidth, clientHeight } = map.element;
    hoverCard.show(item, this.items.get(item), x, y, clientWidth, clientHeight);
    scheduler.after("hover", HOVER_MS, () => this.items.want("hover", [item]));
  }
}
