// The comparison: several models' maps side by side around one state and one socket.
import { Banner } from "../banner";
import { h } from "../dom";
import { Loader } from "../geometry";
import { History } from "../history";
import { itemName } from "../items";
import type { Tool } from "../map/brush";
import { type Shading, shadeBy, shadePlain } from "../map/colours";
import { LegendBar } from "../map/legend";
import { countOf, inside } from "../map/select";
import { litShades, makeup, markedShading } from "../map/shade";
import { Pace } from "../pace";
import { Readout } from "../readout";
import {
  covered,
  type Direction,
  HANDLE_KEYS,
  heard,
  isFree,
  MAP_KEYS,
  type ShortcutGroup,
  Shortcuts,
  told,
} from "../shortcuts";
import { LiveSocket, socketUrl } from "../socket";
import { FrameStats } from "../stats";
import { readTheme, sameTheme, type Theme } from "../theme";
import type { Colouring } from "../types";
import { ANNOUNCE_MS, KEY_COMMIT_MS, TELL_MS, TELL_TRIES } from "../waits";
import type { OriginalsState } from "../wire";
import { Bar } from "./bar";
import { Column, letter, short } from "./column";
import { missingOriginal, type SharedItem, SharedItems } from "./items";
import {
  copyState,
  driver,
  moved,
  pinned,
  readState,
  round,
  rounded,
  sameState,
  taken,
} from "./state";
import type { CompareData, State } from "./types";
import type { FrameAnswer, FrameBody, ItemsAnswer, Opened, Target } from "./wire";
import { SPEECH } from "./wire";

const HOVER_MS = 30;

/** A state, which models it is of, and over which of the page's connections it was told. */
export type Told = State & { models: string[]; connection: number };
export type Publish = (told: Told) => void;

const lineup = (data: CompareData): string =>
  data.models.map((m) => `${m.name}@${m.version}/${m.view.id}`).join(" ");

export class Compare {
  readonly element = h("div", {
    class: "stage compare",
    "data-testid": "compare",
    "data-connection": "connecting",
    "data-ready": "false",
  });
  private data: CompareData;
  private publish: Publish;
  private state: State;
  private published: State;
  private history: History<State>;

  private columns: Column[] = [];
  private loaders: Loader[] = [];
  private geometry: (Float32Array | null)[] = [];
  private readonly colours = new Loader();
  private colouring: Colouring | null = null;
  private base: Shading | null = null;
  private marks: Uint8Array | null = null;
  private theme: Theme | null = null;

  private readonly socket: LiveSocket<Target, Opened, FrameBody, FrameAnswer, ItemsAnswer>;
  private readonly pace = new Pace(() => this.socket.wake());
  private readonly items: SharedItems;
  private readonly stats = new FrameStats();
  private changed = true;
  private answer: FrameAnswer | null = null;

  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly banner = new Banner();
  private readonly readout = new Readout(this.stats);
  private readonly bar: Bar;
  private readonly legend: LegendBar;
  private readonly shortcuts = new Shortcuts(
    () => this.keys(),
    (direction) => this.travel(direction),
  );
  private readonly grid = h("div", { class: "columns" });
  private readonly themeWatch: MutationObserver;

  private gestures = 0;
  private tool: Tool = "move";
  private hovered = -1;
  /** Whose handle the hand has, and the state before it took it. */
  private hand = 0;
  private before: State;
  private lost = false;
  private connection = 0;
  private originals: OriginalsState = "loading";
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(parent: HTMLElement, data: CompareData, publish: Publish) {
    this.data = data;
    this.publish = publish;
    this.state = this.stateFrom(data);
    this.before = this.state;
    this.published = copyState(this.state);
    this.history = new History(copyState(this.state));
    this.socket = this.makeSocket();
    this.items = new SharedItems(
      (items) => this.socket.items(items, "best"),
      (item) => this.itemArrived(item),
    );
    this.bar = this.makeBar();
    this.legend = new LegendBar(() => this.reshade());
    this.element.append(
      this.probe,
      this.bar.element,
      h("div", { class: "columns-box" }, this.grid, this.banner.element),
      this.legend.element,
      h(
        "footer",
        { class: "foot" },
        h(
          "span",
          { class: "hint" },
          "Drag a handle: the other models encode its picture and show what they make of it. " +
            "Click a point to put all of them on that image. ",
          this.shortcuts.button,
        ),
        this.readout.element,
      ),
      this.live,
      this.shortcuts.element,
    );
    parent.append(this.element);
    this.themeWatch = new MutationObserver(() => this.refreshTheme());
    const options = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
    for (let node = this.element.parentElement; node; node = node.parentElement)
      this.themeWatch.observe(node, options);
    document.addEventListener("keydown", this.escape);
    this.refreshTheme();
    this.open();
  }

  // From Streamlit

  /** Takes the data of another rerun: changes what differs, keeps the rest. */
  update(data: CompareData, publish: Publish): void {
    const before = this.data;
    this.data = data;
    this.publish = publish;
    this.refreshTheme();
    if (lineup(data) !== lineup(before)) {
      this.flush();
      this.state = this.stateFrom(data);
      this.before = copyState(this.state); // a drag that is given up now must not bring back the former one
      this.published = copyState(this.state);
      this.history = new History(copyState(this.state));
      this.open();
      return;
    }
    if (data.revision > before.revision) {
      this.flush();
      this.state = this.stateFrom(data);
      this.before = copyState(this.state); // a drag that is given up now must not bring back the former one
      this.published = copyState(this.state);
      if (!sameState(this.state, this.history.current)) this.history.push(copyState(this.state));
      this.showState();
      this.ask(null);
    }
    this.loadColour();
  }

  dispose(): void {
    this.flush();
    this.socket.close();
    this.pace.dispose();
    this.themeWatch.disconnect();
    this.shortcuts.stop();
    document.removeEventListener("keydown", this.escape);
    this.closeColumns();
    this.colours.cancel();
    this.items.clear();
    this.readout.stop();
    this.banner.stop();
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.element.remove();
  }

  private stateFrom(data: CompareData): State {
    return readState(data.state, data.models.length, data.count);
  }

  private closeColumns(): void {
    for (const loader of this.loaders) loader.cancel();
    for (const column of this.columns) column.stop();
    this.columns = [];
  }

  /** Shows the models that Python has named, from scratch. */
  private open(): void {
    const { data } = this;
    this.closeColumns();
    this.element.dataset["ready"] = "false";
    this.answer = null;
    this.marks = null;
    this.base = null;
    this.hovered = -1;
    this.originals = "loading";
    this.items.clear();
    this.stats.clear();
    this.banner.clear();
    this.banner.wait("Opening the models…");
    const [, height, width] = data.shape;
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
    this.element.style.setProperty("--lx-models", String(data.models.length));
    this.columns = data.models.map((info, number) => this.makeColumn(number, info));
    this.loaders = data.models.map(() => new Loader());
    this.geometry = data.models.map(() => null);
    this.grid.replaceChildren(...this.columns.map((column) => column.element));
    data.models.forEach((_, number) => {
      this.loadGeometry(number);
    });
    this.colouring = null;
    this.colours.cancel();
    this.loadColour();
    this.showState();
    this.changed = true;
    this.socket.ask(data.models.map(({ name, view }) => ({ model: name, view: view.id })));
  }

  private makeColumn(number: number, info: CompareData["models"][number]): Column {
    const column = new Column(number, {
      hover: (item) => this.hover(number, item),
      pick: (item, stamp) => this.pin(item, stamp),
      begin: () => this.begin(number),
      drag: (x, y, stamp) => this.drag(this.hand, x, y, stamp),
      release: () => this.release(),
      cancel: () => this.giveUp(),
      nudge: (x, y, stamp) => {
        this.drag(number, x, y, stamp);
        this.after("commit", KEY_COMMIT_MS, () => this.commit(`keys ${number}`));
      },
      select: (corners) => this.select(number, corners),
    });
    column.show(info);
    column.use(this.tool);
    if (this.theme) column.setTheme(this.theme);
    return column;
  }

  // Geometry and colours

  private loadGeometry(number: number): void {
    const { view } = this.data.models[number];
    const column = this.columns[number];
    column.map.setNote("Loading the map…");
    this.loaders[number].load(
      view.url,
      2 * this.data.count,
      "The map",
      (xy) => {
        this.geometry[number] = xy;
        column.setGeometry(xy);
        if (number === this.state.selection?.by) this.remark();
        this.reshade();
        this.placeHandles();
      },
      (message) => {
        column.map.setNote("The map could not be loaded.");
        this.banner.show(message);
      },
    );
  }

  private loadColour(): void {
    const { colour, count } = this.data;
    if (!colour) {
      this.colours.cancel();
      this.colouring = null;
      this.recolour();
      return;
    }
    this.colours.load(
      colour.url,
      count,
      colour.title,
      (values) => {
        this.colouring = { info: colour, values };
        this.recolour();
      },
      (message) => this.banner.show(message),
    );
  }

  private recolour(): void {
    const { colouring, theme } = this;
    if (!theme) return;
    this.base = colouring
      ? shadeBy(
          colouring.values,
          colouring.info.kind,
          colouring.info.title,
          colouring.info.labels,
          theme.tone,
          theme.missing,
        )
      : shadePlain(this.data.count, theme.plain);
    this.legend.show(this.base.legend);
    this.reshade();
  }

  /** Colours all maps: the legend's choice and the selection stand out. */
  private reshade(): void {
    const { base, marks } = this;
    if (!base) return;
    const shading = markedShading(base, marks);
    const lit = litShades(base, marks, this.legend.shades);
    const only = this.legend.shades.size > 0 && !marks;
    for (const column of this.columns) column.setShading(shading, lit, only);
    this.tellSelection();
  }

  private refreshTheme(): void {
    const theme = readTheme(this.probe);
    if (this.theme && sameTheme(theme, this.theme)) return;
    this.theme = theme;
    this.element.dataset["tone"] = theme.tone;
    for (const column of this.columns) column.setTheme(theme);
    this.recolour();
  }

  // The socket

  private makeSocket() {
    return new LiveSocket<Target, Opened, FrameBody, FrameAnswer, ItemsAnswer>(
      socketUrl(this.data.socket),
      {
        connection: (state) => {
          this.element.dataset["connection"] = state;
          this.banner.connect(state);
          if (state === "closed") this.lost = true;
        },
        opened: () => {
          this.items.clear();
          this.ask(null);
          if (!this.lost) return;
          this.lost = false;
          this.connection += 1;
          this.tellAgain(TELL_TRIES);
        },
        pull: () => this.pull(),
        frame: (answer) => this.paint(answer),
        items: (answer) => this.items.receive(answer),
        itemsFailed: (seq) => this.items.failed(seq),
        originals: (state) => this.takeOriginals(state),
        error: (message) => this.banner.show(message),
      },
      SPEECH,
    );
  }

  private pull(): FrameBody | null {
    if (!this.changed || !this.pace.ready()) return null;
    this.changed = false;
    this.pace.take();
    this.pace.spend();
    return { item: this.state.item, drives: this.state.drives };
  }

  /** Asks for pictures again, because of an event at `stamp` (null: not the hand's doing). */
  private ask(stamp: number | null): void {
    this.changed = true;
    this.pace.touch(stamp);
    this.socket.wake();
  }

  private paint(answer: FrameAnswer): void {
    if (answer.models.length !== this.columns.length) return;
    this.answer = answer;
    const first = answer.original ? 1 : 0;
    const errors = answer.models.flatMap(({ error }) => (error === null ? [] : [error]));
    const least = errors.length > 1 ? Math.min(...errors) : -1;
    this.columns.forEach((column, number) => {
      const reading = answer.models[number];
      column.read(reading, answer.by, reading.error === least);
      column.paint(answer.pixels, first + number, answer.shape);
    });
    if (answer.original) this.bar.paint(answer.pixels, 0, answer.shape);
    else this.bar.paint(answer.by === null ? null : answer.pixels, answer.by ?? 0, answer.shape);
    this.describe();
    this.placeHandles();
    const stamp = this.pace.takeStamp();
    const now = performance.now();
    if (stamp !== null) {
      this.stats.add(now, Math.max(0, now - stamp));
      this.readout.touch();
    }
    this.element.dataset["ready"] = "true";
    this.banner.wait("");
  }

  /** The originals are read in the background: what was shown without them is asked for again. */
  private takeOriginals(state: OriginalsState): void {
    this.originals = state;
    if (state === "ready" && this.answer && !this.answer.original) {
      this.items.clear();
      if (this.state.drives.length === 0) this.ask(null);
    }
    this.describe();
  }

  /** Runs something later; a former one of the same name is dropped. */
  private after(name: string, ms: number, run: () => void): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        run();
      }, ms),
    );
  }

  private forget(name: string): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  // Handles

  /** Puts each handle where its model's code lies; the driver's is where the hand has it. */
  private placeHandles(): void {
    const { drives, item } = this.state;
    const last = drives.at(-1);
    this.columns.forEach((column, number) => {
      const home = column.placeOf(item);
      const reading = this.answer?.models[number];
      if (last?.by === number) column.put([last.x, last.y], home);
      else if (!last && home) column.put(home, home);
      else if (last && reading) column.put([reading.x, reading.y], home);
      else if (home && !column.place) column.put(home, home);
    });
  }

  private begin(number: number): void {
    this.flush();
    this.before = copyState(this.state);
    this.gestures += 1;
    this.unhover();
    this.hand = number;
  }

  /** A handle goes to a place of its map; the first move makes its model the driver. */
  private drag(number: number, x: number, y: number, stamp: number): void {
    const from = this.columns[number].place;
    if (!from) return;
    const next = moved(taken(this.state, number, from[0], from[1]), round(x), round(y));
    if (sameState(next, this.state)) return;
    this.state = next;
    this.ask(stamp);
    this.placeHandles();
  }

  private release(): void {
    this.gestures -= 1;
    this.commit();
  }

  private giveUp(): void {
    this.gestures -= 1;
    this.state = this.before;
    this.showState();
    this.ask(null);
  }

  private pin(item: number, stamp: number): void {
    this.flush();
    this.state = pinned(this.state, item);
    this.placeHandles();
    this.ask(stamp);
    this.commit();
  }

  private describe(): void {
    const { answer, data } = this;
    if (!answer) return;
    const known = this.items.get(this.state.item);
    const name = itemName(known);
    const labels = Object.entries(known?.labels ?? {}).map(([what, value]) => `${what} ${value}`);
    if (answer.by === null) {
      const missing = answer.original ? "" : missingOriginal(this.originals);
      const note = [...labels.slice(0, 2), missing].filter(Boolean).join(" · ");
      this.bar.describe(name, note || "original");
      if (!known) this.items.want(this.state.item);
    } else {
      const { title } = data.models[answer.by];
      this.bar.describe(`Decoded by ${letter(answer.by)}`, `${title}, from ${name}`);
    }
    this.bar.allow(this.state.drives.length > 0, this.history.canUndo, this.history.canRedo);
  }

  private announce(): void {
    this.after("announce", ANNOUNCE_MS, () => {
      this.columns.forEach((column, number) => {
        const { reading } = column;
        const near = reading?.nearest ?? null;
        column.knob.describe(
          `Handle of ${letter(number)}, ${this.data.models[number].title}` +
            `${near === null ? "" : `, near item ${near}`}; arrow keys move`,
        );
      });
      const says = this.columns
        .map(({ reading }, n) => (reading?.error ? `${letter(n)} ${short(reading.error)}` : ""))
        .filter(Boolean)
        .join(", ");
      const by = driver(this.state);
      const what = by === null ? `Item ${this.state.item}` : `${letter(by)} drives`;
      this.live.textContent = says ? `${what}; squared errors ${says}` : what;
    });
  }

  // Pointing

  private hover(number: number, item: number): void {
    if (this.gestures > 0 || item < 0) {
      this.unhover();
      return;
    }
    if (item === this.hovered && this.timers.has("hover")) return;
    this.hovered = item;
    const known = this.items.get(item);
    this.columns.forEach((column, n) => {
      column.point(item, n === number, known);
    });
    if (!known) this.after("hover", HOVER_MS, () => this.items.want(item));
  }

  private unhover(): void {
    this.forget("hover");
    if (this.hovered < 0) return;
    this.hovered = -1;
    for (const column of this.columns) column.unpoint();
  }

  private itemArrived(item: SharedItem): void {
    for (const column of this.columns) column.itemArrived(item);
    if (item.item === this.state.item) this.describe();
  }

  // Selecting

  private makeBar(): Bar {
    return new Bar({
      tool: (tool) => this.use(tool),
      step: (by) => this.step(by),
      back: () => this.pin(this.state.item, performance.now()),
      undo: () => this.travel("undo"),
      redo: () => this.travel("redo"),
      clear: () => this.clear(),
    });
  }

  private use(tool: Tool): void {
    this.tool = tool;
    this.bar.use(tool);
    for (const column of this.columns) column.use(tool);
  }

  /** Puts all handles on an item before or after. */
  private step(by: number): void {
    const { count } = this.data;
    this.pin((this.state.item + by + count) % count, performance.now());
  }

  private select(by: number, corners: number[]): void {
    this.state = { ...this.state, selection: { by, corners } };
    this.remark();
    this.reshade();
    this.commit();
  }

  private clear(): void {
    if (!this.state.selection) return;
    this.state = { ...this.state, selection: null };
    this.remark();
    this.reshade();
    this.commit();
  }

  /** Finds the selected items, which all maps show. */
  private remark(): void {
    const { selection } = this.state;
    const xy = selection && this.geometry[selection.by];
    this.marks = selection && xy ? inside(xy, selection.corners) : null;
    this.columns.forEach((column, number) => {
      column.outline(selection?.by === number ? selection.corners : []);
    });
  }

  private tellSelection(): void {
    const { base, marks } = this;
    if (!marks || !base) {
      this.bar.select("");
      return;
    }
    const count = countOf(marks);
    const says = makeup(base, base.legend, marks);
    const text = `${count.toLocaleString("en")} of ${marks.length.toLocaleString("en")} selected`;
    this.bar.select(says ? `${text} (${says})` : text, `${text}. ${says}`);
  }

  private readonly escape = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && isFree(event) && !covered()) this.clear();
  };

  private keys(): ShortcutGroup[] {
    const take = ({ knob }: Column) => knob.element.focus({ preventScroll: true });
    return [
      {
        title: "Handles",
        shortcuts: [
          ...this.columns.map((column, number) => {
            const name = letter(number);
            return heard(name.toLowerCase(), `Take the handle of ${name}`, () => take(column));
          }),
          ...HANDLE_KEYS,
        ],
      },
      {
        title: "Image",
        shortcuts: [
          heard("n", "Next item", () => this.step(1), true),
          heard("p", "Previous item", () => this.step(-1), true),
        ],
      },
      {
        title: "Selecting",
        shortcuts: [
          heard("m", "Move the maps", () => this.use("move")),
          heard("x", "Rectangle", () => this.use("rectangle")),
          heard("l", "Lasso", () => this.use("lasso")),
          told("Esc", "Clear the selection"),
        ],
      },
      MAP_KEYS,
    ];
  }

  // The state's life

  private showState(): void {
    this.remark();
    this.reshade();
    this.placeHandles();
    this.bar.allow(this.state.drives.length > 0, this.history.canUndo, this.history.canRedo);
  }

  private travel(direction: Direction): void {
    if (this.gestures > 0) return;
    this.flush();
    this.state = copyState(direction === "undo" ? this.history.undo() : this.history.redo());
    this.showState();
    this.ask(performance.now());
    this.tell();
  }

  /** A gesture has ended: an entry for undo, and word to Streamlit. */
  private commit(tag: string | null = null): void {
    this.forget("commit");
    if (!sameState(this.state, this.history.current)) this.history.push(copyState(this.state), tag);
    this.bar.allow(this.state.drives.length > 0, this.history.canUndo, this.history.canRedo);
    this.announce();
    this.tell();
  }

  /** Makes the entry that is waiting, without a word to Streamlit: another gesture begins. */
  private flush(): void {
    this.forget("commit");
    if (!sameState(this.state, this.history.current)) this.history.push(copyState(this.state));
  }

  private tell(): void {
    if (this.gestures > 0 || sameState(this.state, this.published)) return;
    this.published = copyState(this.state);
    this.send();
  }

  private send(): void {
    const models = this.data.models.map(({ name }) => name);
    this.publish({ ...rounded(this.state), models, connection: this.connection });
  }

  /** Tells the state to a server that has come back, until Python says that it has heard. */
  private tellAgain(tries: number): void {
    if (tries === 0 || this.data.heard === this.connection) return;
    if (this.gestures === 0) {
      this.published = copyState(this.state);
      this.send();
    }
    this.after("tell", TELL_MS, () => this.tellAgain(tries - 1));
  }
}
