// The live stage: joins map, handles, pictures, strip and sliders around one edit and one connection.
import { EditStore, type Message } from "../../core/edit-store";
import { Shell } from "../../core/shell";
import type { Direction } from "../../core/steps";
import { type Edit, HANDLE_NAMES, type StageData } from "../../types";
import { swap } from "./controls";
import { Frames } from "./frames";
import { StageJournal } from "./journal";
import { stageKeys } from "./keys";
import { MapData } from "./map-data";
import { copyEdit, type Places, readEdit, rehome, roundEdit, sameEdit, settle } from "./model";
import { assemble, makeParts, type PartsContext, type StageParts } from "./parts";
import type { Publish, Tell } from "./release";
import type { Showing, Shown, Timeline } from "./timeline";

const scopeOf = ({ model }: StageData): string => `${model.name}@${model.version}`;

export class Stage {
  private readonly shell: Shell;
  private readonly edits: EditStore<Edit>;
  private readonly journal: StageJournal;
  private readonly frames: Frames;
  private readonly mapData: MapData;
  private readonly parts: StageParts;

  constructor(
    parent: HTMLElement,
    private data: StageData,
    private publish: Publish,
    private readonly tell: Tell,
    private readonly timeline: Timeline,
  ) {
    this.shell = this.makeShell();
    const edit = this.editFrom(data.edit);
    const instead = timeline.attach(this.showing(edit), data.revision, (s) => this.restore(s));
    this.journal = new StageJournal(timeline, {
      showing: (current) => this.showing(current),
      read: (value) => this.settled(this.editFrom(value)),
      ask: (shown) => this.send(shown, this.edits.message(), true),
    });
    this.edits = this.makeEdits(edit);
    this.frames = new Frames({
      shell: this.shell,
      edits: this.edits,
      socket: data.socket,
      parts: () => this.parts,
      mapData: () => this.mapData,
    });
    this.mapData = this.makeMapData();
    this.parts = makeParts(this.context());
    assemble(parent, this.shell, this.parts);
    this.shell.watch((theme) => this.mapData.setTheme(theme));
    this.setSmooth(this.parts.toolbar.smooth);
    this.parts.handles.activate("A");
    this.showModel();
    this.showEdit();
    this.mapData.load();
    this.mapData.loadColour();
    this.frames.live.open({ model: data.model.name, view: data.view.id });
    this.parts.selecting.take(data.selection);
    if (instead) this.restore(instead);
    this.writeAddress();
  }

  // From Streamlit

  /** Takes the data of another rerun: changes what differs, keeps the rest. */
  update(data: StageData, publish: Publish): void {
    const { edits } = this;
    const before = this.data;
    const model = scopeOf(data) !== scopeOf(before);
    const view = model || data.view.id !== before.view.id;
    const colour = data.colour?.name !== before.colour?.name;
    if ((view || colour) && !edits.busy) edits.flush(); // while its data is here
    const take = () => {
      this.take(data, model, view);
      const edit = this.editFrom(data.edit);
      return view ? edit : this.settled(edit);
    };
    const told = edits.adopt(take, data.revision, scopeOf(data));
    if (!told) this.take(data, model, view);
    this.publish = publish;
    edits.hear(data.heard ?? 0);
    if (!told && view) edits.letGo();
    // What arrives before the answer is on its way to being replaced: no change of its own.
    if (!told && colour && !view && !this.journal.paused) this.journal.record(edits.current, null);
    if (view) {
      this.mapData.placed = false;
      this.parts.map.setPath([], []);
      this.frames.live.open({ model: data.model.name, view: data.view.id });
    }
    if (view || data.view.url !== before.view.url) this.mapData.load(view && !told);
    this.mapData.loadColour();
    this.showModel();
    this.parts.selecting.take(data.selection);
    if (told) {
      this.showEdit();
      this.frames.changed(HANDLE_NAMES, null);
    } else this.allowTravel();
    const missed = this.timeline.stay();
    if (missed) this.restore(missed);
    this.writeAddress();
  }

  dispose(): void {
    this.edits.dispose();
    this.timeline.detach(this.data.revision);
    this.shell.scope.dispose();
  }

  private take(data: StageData, model: boolean, view: boolean): void {
    this.data = data;
    this.journal.acknowledge(data.serial ?? 0);
    if (model) this.changeModel();
    else if (!view) this.mapData.renewOwn();
  }

  private editFrom(edit: unknown): Edit {
    const { model, directions, levels, own } = this.data;
    const slugs = directions.map(({ slug }) => slug);
    return readEdit(edit, model.count, slugs, levels.length, own);
  }

  private settled(edit: Edit): Edit {
    const { places } = this.mapData;
    return places ? { ...edit, A: settle(edit.A, places), B: settle(edit.B, places) } : edit;
  }

  private changeModel(): void {
    this.mapData.forget();
    this.parts.readings.forget();
    this.parts.selecting.forget();
    this.parts.panes.A.forget();
    this.parts.panes.B.forget();
    this.frames.change();
  }

  private showing(edit: Edit): Showing {
    const { model, view, colour } = this.data;
    return { model: model.name, view: view.id, colour: colour?.name ?? null, edit };
  }

  private showModel(): void {
    const { model, view, directions, levels, own } = this.data;
    const { current } = this.edits;
    const { sliders, toolbar, map } = this.parts;
    sliders.setDirections(directions);
    toolbar.setLevels(levels);
    toolbar.show(current.residual, current.level);
    this.parts.own.show(this.mapData.places ? own : []);
    this.frames.items.want("own", this.parts.own.items);
    this.shell.setRatio(model.shape);
    map.setAxes(view.axes?.[0] ?? "", view.axes?.[1] ?? "");
    map.setLabel(
      `Map of ${model.count.toLocaleString("en")} images, ${view.title}; ` +
        "arrow keys move it, plus and minus zoom, 0 shows all",
    );
  }

  private setSmooth(smooth: boolean): void {
    this.shell.element.classList.toggle("lx-sharp", !smooth);
    this.parts.map.setSmooth(smooth);
  }

  // How the parts are made

  private makeShell(): Shell {
    return new Shell({
      name: "stage",
      classes: "",
      opening: "Opening the model…",
      keys: () =>
        stageKeys({
          take: (name) => this.parts.handles.take(name),
          swap: () => swap({ edits: this.edits, changedAll: () => this.changedAll() }),
          hold: () => this.parts.handles.holdImages(),
          use: (tool) => this.parts.selecting.use(tool),
        }),
      travel: (direction) => this.travel(direction),
      retry: () => this.frames.live.retry(),
    });
  }

  private makeEdits(edit: Edit): EditStore<Edit> {
    const { data, journal, shell } = this;
    return new EditStore(edit, scopeOf(data), data.revision, shell.scheduler, {
      copy: copyEdit,
      same: sameEdit,
      journal,
      publish: (current, message) => this.send(this.showing(current), message),
      allow: () => this.allowTravel(),
    });
  }

  private makeMapData(): MapData {
    return new MapData({
      shell: this.shell,
      parts: () => this.parts,
      data: () => this.data,
      resource: () => this.frames.live.resource(),
      arrived: (places, goHome) => this.mapArrived(places, goHome),
    });
  }

  private context(): PartsContext {
    return {
      shell: this.shell,
      edits: this.edits,
      items: this.frames.items,
      mapData: this.mapData,
      data: () => this.data,
      places: () => (this.mapData.placed ? this.mapData.places : null),
      readEdit: (edit) => this.settled(this.editFrom(edit)),
      changed: (wants, stamp) => this.frames.changed(wants, stamp),
      changedAll: () => this.changedAll(),
      showEdit: () => this.showEdit(),
      travel: (direction) => this.travel(direction),
      setSmooth: (smooth) => this.setSmooth(smooth),
      hover: (item, x, y) => this.frames.hover(item, x, y),
      watch: (loader) => this.frames.live.watch(loader),
      tellSelection: (bits) => this.tell("selection", { bits, model: this.data.model.name }),
    };
  }

  // The edit's life

  private mapArrived(places: Places, goHome: boolean): void {
    const { edits } = this;
    edits.current = goHome ? rehome(edits.current, places) : this.settled(edits.current);
    if (goHome) this.journal.record(edits.current, null);
    this.parts.own.show(this.data.own);
    this.frames.items.want("own", this.parts.own.items);
    this.showEdit();
    this.frames.changed(HANDLE_NAMES, null);
    if (goHome) edits.tell();
  }

  private showEdit(): void {
    const { current } = this.edits;
    const { sliders, film, toolbar, map, handles } = this.parts;
    sliders.show(current);
    film.show(current);
    toolbar.show(current.residual, current.level);
    this.allowTravel();
    if (current.frames === 0) map.setPath([], []);
    if (this.mapData.xy) handles.place();
    handles.describe();
  }

  private changedAll(): void {
    this.showEdit();
    this.frames.changed(HANDLE_NAMES, performance.now());
    this.edits.commit();
  }

  private allowTravel(): void {
    this.parts.toolbar.allow(this.edits.canUndo, this.edits.canRedo);
  }

  private travel(direction: Direction): void {
    if (this.edits.travel(direction)) this.showRestored();
  }

  /** Shows what was shown before; where model, map or colour differ, Python brings them first. */
  private restore(shown: Shown): void {
    const edit = this.journal.bring(shown);
    this.edits.replace(edit);
    if (edit) this.showRestored();
  }

  private showRestored(): void {
    this.showEdit();
    this.frames.changed(HANDLE_NAMES, performance.now());
    this.edits.tell();
  }

  /**
   * Writes the address that Python sent, if it has heard of all that was told.
   *
   * What it wrote before that belongs to another entry: Back may have led on meanwhile.
   */
  private writeAddress(): void {
    const { address, serial } = this.data;
    if (address !== undefined && (serial ?? 0) >= this.edits.lastSerial)
      this.timeline.address(location.href, address);
  }

  /** Tells Python; gives the message's serial. */
  private send(showing: Showing, message: Message, restore = false): number {
    const { model, view, colour, edit } = showing;
    this.publish({ ...roundEdit(edit), model, view, colour, ...message, restore });
    return message.serial;
  }
}
