// What the stage consists of, how its parts reach each other, and where they stand.
import type { Shell } from "../../core/shell";
import { h, isTyping } from "../../dom";
import { HoverCard } from "../../map/hover";
import { LegendBar } from "../../map/legend";
import { MapView } from "../../map/map";
import { OwnMarks } from "../../map/own-marks";
import { Pane } from "../../map/pane";
import { Selecting } from "../../map/selecting";
import type { HandleName } from "../../types";
import type { Pictures } from "../../ui/pictures-of-items";
import { type ControlsContext, makeFilmstrip, makeSliders, makeToolbar } from "./controls";
import type { Filmstrip } from "./filmstrip";
import { Handles } from "./handles";
import type { MapData } from "./map-data";
import { Readings } from "./readings";
import type { Sliders } from "./sliders";
import type { Toolbar } from "./toolbar";

export interface StageParts {
  map: MapView;
  own: OwnMarks;
  selecting: Selecting;
  legend: LegendBar;
  toolbar: Toolbar;
  film: Filmstrip;
  sliders: Sliders;
  panes: Record<HandleName, Pane>;
  handles: Handles;
  readings: Readings;
  hoverCard: HoverCard;
}

/** The page, as its parts see it. */
export interface PartsContext extends Omit<ControlsContext, "map" | "handles" | "readings"> {
  readonly items: Pictures;
  readonly mapData: MapData;
  hover(item: number, x: number, y: number): void;
  /** Something to be asked for again with the connection, and on demand. */
  watch(loader: { renew(): void }): void;
  tellSelection(bits: string): void;
}

function makePanes(on: PartsContext, handles: () => Handles): Record<HandleName, Pane> {
  const make = (name: HandleName): Pane => {
    const pane: Pane = new Pane(
      name,
      () => {
        const nearest = pane.reading?.nearest;
        if (nearest !== undefined) handles().putOn(name, nearest, performance.now());
      },
      () => handles().activate(name),
      () => on.items.get(on.edits.current[name].item),
    );
    return pane;
  };
  return { A: make("A"), B: make("B") };
}

function makeSelecting(on: PartsContext, map: MapView): Selecting {
  const surface = map.element.querySelector<HTMLElement>(".lx-surface");
  return new Selecting(surface ?? map.element, {
    changed: () => on.mapData.shade(),
    tell: (bits) => on.tellSelection(bits),
    toMap: (x, y) => map.toMap(x, y),
    inside: (corners, done) => map.inside(corners, done),
    itemAt: (x, y) => map.itemAt(x, y),
    start: () => on.hover(-1, 0, 0),
  });
}

export function makeParts(on: PartsContext): StageParts {
  const { shell, edits, items } = on;
  const pick = (item: number, stamp: number) => handles.putOn(handles.active, item, stamp);
  let own: OwnMarks | null = null;
  const map = new MapView({
    hover: (item, x, y) => on.hover(item, x, y),
    pick,
    beside: (beside) => items.want("beside", beside),
    item: (item) => items.get(item),
    moved: () => own?.place(), // the map measures itself before all is made
  });
  own = new OwnMarks({
    pick,
    toScreen: (x, y) => map.toScreen(x, y),
    item: (item) => items.get(item),
  });
  const controls: ControlsContext = {
    ...on,
    map,
    get handles() {
      return handles;
    },
    get readings() {
      return readings;
    },
  };
  const film = makeFilmstrip(controls);
  const sliders = makeSliders(controls);
  const panes = makePanes(on, () => handles);
  const handles: Handles = new Handles({
    shell,
    edits,
    items,
    map,
    panes,
    places: on.places,
    colour: () => on.data().colour?.title ?? "",
    changed: on.changed,
    begun: () => on.hover(-1, 0, 0),
    activated: (name) => film.setActive(name),
  });
  const data = on.data;
  const edit = () => edits.current;
  const { watch } = on;
  const readings: Readings = new Readings({
    shell,
    items,
    panes,
    film,
    sliders,
    data,
    edit,
    watch,
  });
  return {
    map,
    own,
    selecting: makeSelecting(on, map),
    legend: new LegendBar(() => on.mapData.shade()),
    toolbar: makeToolbar(controls),
    film,
    sliders,
    panes,
    handles,
    readings,
    hoverCard: new HoverCard(),
  };
}

/** Puts the parts of the stage in their places, and sees to their end. */
export function assemble(parent: HTMLElement, shell: Shell, parts: StageParts): void {
  const { map, own, selecting, legend, toolbar, film, sliders, panes, handles, hoverCard } = parts;
  map.element.append(
    own.element,
    selecting.brush.element,
    map.knobs,
    selecting.element,
    hoverCard.element,
  );
  map.knobs.append(handles.knobs.A.element, handles.knobs.B.element);
  shell.mount(
    parent,
    h(
      "div",
      { class: "grid" },
      toolbar.element,
      h("div", { class: "map-card" }, map.element, legend.element, shell.banner.element),
      h(
        "div",
        { class: "side" },
        h("div", { class: "panes" }, panes.A.element, panes.B.element),
        sliders.element,
      ),
      film.element,
      shell.foot("Drag A or B. Click a point to put the active handle on it."),
    ),
  );
  shell.element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || isTyping(event.target)) return;
    if (selecting.escape()) event.preventDefault();
  });
  for (const name of ["A", "B"] as const) {
    shell.scope.add(() => panes[name].hold(false));
    shell.scope.add(handles.knobs[name].stop);
  }
  shell.scope.add(() => selecting.stop());
  shell.scope.add(() => map.stop());
}
