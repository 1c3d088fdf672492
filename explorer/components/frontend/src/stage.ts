// The live stage: joins map, handles, pictures, strip and sliders around one edit and one socket.
import { TrackLoader } from "./along";
import { Banner } from "./banner";
import { h, isTyping } from "./dom";
import {
  copyEdit,
  Places,
  readEdit,
  rehome,
  round,
  roundEdit,
  sameEdit,
  settle,
  targets,
} from "./edit";
import { Filmstrip } from "./filmstrip";
import { FrameQueue } from "./frames";
import { spoken } from "./gauge";
import { Loader } from "./geometry";
import { ItemStore, itemName } from "./items";
import { Knob } from "./knob";
import { bitsPerDim, LikelihoodLoader, type Likelihoods } from "./likelihood";
import type { Shading } from "./map/colours";
import { shadeBy } from "./map/colours";
import { HoverCard } from "./map/hover";
import { LegendBar } from "./map/legend";
import { MapView } from "./map/map";
import { OwnMarks } from "./map/own-marks";
import { Pane } from "./map/pane";
import { Selecting } from "./map/selecting";
import { Readout } from "./readout";
import { fetchText, frameAddress, reasonOf } from "./resting";
import {
  type Direction,
  HANDLE_KEYS,
  heard,
  MAP_KEYS,
  type ShortcutGroup,
  Shortcuts,
  told,
} from "./shortcuts";
import { Sliders } from "./sliders";
import { StageSocket, socketUrl } from "./socket";
import { FrameStats } from "./stats";
import { readTheme, sameTheme, type Theme } from "./theme";
import { type Showing, type Shown, sameWorld, type Timeline } from "./timeline";
import { Toolbar } from "./toolbar";
import type { Colouring, DirectionInfo, Edit, HandleName, StageData, Target } from "./types";
import { HANDLE_NAMES } from "./types";
import { ANNOUNCE_MS, KEY_COMMIT_MS, TELL_MS, TELL_TRIES } from "./waits";
import type { FrameAnswer, Want } from "./wire";
import { parseJson } from "./wire";

const NEAREST_MS = 90;
const HOVER_MS = 40;

/** An edit, where it was made, and over which of the page's connections. */
export type Told = Edit & {
  model: string;
  view: string;
  colour: string | null;
  connection: number;
  /** Of the data from Python that the edit builds on; Python refuses what an older one led to. */
  revision: number;
  /** Tells two messages apart that say the same. */
  serial: number;
  /** Whether Python must go to this model, map and colour: undo, redo, Back or Forward leads there. */
  restore: boolean;
};

let serial = 0;

/** Tells Streamlit another state of the stage, by name. */
export type Tell = (name: string, value: unknown) => void;

/** Tells Streamlit the edit; called when a gesture ends, never during it. */
export type Publish = (told: Told) => void;

export class Stage {
  readonly element = h("div", {
    class: "stage",
    "data-testid": "stage",
    "data-connection": "connecting",
    "data-ready": "false",
  });
  private data: StageData;
  private publish: Publish;
  private edit: Edit;
  private published: Edit;
  private active: HandleName = "A";

  /** The map's places; null while a model's first map is on its way. */
  private xy: Float32Array | null = null;
  /** Where items stand on it, own pictures among them. */
  private places: Places | null = null;
  /** Whether the edit's places are places of the map that the server has open. */
  private placed = false;
  private colouring: Colouring | null = null;
  private shading: Shading | null = null;
  private theme: Theme | null = null;

  private readonly geometry = new Loader();
  private readonly colours = new Loader();
  private readonly socket: StageSocket;
  private readonly queue: FrameQueue;
  private readonly items: ItemStore;
  private readonly likelihoods = new LikelihoodLoader(
    (found) => this.showLikelihoods(found),
    (message) => this.banner.show(message),
  );
  private readonly tracks = new TrackLoader(
    (tracks) => this.sliders.setTracks(tracks),
    () => this.sliders.setTracks(null), // a lost connection has a banner already
  );
  private readonly stats = new FrameStats();
  private readonly painted = new Set<HandleName>();

  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly banner = new Banner();
  private readonly readout = new Readout(this.stats);
  private readonly hoverCard = new HoverCard();
  private readonly map: MapView;
  private readonly own: OwnMarks;
  private readonly selecting: Selecting;
  private readonly shortcuts: Shortcuts;
  private readonly legend: LegendBar;
  private readonly toolbar: Toolbar;
  private readonly film: Filmstrip;
  private readonly sliders: Sliders;
  private readonly panes: Record<HandleName, Pane>;
  private readonly knobs: Record<HandleName, Knob>;
  private readonly themeWatch: MutationObserver;

  private gestures = 0;
  /** Counts edits that came from outside: a hand that still holds a handle of an older one moves nothing. */
  private world = 0;
  /** The message that asked Python for another model, map or colour; 0 once it has answered. */
  private asked = 0;
  private lost = false;
  /** Counts the connections, so that Python can say which one it has heard from. */
  private connection = 0;
  private tellTimer: ReturnType<typeof setTimeout> | undefined;
  private waitingTag: string | null = null;
  private commitTimer: ReturnType<typeof setTimeout> | undefined;
  private nearestTimer: ReturnType<typeof setTimeout> | undefined;
  private hoverTimer: ReturnType<typeof setTimeout> | undefined;
  private announceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    parent: HTMLElement,
    data: StageData,
    publish: Publish,
    private readonly tellState: Tell,
    private readonly timeline: Timeline,
  ) {
    this.data = data;
    this.publish = publish;
    this.edit = this.editFrom(data);
    this.published = copyEdit(this.edit);
    const instead = timeline.attach(this.showing(), data.revision, (shown) => this.restore(shown));

    this.queue = new FrameQueue(() => this.socket.wake());
    this.socket = this.makeSocket();
    this.items = new ItemStore(
      (items) => this.socket.items(items, "best"),
      () => this.itemsArrived(),
    );
    this.map = new MapView({
      hover: (item, x, y) => this.hover(item, x, y),
      pick: (item, stamp) => this.putOn(this.active, item, stamp),
      beside: (items) => this.items.want("beside", items),
      item: (item) => this.items.get(item),
      moved: () => this.own?.place(),
    });
    this.own = new OwnMarks({
      pick: (item, stamp) => this.putOn(this.active, item, stamp),
      toScreen: (x, y) => this.map.toScreen(x, y),
      item: (item) => this.items.get(item),
    });
    this.selecting = this.makeSelecting();
    this.legend = new LegendBar(() => this.shadeMap());
    this.toolbar = this.makeToolbar();
    this.film = this.makeFilmstrip();
    this.sliders = this.makeSliders();
    this.panes = { A: this.makePane("A"), B: this.makePane("B") };
    this.knobs = { A: this.makeKnob("A"), B: this.makeKnob("B") };
    this.map.onKnob((name, x, y, dx, dy) => this.knobs[name].put(x, y, dx, dy));
    this.shortcuts = new Shortcuts(
      () => this.keys(),
      (direction) => this.travel(direction),
    );
    this.assemble();
    parent.append(this.element);

    this.themeWatch = new MutationObserver(() => this.refreshTheme());
    this.watchTheme();
    this.setSmooth(this.toolbar.smooth);
    this.refreshTheme();
    this.activate(this.active);
    this.showModel();
    this.showEdit();
    this.loadGeometry();
    this.loadColour();
    this.socket.open(data.model.name, data.view.id);
    this.selecting.take(data.selection);
    if (instead) this.restore(instead);
    this.writeAddress();
  }

  // From Streamlit

  /** Takes the data of another rerun: changes what differs, keeps the rest. */
  update(data: StageData, publish: Publish): void {
    const before = this.data;
    const model =
      data.model.name !== before.model.name || data.model.version !== before.model.version;
    const view = model || data.view.id !== before.view.id;
    const colour = data.colour?.name !== before.colour?.name;
    // A new session, after a restart of the server, starts to count anew: the stage keeps its own edit.
    const told = model || data.revision > before.revision;
    if ((told || view || colour) && this.gestures === 0) this.flush(); // while its data is here
    if (told || view) this.letGo();
    this.data = data;
    this.publish = publish;
    this.refreshTheme();
    if (model) this.changeModel();
    else if (this.xy && !view) this.places = new Places(this.xy, data.own);
    if (told) this.takeEdit(view);
    if ((data.serial ?? 0) >= this.asked) this.asked = 0;
    // What arrives before the answer is on its way to being replaced: no change of its own.
    if ((told || (colour && !view)) && !this.asked) this.timeline.record(this.showing());
    if (view) {
      this.placed = false;
      this.map.setPath([], []);
      this.socket.open(data.model.name, data.view.id);
    }
    if (view || data.view.url !== before.view.url) this.loadGeometry(view && !told);
    this.loadColour();
    this.showModel();
    this.selecting.take(data.selection);
    if (told) {
      this.showEdit();
      this.everything(null);
    } else this.allowTravel();
    const missed = this.timeline.stay();
    if (missed) this.restore(missed);
    this.writeAddress();
  }

  dispose(): void {
    this.flush();
    this.timeline.detach(this.data.revision);
    this.socket.close();
    this.queue.dispose();
    this.themeWatch.disconnect();
    this.knobs.A.stop();
    this.knobs.B.stop();
    for (const name of HANDLE_NAMES) this.panes[name].hold(false);
    this.selecting.stop();
    this.shortcuts.stop();
    this.map.stop();
    this.geometry.cancel();
    this.colours.cancel();
    this.likelihoods.cancel();
    this.tracks.cancel();
    this.items.clear();
    this.readout.stop();
    this.banner.stop();
    for (const timer of [this.nearestTimer, this.hoverTimer, this.announceTimer, this.tellTimer])
      clearTimeout(timer);
    this.element.remove();
  }

  private editFrom(data: StageData): Edit {
    return readEdit(
      data.edit,
      data.model.count,
      data.directions.map((d: DirectionInfo) => d.slug),
      data.levels.length,
      data.own,
    );
  }

  private changeModel(): void {
    this.geometry.cancel();
    this.colours.cancel();
    this.xy = null;
    this.places = null;
    this.colouring = null;
    this.shading = null;
    this.likelihoods.cancel();
    this.showLikelihoods(null);
    this.tracks.cancel();
    this.sliders.setTracks(null);
    this.items.clear();
    this.selecting.forget();
    this.painted.clear();
    this.stats.clear();
    this.element.dataset["ready"] = "false";
    this.panes.A.forget();
    this.panes.B.forget();
    this.banner.clear();
    this.map.setShading(null);
  }

  /** Takes the edit that Python sent; on a fresh map, places of the former one mean nothing. */
  private takeEdit(fresh: boolean): void {
    this.edit = this.editFrom(this.data);
    if (this.places && !fresh) this.settleHandles(this.places);
    this.published = copyEdit(this.edit);
  }

  private showing(): Showing {
    const { model, view, colour } = this.data;
    return { model: model.name, view: view.id, colour: colour?.name ?? null, edit: this.edit };
  }

  private showModel(): void {
    const { model, view, directions, levels } = this.data;
    this.sliders.setDirections(directions);
    this.toolbar.setLevels(levels);
    this.toolbar.show(this.edit.residual, this.edit.level);
    this.own.show(this.places ? this.data.own : []);
    this.items.want("own", this.own.items);
    const [, height, width] = model.shape;
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
    this.map.setAxes(view.axes?.[0] ?? "", view.axes?.[1] ?? "");
    this.map.setLabel(
      `Map of ${model.count.toLocaleString("en")} images, ${view.title}; ` +
        "arrow keys move it, plus and minus zoom, 0 shows all",
    );
  }

  // Geometry and colours

  private loadGeometry(goHome = false): void {
    const { model, view } = this.data;
    if (!this.xy) this.map.setNote("Loading the map…");
    this.geometry.load(
      view.url,
      2 * model.count,
      "The map",
      (xy) => this.takeGeometry(xy, goHome),
      (message) => {
        this.map.setNote(this.xy ? "" : "The map could not be loaded.");
        this.banner.show(message);
      },
    );
  }

  private takeGeometry(xy: Float32Array, goHome: boolean): void {
    this.xy = xy;
    const places = new Places(xy, this.data.own);
    this.places = places;
    if (goHome) {
      this.edit = rehome(this.edit, places);
      this.timeline.record(this.showing());
    } else this.settleHandles(places);
    this.placed = true;
    this.selecting.setGeometry(xy);
    this.recolour();
    this.map.setGeometry(xy);
    this.own.show(this.data.own);
    this.items.want("own", this.own.items);
    this.showEdit();
    this.everything(null);
    if (goHome) this.tell();
  }

  private settleHandles(places: Places): void {
    this.edit.A = settle(this.edit.A, places);
    this.edit.B = settle(this.edit.B, places);
  }

  private loadColour(): void {
    const { colour, model } = this.data;
    if (!colour) {
      this.colours.cancel();
      this.colouring = null;
      this.recolour();
      return;
    }
    this.colours.load(
      colour.url,
      model.count,
      colour.title,
      (values) => {
        this.colouring = { info: colour, values };
        this.recolour();
      },
      (message) => this.banner.show(message),
    );
  }

  private recolour(): void {
    if (!this.theme) return;
    const { colouring, theme } = this;
    if (colouring && this.xy && colouring.values.length * 2 !== this.xy.length) return;
    this.shading = colouring
      ? shadeBy(
          colouring.values,
          colouring.info.kind,
          colouring.info.title,
          colouring.info.labels ?? [],
          theme.tone,
          theme.missing,
        )
      : null;
    this.legend.show(this.shading?.legend ?? { kind: "none" });
    this.shadeMap();
  }

  /** Colours the map: the legend's choice and the selection stand out. */
  private shadeMap(): void {
    if (!this.theme) return;
    const { shading, lit } = this.selecting.shade(
      this.shading,
      this.legend.shades,
      this.theme.plain,
    );
    // With a selection all points can still be pointed at, to add to it.
    this.map.setPicked(lit, !this.selecting.any);
    this.map.setShading(shading);
  }

  private makeSelecting(): Selecting {
    const surface = this.map.element.querySelector<HTMLElement>(".lx-surface");
    return new Selecting(surface ?? this.map.element, {
      changed: () => this.shadeMap(),
      tell: (items) => this.tellState("selection", { items, model: this.data.model.name }),
      toMap: (x, y) => this.map.toMap(x, y),
      itemAt: (x, y) => this.map.itemAt(x, y),
      inside: (corners) => this.map.inside(corners),
      start: () => this.hover(-1, 0, 0),
    });
  }

  private watchTheme(): void {
    const options = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
    // Streamlit sets its variables on an ancestor, by a class that changes with the theme.
    for (let node = this.element.parentElement; node; node = node.parentElement)
      this.themeWatch.observe(node, options);
  }

  private refreshTheme(): void {
    const theme = readTheme(this.probe);
    if (this.theme && sameTheme(theme, this.theme)) return;
    this.theme = theme;
    this.element.dataset["tone"] = theme.tone;
    this.map.setTheme(theme);
    this.recolour();
  }

  // The socket

  private makeSocket(): StageSocket {
    return new StageSocket(socketUrl(this.data.socket), {
      connection: (state) => {
        this.element.dataset["connection"] = state;
        this.banner.connect(state);
        if (state === "closed") this.lost = true;
      },
      opened: () => {
        this.items.renew();
        this.everything(null);
        if (this.lost) {
          this.lost = false;
          this.connection += 1;
          this.tellAgain(TELL_TRIES);
        }
      },
      pull: () => (this.placed ? this.queue.pull(this.edit) : null),
      frame: (answer) => this.paint(answer),
      items: (answer) => this.items.receive(answer),
      itemsFailed: (seq) => this.items.failed(seq),
      originals: (state) => {
        if (state === "ready") this.items.originalsCame();
      },
      error: (message) => this.banner.show(message),
    });
  }

  /** Asks for pictures again, because of an event at `stamp` (null: not the hand's doing). */
  private changed(wants: readonly Want[], stamp: number | null): void {
    this.queue.mark(this.edit.frames > 0 ? [...wants, "strip"] : wants, stamp);
    this.socket.wake();
  }

  private everything(stamp: number | null): void {
    this.changed(HANDLE_NAMES, stamp);
  }

  private paint(answer: FrameAnswer): void {
    let first = -1;
    for (let i = 0; i < answer.pictures.length; i++) {
      const name = answer.pictures[i];
      if (name === "A" || name === "B") {
        const pane = this.panes[name];
        pane.paint(answer.pixels, i, answer.shape);
        const reading = answer.handles[name];
        if (reading) {
          pane.read(reading);
          pane.showNearest(this.items.get(reading.nearest));
        }
        this.painted.add(name);
      } else if (first < 0) first = i;
    }
    if (first >= 0 && this.edit.frames > 0) {
      this.film.paint(answer, first);
      this.map.setPath(answer.path, answer.off);
    }
    const stamp = this.queue.takeStamp();
    const now = performance.now();
    if (stamp !== null) {
      this.stats.add(now, Math.max(0, now - stamp));
      this.readout.touch();
    }
    this.showOriginals();
    this.askNearest();
    this.askLikelihood();
    this.askTracks();
    if (this.painted.size === 2 && this.element.dataset["ready"] !== "true")
      this.element.dataset["ready"] = "true";
  }

  private askTracks(): void {
    if (this.placed && this.data.directions.length > 0)
      this.tracks.ask(this.data.along, copyEdit(this.edit));
  }

  private askLikelihood(): void {
    const { likelihood } = this.data;
    if (likelihood === null) return;
    for (const name of HANDLE_NAMES) this.panes[name].staleLikelihood();
    this.film.staleLikelihood();
    this.likelihoods.ask(likelihood, copyEdit(this.edit));
  }

  private showLikelihoods(found: Likelihoods | null): void {
    const [channels, height, width] = this.data.model.shape;
    const bits = (nats: number) => bitsPerDim(nats, channels * height * width);
    for (const name of HANDLE_NAMES)
      this.panes[name].showLikelihood(found?.[name] ?? null, bits(found?.[name] ?? 0));
    this.film.showLikelihood(found ? found.strip.map(bits) : []);
  }

  private showOriginals(): void {
    for (const name of HANDLE_NAMES) {
      const { item } = this.edit[name];
      this.panes[name].showOriginal(
        this.own.items.includes(item) ? this.items.get(item) : undefined,
      );
    }
  }

  private askNearest(): void {
    this.nearestTimer ??= setTimeout(() => {
      this.nearestTimer = undefined;
      const items = HANDLE_NAMES.map((name) => this.panes[name].reading?.nearest);
      this.items.want(
        "nearest",
        items.filter((item) => item !== undefined),
      );
    }, NEAREST_MS);
  }

  private itemsArrived(): void {
    for (const name of HANDLE_NAMES) {
      const nearest = this.panes[name].reading?.nearest;
      if (nearest !== undefined) this.panes[name].showNearest(this.items.get(nearest));
    }
    this.showOriginals();
    this.hoverCard.refresh((item) => this.items.get(item));
    this.own.paint();
    this.map.refreshBeside();
    if (this.gestures === 0) this.describeKnobs();
  }

  // Pointing

  private hover(item: number, x: number, y: number): void {
    clearTimeout(this.hoverTimer);
    if (item < 0 || this.gestures > 0 || !this.xy) {
      this.hoverCard.hide();
      return;
    }
    const { clientWidth, clientHeight } = this.map.element;
    this.hoverCard.show(item, this.items.get(item), x, y, clientWidth, clientHeight);
    this.hoverTimer = setTimeout(() => this.items.want("hover", [item]), HOVER_MS);
  }

  private putOn(name: HandleName, item: number, stamp: number): void {
    const home = this.places?.of(item);
    if (!home) return;
    const handle = this.edit[name];
    handle.item = item;
    [handle.x, handle.y] = home;
    this.hoverCard.hide();
    this.placeKnobs();
    this.changed([name], stamp);
    this.commit();
    this.announce(name);
  }

  private activate(name: HandleName): void {
    this.active = name;
    this.film?.setActive(name);
    for (const each of HANDLE_NAMES) {
      this.knobs?.[each]?.setActive(each === name);
      this.panes?.[each]?.setActive(each === name);
    }
  }

  // Handles

  private makeKnob(name: HandleName): Knob {
    let origin: readonly [number, number] = [0, 0];
    let before = { x: 0, y: 0 };
    let world = -1;
    const holds = () => world === this.world;
    return new Knob(name, {
      place: () => {
        origin = this.map.origin();
        const [sx, sy] = this.map.toScreen(this.edit[name].x, this.edit[name].y);
        return [origin[0] + sx, origin[1] + sy];
      },
      start: () => {
        this.flush();
        this.gestures += 1;
        this.hoverCard.hide();
        this.activate(name);
        before = { x: this.edit[name].x, y: this.edit[name].y };
        world = this.world;
      },
      move: (x, y, stamp) => {
        if (!holds()) return;
        const [mx, my] = this.map.toMap(x - origin[0], y - origin[1]);
        this.moveHandle(name, mx, my, stamp);
      },
      end: () => {
        if (!holds()) return;
        this.gestures -= 1;
        this.commit();
        this.announce(name);
      },
      cancel: () => {
        if (!holds()) return;
        this.gestures -= 1;
        this.moveHandle(name, before.x, before.y, null);
      },
      nudge: (dx, dy, stamp) => {
        const [sx, sy] = this.map.toScreen(this.edit[name].x, this.edit[name].y);
        const [mx, my] = this.map.toMap(sx + dx, sy + dy);
        this.moveHandle(name, mx, my, stamp);
        this.commitSoon(`keys ${name}`);
      },
      nudged: () => this.announce(name),
      activate: () => {
        this.activate(name);
        if (this.gestures === 0) this.map.reveal(this.edit[name].x, this.edit[name].y);
      },
    });
  }

  private moveHandle(name: HandleName, x: number, y: number, stamp: number | null): void {
    const before = this.edit[name];
    if (!this.placed || !this.places) return;
    const handle = settle({ ...before, x: round(x), y: round(y) }, this.places);
    if (handle.x === before.x && handle.y === before.y) return;
    this.edit[name] = handle;
    this.changed([name], stamp);
    this.placeKnobs();
  }

  private placeKnobs(): void {
    const { A, B } = this.edit;
    if (this.xy && Number.isFinite(A.x) && Number.isFinite(B.x))
      this.map.setHandles([A.x, A.y], [B.x, B.y]);
  }

  private whereabouts(name: HandleName): string {
    const { item, x, y } = this.edit[name];
    const home = this.places?.of(item);
    const on = home && home[0] === x && home[1] === y;
    const near = on ? item : (this.panes[name].reading?.nearest ?? item);
    const data = this.items.get(near);
    const title = this.data.colour?.title ?? "";
    const label = data && (title in data.labels ? title : Object.keys(data.labels)[0]);
    const says = data && label ? `, ${label} ${data.labels[label]}` : "";
    return `${on ? "on" : "near"} ${itemName(data)}${says}`;
  }

  private describeKnobs(): void {
    this.items.want("handles", [this.edit.A.item, this.edit.B.item]);
    for (const name of HANDLE_NAMES)
      this.knobs[name].describe(`Handle ${name}, ${this.whereabouts(name)}; arrow keys move`);
  }

  private announce(name: HandleName): void {
    clearTimeout(this.announceTimer);
    this.announceTimer = setTimeout(() => {
      this.describeKnobs();
      const percentile = this.panes[name].reading?.percentile ?? null;
      const says = percentile === null ? "" : `, ${spoken(percentile)}`;
      this.live.textContent = `Handle ${name} ${this.whereabouts(name)}${says}`;
    }, ANNOUNCE_MS);
  }

  // The parts

  private makePane(name: HandleName): Pane {
    return new Pane(
      name,
      () => {
        const nearest = this.panes[name].reading?.nearest;
        if (nearest !== undefined) this.putOn(name, nearest, performance.now());
      },
      () => this.activate(name),
      () => this.items.get(this.edit[name].item),
    );
  }

  /** Shows both pictures' images as they were encoded while the key is held, and says which they are. */
  private holdImages(): void {
    const stop = () => {
      for (const name of HANDLE_NAMES) this.panes[name].hold(false);
      removeEventListener("keyup", stop);
      removeEventListener("blur", stop);
    };
    const says = HANDLE_NAMES.map((name) => this.panes[name].hold(true));
    this.live.textContent = says.filter((text) => text !== "").join(", ");
    addEventListener("keyup", stop);
    addEventListener("blur", stop);
  }

  private makeSliders(): Sliders {
    return new Sliders({
      move: (slug, value, stamp) => {
        const names = targets(this.edit);
        for (const name of names) {
          if (value === 0) delete this.edit[name].sliders[slug];
          else this.edit[name].sliders[slug] = value;
        }
        this.sliders.showOne(slug, this.edit);
        this.changed(names, stamp);
      },
      release: (slug, by) => {
        if (by === "key") this.commitSoon(`slider ${slug}`);
        else this.commit(by === "click" ? `click ${slug}` : null);
      },
      say: (text) => {
        this.live.textContent = text;
      },
      target: (target: Target) => {
        this.edit.target = target;
        this.sliders.show(this.edit);
        if (target !== "both") this.activate(target);
        this.askTracks();
        this.commit();
      },
    });
  }

  private makeFilmstrip(): Filmstrip {
    return new Filmstrip({
      count: (frames, stamp) => {
        this.edit.frames = frames;
        this.film.show(this.edit);
        if (frames === 0) this.map.setPath([], []);
        else this.changed([], stamp);
        this.commit();
      },
      path: (path) => {
        this.edit.path = path;
        this.changed([], performance.now());
        this.commit();
      },
      look: (index) => this.map.markPath(index),
      take: (index) => void this.takeFrame(index),
    });
  }

  /** Puts the active handle where a picture of the strip stands. */
  private async takeFrame(index: number): Promise<void> {
    const name = this.active;
    const { world, edit } = this;
    const asked = JSON.stringify(roundEdit(edit));
    try {
      const url = frameAddress(this.data.between, edit, ["A", "B", "strip"], {
        index: String(index),
      });
      const handle = parseJson(await fetchText(url));
      // The hand has gone on meanwhile: what was asked for is no longer there.
      if (world !== this.world || asked !== JSON.stringify(roundEdit(this.edit))) return;
      this.edit = this.editFrom({ ...this.data, edit: { ...this.edit, [name]: handle } });
      if (this.places) this.settleHandles(this.places);
      this.showEdit();
      this.changed([name], performance.now());
      this.commit();
      this.announce(name);
    } catch (error) {
      this.banner.show(`Handle ${name} could not be put on this picture: ${reasonOf(error)}`);
    }
  }

  private makeToolbar(): Toolbar {
    return new Toolbar({
      undo: () => this.travel("undo"),
      redo: () => this.travel("redo"),
      swap: () => this.swap(),
      reset: () => {
        if (!this.places) return;
        this.edit = rehome(this.edit, this.places);
        this.edit.A.sliders = {};
        this.edit.B.sliders = {};
        this.changedAll();
      },
      residual: (residual) => {
        this.edit.residual = residual;
        this.everything(performance.now());
        this.commit();
      },
      level: (level) => {
        this.edit.level = level;
        this.film.show(this.edit);
        this.everything(performance.now());
        this.commit();
      },
      smooth: (smooth) => this.setSmooth(smooth),
    });
  }

  private swap(): void {
    const { A, B } = this.edit;
    this.edit.A = B;
    this.edit.B = A;
    this.changedAll();
  }

  private keys(): ShortcutGroup[] {
    const take = (name: HandleName) => {
      this.activate(name);
      this.knobs[name].element.focus({ preventScroll: true });
    };
    return [
      {
        title: "Handles",
        shortcuts: [
          heard("a", "Take handle A", () => take("A")),
          heard("b", "Take handle B", () => take("B")),
          heard("s", "Swap A and B", () => this.swap()),
          heard("o", "Hold: show the images that A and B come from", () => this.holdImages()),
          ...HANDLE_KEYS,
        ],
      },
      {
        title: "Sliders and filmstrip",
        shortcuts: [
          told("Enter / 0–9", "On a slider: type its value"),
          told("← / →", "In the filmstrip: go through the pictures"),
          told("Enter", "In the filmstrip: put the active handle on the picture"),
        ],
      },
      {
        title: "Selecting",
        shortcuts: [
          heard("m", "Move the map", () => this.selecting.use("move")),
          heard("x", "Box", () => this.selecting.use("rectangle")),
          heard("l", "Lasso", () => this.selecting.use("lasso")),
          told("Shift / Alt", "While drawing: add, take away"),
          told("Esc", "Clear the selection"),
        ],
      },
      MAP_KEYS,
    ];
  }

  private setSmooth(smooth: boolean): void {
    this.element.classList.toggle("lx-sharp", !smooth);
    this.map.setSmooth(smooth);
  }

  private assemble(): void {
    const left = h(
      "div",
      { class: "map-card" },
      this.map.element,
      this.legend.element,
      this.banner.element,
    );
    this.map.element.append(
      this.own.element,
      this.selecting.brush.element,
      this.map.knobs,
      this.selecting.element,
      this.hoverCard.element,
    );
    this.map.knobs.append(this.knobs.A.element, this.knobs.B.element);
    this.element.append(
      this.probe,
      h(
        "div",
        { class: "grid" },
        this.toolbar.element,
        left,
        h(
          "div",
          { class: "side" },
          h("div", { class: "panes" }, this.panes.A.element, this.panes.B.element),
          this.sliders.element,
        ),
        this.film.element,
        h(
          "footer",
          { class: "foot" },
          h(
            "span",
            { class: "hint" },
            "Drag A or B. Click a point to put the active handle on it. ",
            this.shortcuts.button,
          ),
          this.readout.element,
        ),
      ),
      this.live,
      this.shortcuts.element,
    );
    this.element.addEventListener("keydown", (event) => this.escape(event));
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || isTyping(event.target)) return;
    if (this.selecting.escape()) event.preventDefault();
  }

  // The edit's life

  private showEdit(): void {
    this.sliders.show(this.edit);
    this.film.show(this.edit);
    this.toolbar.show(this.edit.residual, this.edit.level);
    this.allowTravel();
    if (this.edit.frames === 0) this.map.setPath([], []);
    this.placeKnobs();
    this.describeKnobs();
  }

  private changedAll(): void {
    this.showEdit();
    this.everything(performance.now());
    this.commit();
  }

  private allowTravel(): void {
    this.toolbar.allow(this.timeline.canUndo, this.timeline.canRedo);
  }

  private travel(direction: Direction): void {
    if (this.gestures > 0) return;
    this.flush();
    const shown = this.timeline.travel(direction);
    if (shown) this.restore(shown);
  }

  /** Shows what was shown before; where model, map or colour differ, Python brings them first. */
  private restore(shown: Shown): void {
    this.letGo();
    this.stopWaiting();
    if (this.asked || !sameWorld(shown, this.showing())) {
      this.allowTravel();
      this.asked = this.send(shown, true);
      return;
    }
    this.edit = this.editFrom({ ...this.data, edit: shown.edit });
    if (this.places) this.settleHandles(this.places);
    this.showEdit();
    this.everything(performance.now());
    this.tell();
  }

  /** A gesture has ended: a step of undo, and word to Streamlit. */
  private commit(tag: string | null = null): void {
    this.stopWaiting();
    this.timeline.record(this.showing(), tag);
    this.allowTravel();
    this.tell();
  }

  /** Commits when the keys have come to rest. */
  private commitSoon(tag: string): void {
    if (this.waitingTag !== null && this.waitingTag !== tag) this.flush();
    this.waitingTag = tag;
    clearTimeout(this.commitTimer);
    this.commitTimer = setTimeout(() => this.commit(tag), KEY_COMMIT_MS);
  }

  /** Records the change that is waiting, without a word to Streamlit: another gesture begins. */
  private flush(): void {
    this.stopWaiting();
    // While another state is on its way, what is shown still is no change.
    if (!this.asked) this.timeline.record(this.showing());
  }

  private stopWaiting(): void {
    clearTimeout(this.commitTimer);
    this.commitTimer = undefined;
    this.waitingTag = null;
  }

  /** Takes the handles out of the hand: they now belong to another edit. */
  private letGo(): void {
    this.world += 1;
    this.gestures = 0;
  }

  /**
   * Writes the address that Python sent, if it has heard of all that was told.
   *
   * What it wrote before that belongs to another entry: Back may have led on meanwhile.
   */
  private writeAddress(): void {
    const { address, serial: latest } = this.data;
    if (address !== undefined && (latest ?? 0) >= serial)
      this.timeline.address(location.href, address);
  }

  private tell(): void {
    if (this.gestures > 0 || sameEdit(this.edit, this.published)) return;
    this.send(this.showing());
  }

  /** Tells Python; gives the message's serial. */
  private send(showing: Showing, restore = false): number {
    const { model, view, colour, edit } = showing;
    if (!restore) this.published = copyEdit(edit);
    this.publish({
      ...roundEdit(edit),
      model,
      view,
      colour,
      connection: this.connection,
      revision: this.data.revision,
      serial: ++serial,
      restore,
    });
    return serial;
  }

  /**
   * Tells the edit to a server that has come back, until Python says that it has heard.
   *
   * Its Streamlit session is new, runs only when it is asked to, and may come back later than the
   * socket; what was told meanwhile is lost.
   */
  private tellAgain(tries: number): void {
    clearTimeout(this.tellTimer);
    if (tries === 0 || this.data.heard === this.connection) return;
    if (this.gestures === 0) this.send(this.showing());
    this.tellTimer = setTimeout(() => this.tellAgain(tries - 1), TELL_MS);
  }
}
