// The columns of a comparison: their maps, what these are coloured by, what is selected and pointed at.

import { mapPositions } from "../../core/map-points";
import type { Resource } from "../../core/resource";
import type { Shell } from "../../core/shell";
import { h } from "../../dom";
import type { Tool } from "../../map/brush";
import { type Shading, shadePlain } from "../../map/colours";
import { LegendBar } from "../../map/legend";
import { Latest } from "../../map/over-points";
import { litShades, type Marked } from "../../map/shade";
import type { Theme } from "../../theme";
import { MapColours } from "../../ui/colouring";
import { Column, type ColumnEvents } from "./column";
import type { SharedItem, SharedItems } from "./shared-items";
import type { CompareData, State } from "./types";
import type { FrameAnswer } from "./wire";

const HOVER_MS = 30;

export interface ColumnsContext {
  readonly shell: Shell;
  data(): CompareData;
  state(): State;
  items(): SharedItems;
  answer(): FrameAnswer | null;
  /** Whether a hand holds something. */
  busy(): boolean;
  resource(): Resource<Float32Array>;
  release(resource: Resource<Float32Array>): void;
  /** What a column's own handle and brush do. */
  events(number: number): Omit<ColumnEvents, "hover">;
  /** What is selected, or how it is coloured, has changed: how many of each shade are, null for none. */
  shaded(base: Shading, selected: Uint32Array | null): void;
}

export class Columns {
  readonly element = h("div", { class: "columns" });
  readonly legend = new LegendBar(() => this.reshade());
  list: Column[] = [];
  private loaders: Resource<Float32Array>[] = [];
  private geometry: (Float32Array | null)[] = [];
  private readonly colours: MapColours;
  private base: Shading | null = null;
  private marks: Uint8Array | null = null;
  /** Counts searches for what is selected: the latest counts. */
  private remarked = 0;
  private readonly work = new Latest();
  /** The selection's latest shading, and of what it is. */
  private marked: { base: Shading; marks: Uint8Array; found: Marked } | null = null;
  private theme: Theme | null = null;
  private tool: Tool = "move";
  private hovered = -1;

  constructor(private readonly on: ColumnsContext) {
    this.colours = new MapColours(
      on.resource(),
      () => this.recolour(),
      (message) => on.shell.banner.fail(message),
    );
    on.shell.scope.add(() => this.close());
  }

  private close(): void {
    for (const loader of this.loaders) this.on.release(loader);
    for (const column of this.list) column.stop();
    this.list = [];
  }

  /** Shows the models that Python has named, from scratch. */
  open(): void {
    const { models } = this.on.data();
    this.close();
    this.marks = null;
    this.base = null;
    this.hovered = -1;
    this.list = models.map((_, number) => this.make(number));
    this.loaders = models.map(() => this.on.resource());
    this.geometry = models.map(() => null);
    this.element.replaceChildren(...this.list.map((column) => column.element));
    models.forEach((_, number) => {
      this.load(number);
    });
    this.colours.forget();
    this.loadColour();
  }

  private make(number: number): Column {
    const column = new Column(number, {
      ...this.on.events(number),
      hover: (item) => this.hover(number, item),
    });
    column.show(this.on.data().models[number]);
    column.use(this.tool);
    if (this.theme) column.setTheme(this.theme);
    return column;
  }

  private load(number: number): void {
    const { models, count } = this.on.data();
    const column = this.list[number];
    column.map.setNote("Loading the map…");
    this.loaders[number].load({
      url: models[number].view.url,
      what: "The map",
      read: mapPositions(count, "The map"),
      done: (xy) => {
        this.geometry[number] = xy;
        column.setGeometry(xy);
        if (number === this.on.state().selection?.by) this.remark();
        else this.reshade();
        this.place();
      },
      failed: (message) => {
        column.map.setNote("The map could not be loaded.");
        this.on.shell.fail(message);
      },
    });
  }

  // Colours and selection

  loadColour(): void {
    const { colour, count } = this.on.data();
    this.colours.load(colour, count);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    for (const column of this.list) column.setTheme(theme);
    this.colours.setTheme(theme);
  }

  private recolour(): void {
    if (!this.theme) return;
    this.base = this.colours.shading ?? shadePlain(this.on.data().count, this.theme.plain);
    this.legend.show(this.base.legend);
    this.reshade();
  }

  /** Colours all maps: the legend's choice and the selection stand out. */
  private reshade(): void {
    const { base, marks } = this;
    if (!base) return;
    const { shades } = this.legend;
    if (!marks) {
      this.work.cancel();
      this.show(base, shades, shades.size > 0);
      this.on.shaded(base, null);
      return;
    }
    const lit = litShades(base.palette.length, shades);
    if (this.marked?.base === base && this.marked.marks === marks)
      this.show(this.marked.found.shading, lit, false);
    else
      this.work.ask(marks.length, "markPoints", [base, marks], (found) => {
        this.marked = { base, marks, found };
        this.show(found.shading, lit, false);
        this.on.shaded(base, found.counts);
      });
  }

  private show(shading: Shading, lit: ReadonlySet<number>, only: boolean): void {
    for (const column of this.list) column.setShading(shading, lit, only);
  }

  /** Finds the selected items, which all maps show. */
  remark(): void {
    const { selection } = this.on.state();
    this.list.forEach((column, number) => {
      column.outline(selection?.by === number ? selection.corners : []);
    });
    this.remarked += 1;
    const mine = this.remarked;
    const take = (marks: Uint8Array | null) => {
      if (mine !== this.remarked) return;
      this.marks = marks;
      this.reshade();
    };
    if (selection && this.geometry[selection.by])
      this.list[selection.by].map.inside(selection.corners, take);
    else take(null);
  }

  use(tool: Tool): void {
    this.tool = tool;
    for (const column of this.list) column.use(tool);
  }

  // Handles

  /** Puts each handle where its model's code lies; the driver's is where the hand has it. */
  place(): void {
    const { drives, item } = this.on.state();
    const last = drives.at(-1);
    const answer = this.on.answer();
    this.list.forEach((column, number) => {
      const home = column.placeOf(item);
      const reading = answer?.models[number];
      if (last?.by === number) column.put([last.x, last.y], home);
      else if (!last && home) column.put(home, home);
      else if (last && reading) column.put([reading.x, reading.y], home);
      else if (home && !column.place) column.put(home, home);
    });
  }

  /** Shows every model's picture and what is measured of it. */
  paint({ models, original, by, pixels, shape }: FrameAnswer): void {
    const errors = models.flatMap(({ error }) => (error === null ? [] : [error]));
    const least = errors.length > 1 ? Math.min(...errors) : -1;
    this.list.forEach((column, number) => {
      const reading = models[number];
      column.read(reading, by, reading.error === least);
      column.paint(pixels, (original ? 1 : 0) + number, shape);
    });
  }

  // Pointing

  private hover(number: number, item: number): void {
    if (this.on.busy() || item < 0) {
      this.unhover();
      return;
    }
    const { scheduler } = this.on.shell;
    if (item === this.hovered && scheduler.waits("hover")) return;
    this.hovered = item;
    const known = this.on.items().get(item);
    this.list.forEach((column, n) => {
      column.point(item, n === number, known);
    });
    if (!known) scheduler.after("hover", HOVER_MS, () => this.on.items().want("hover", [item]));
  }

  unhover(): void {
    this.on.shell.scheduler.forget("hover");
    if (this.hovered < 0) return;
    this.hovered = -1;
    for (const column of this.list) column.unpoint();
  }

  itemsArrived(): void {
    const data: SharedItem | undefined = this.on.items().get(this.hovered);
    if (data) for (const column of this.list) column.itemArrived(data);
  }
}
