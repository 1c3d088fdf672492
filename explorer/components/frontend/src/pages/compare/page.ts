// The comparison: several models' maps side by side around one state and one connection.
import { EditStore, type Memory, type Message } from "../../core/edit-store";
import { Live } from "../../core/live";
import { Shell } from "../../core/shell";
import { h } from "../../dom";
import type { Shading } from "../../map/colours";
import type { OriginalsState } from "../../messages.gen";
import { Actions } from "./actions";
import { Bar } from "./bar";
import type { ColumnEvents } from "./column";
import { Columns } from "./columns";
import { Hand } from "./hand";
import { compareKeys } from "./keys";
import { copyState, readState, rounded, sameState } from "./model";
import { announced, described, selected } from "./sentences";
import { type CompareLive, makeSharedItems, type SharedItems } from "./shared-items";
import type { CompareData, State } from "./types";
import { COMPARE, encodeFrame, type FrameAnswer } from "./wire";

/** A state, which models it is of, and what goes along with every edit. */
export type Release = State & Message & { models: string[] };
export type Publish = (release: Release) => void;

const memory: Memory<State> = { last: null };

const comparedModels = (data: CompareData): string =>
  data.models.map((m) => `${m.name}@${m.version}/${m.view.id}`).join(" ");

export class Compare {
  private readonly shell: Shell;
  private readonly edits: EditStore<State>;
  private readonly live: CompareLive;
  private readonly items: SharedItems;
  private readonly columns: Columns;
  private readonly hand: Hand;
  private readonly actions: Actions;
  private readonly bar: Bar;
  private answer: FrameAnswer | null = null;
  private originals: OriginalsState = "loading";

  constructor(
    parent: HTMLElement,
    private data: CompareData,
    private publish: Publish,
  ) {
    this.shell = this.makeShell();
    this.edits = this.makeEdits();
    this.live = this.makeLive();
    this.items = makeSharedItems(this.shell, this.live, () => this.itemsArrived());
    this.columns = this.makeColumns();
    this.hand = new Hand(this.edits, {
      place: (column) => this.columns.list[column].place,
      changed: (stamp) => this.changed(stamp),
    });
    this.actions = this.makeActions();
    this.bar = this.makeBar();
    this.shell.mount(
      parent,
      this.bar.element,
      h("div", { class: "columns-box" }, this.columns.element, this.shell.banner.element),
      this.columns.legend.element,
      this.shell.foot(
        "Drag a handle: the other models encode its picture and show what they make of it. " +
          "Click a point to put all of them on that image.",
      ),
    );
    this.shell.scope.listen(document, "keydown", (event) =>
      this.actions.escape(event as KeyboardEvent),
    );
    this.shell.watch((theme) => this.columns.setTheme(theme));
    this.open();
  }

  // From Streamlit

  /** Takes the data of another rerun: changes what differs, keeps the rest. */
  update(data: CompareData, publish: Publish): void {
    const fresh = comparedModels(data) !== comparedModels(this.data);
    const take = () => {
      this.data = data;
      return this.stateFrom();
    };
    const told = this.edits.adopt(take, data.revision, comparedModels(data));
    this.data = data;
    this.publish = publish;
    this.edits.hear(data.heard ?? 0);
    if (fresh) this.open();
    else if (told) {
      this.showState();
      this.ask(null);
    }
    this.columns.loadColour();
  }

  dispose(): void {
    this.edits.dispose();
    this.shell.scope.dispose();
  }

  private stateFrom(): State {
    return readState(this.data.state, this.data.models.length, this.data.count);
  }

  /** Shows the models that Python has named, from scratch. */
  private open(): void {
    const { models, shape } = this.data;
    const { element } = this.shell;
    this.answer = null;
    this.originals = "loading";
    this.items.clear();
    this.live.change();
    this.shell.setRatio(shape);
    element.style.setProperty("--lx-models", String(models.length));
    this.columns.open();
    this.showState();
    this.live.open(models.map(({ name, view }) => ({ model: name, view: view.id })));
  }

  // How the parts are made

  private makeShell(): Shell {
    return new Shell({
      name: "compare",
      classes: "compare",
      opening: "Opening the models…",
      keys: () => compareKeys(this.columns.list, this.actions),
      travel: (direction) => this.actions.travel(direction),
      retry: () => this.live.retry(),
    });
  }

  private makeEdits(): EditStore<State> {
    const { data, shell } = this;
    return new EditStore(this.stateFrom(), comparedModels(data), data.revision, shell.scheduler, {
      copy: copyState,
      same: sameState,
      publish: (state, message) => {
        const models = this.data.models.map(({ name }) => name);
        this.publish({ ...rounded(state), models, ...message });
      },
      allow: () => this.allowTravel(),
      memory,
    });
  }

  private makeLive(): CompareLive {
    return new Live({
      shell: this.shell,
      socket: this.data.socket,
      codec: COMPARE,
      all: ["models"],
      encodeFrame,
      edits: this.edits,
      request: () => {
        const { item, drives } = this.edits.current;
        return { body: { item, drives }, want: ["models"] };
      },
      paint: (answer) => this.paint(answer),
      originals: (state) => this.takeOriginals(state),
    });
  }

  private makeColumns(): Columns {
    return new Columns({
      shell: this.shell,
      data: () => this.data,
      state: () => this.edits.current,
      items: () => this.items,
      answer: () => this.answer,
      busy: () => this.edits.busy,
      resource: () => this.live.resource(),
      release: (resource) => this.live.release(resource),
      events: (number) => this.columnEvents(number),
      shaded: (base, counts) => this.tellSelection(base, counts),
    });
  }

  private columnEvents(number: number): Omit<ColumnEvents, "hover"> {
    return {
      pick: (item, stamp) => this.actions.pin(item, stamp),
      begin: () => {
        if (this.hand.take(number)) this.columns.unhover();
      },
      drag: (x, y, stamp) => this.hand.drag(number, x, y, stamp),
      release: () => {
        this.hand.release(number);
        this.announce();
        this.shell.scheduler.flush();
      },
      cancel: () => this.hand.cancel(number),
      nudge: (x, y, stamp) => {
        this.hand.nudge(number, x, y, stamp);
        this.shell.scheduler.flush();
        this.announce();
      },
      select: (corners) => this.actions.select({ by: number, corners }),
    };
  }

  private makeBar(): Bar {
    const { actions } = this;
    return new Bar({
      tool: (tool) => actions.use(tool),
      step: (by) => actions.step(by),
      back: () => actions.pin(this.edits.current.item, performance.now()),
      undo: () => actions.travel("undo"),
      redo: () => actions.travel("redo"),
      clear: () => actions.select(null),
    });
  }

  private makeActions(): Actions {
    return new Actions({
      edits: this.edits,
      columns: this.columns,
      count: () => this.data.count,
      used: (tool) => this.bar.use(tool),
      ask: (stamp) => this.ask(stamp),
      show: () => this.showState(),
      announce: () => this.announce(),
    });
  }

  // Frames

  /** Asks for pictures again, because of an event at `stamp` (null: not the hand's doing). */
  private ask(stamp: number | null): void {
    this.live.frames.mark(["models"], stamp);
  }

  /** The hand has moved: the picture is asked for at once, the handles follow with the display's next frame. */
  private changed(stamp: number | null): void {
    this.ask(stamp);
    this.shell.scheduler.frame("handles", () => this.columns.place());
  }

  private paint(answer: FrameAnswer): boolean {
    if (answer.models.length !== this.columns.list.length) return false;
    this.answer = answer;
    this.columns.paint(answer);
    this.bar.show(answer);
    this.describe();
    this.columns.place();
    return true;
  }

  /** The originals are read in the background: what was shown without them is asked for again. */
  private takeOriginals(state: OriginalsState): void {
    this.originals = state;
    if (state === "ready") this.items.originalsCame();
    if (state === "ready" && this.answer && !this.answer.original)
      if (this.edits.current.drives.length === 0) this.ask(null);
    this.describe();
  }

  private itemsArrived(): void {
    this.columns.itemsArrived();
    this.describe();
  }

  // What is said

  private describe(): void {
    const { answer, data } = this;
    if (!answer) return;
    const { item } = this.edits.current;
    const known = this.items.get(item);
    if (answer.by === null && !known) this.items.want("handles", [item]);
    const [title, note] = described(answer, known, data.models, this.originals);
    this.bar.describe(title, note);
    this.allowTravel();
  }

  private announce(): void {
    this.shell.announce(() => announced(this.columns.list, this.data.models, this.edits.current));
  }

  private tellSelection(base: Shading, counts: Uint32Array | null): void {
    const { text, more } = selected(base, counts);
    this.bar.select(text, more);
  }

  // What is shown of the state

  private showState(): void {
    this.columns.remark();
    this.columns.place();
    this.allowTravel();
  }

  private allowTravel(): void {
    const { current, canUndo, canRedo } = this.edits;
    this.bar.allow(current.drives.length > 0, canUndo, canRedo);
  }
}
