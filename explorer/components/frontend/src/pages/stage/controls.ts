// What the stage's toolbar, sliders and filmstrip do to the edit.
import { parseJson } from "../../core/codec";
import type { EditStore } from "../../core/edit-store";
import type { Shell } from "../../core/shell";
import type { Direction } from "../../core/steps";
import type { MapView } from "../../map/map";
import type { Want } from "../../messages.gen";
import { type Edit, HANDLE_NAMES, type HandleName, type StageData, type Target } from "../../types";
import { Filmstrip } from "./filmstrip";
import type { Handles } from "./handles";
import { type Places, rehome, roundEdit, targets } from "./model";
import type { Readings } from "./readings";
import { fetchText, frameAddress, reasonOf } from "./resting";
import { Sliders } from "./sliders";
import { Toolbar } from "./toolbar";

/** The page, as its controls see it. */
export interface ControlsContext {
  readonly shell: Shell;
  readonly edits: EditStore<Edit>;
  readonly map: MapView;
  readonly handles: Handles;
  readonly readings: Readings;
  data(): StageData;
  places(): Places | null;
  /** Takes an edit from outside, made whole. */
  readEdit(edit: unknown): Edit;
  changed(wants: readonly Want[], stamp: number | null): void;
  /** Shows the edit everywhere, asks for all pictures and commits. */
  changedAll(): void;
  showEdit(): void;
  travel(direction: Direction): void;
  setSmooth(smooth: boolean): void;
}

export function makeSliders(on: ControlsContext): Sliders {
  const { edits } = on;
  const sliders = new Sliders({
    move: (slug, value, stamp) => {
      const names = targets(edits.current);
      for (const name of names) {
        if (value === 0) delete edits.current[name].sliders[slug];
        else edits.current[name].sliders[slug] = value;
      }
      sliders.showOne(slug, edits.current);
      on.changed(names, stamp);
    },
    release: (slug, by) => {
      if (by === "key") edits.commitSoon(`slider ${slug}`);
      else edits.commit(by === "click" ? `click ${slug}` : null);
    },
    say: (text) => on.shell.say(text),
    target: (target: Target) => {
      edits.current.target = target;
      sliders.show(edits.current);
      if (target !== "both") on.handles.activate(target);
      if (on.places()) on.readings.askTracks();
      edits.commit();
    },
  });
  return sliders;
}

export function makeFilmstrip(on: ControlsContext): Filmstrip {
  const { edits, map } = on;
  const film = new Filmstrip({
    count: (frames, stamp) => {
      edits.current.frames = frames;
      film.show(edits.current);
      if (frames === 0) map.setPath([], []);
      else on.changed([], stamp);
      edits.commit();
    },
    path: (path) => {
      edits.current.path = path;
      on.changed([], performance.now());
      edits.commit();
    },
    look: (index) => map.markPath(index),
    take: (index) => void takeFrame(on, on.handles.active, index),
  });
  return film;
}

/** Puts a handle where a picture of the strip stands. */
async function takeFrame(on: ControlsContext, name: HandleName, index: number): Promise<void> {
  const { edits } = on;
  const { epoch } = edits;
  const asked = JSON.stringify(roundEdit(edits.current));
  try {
    const more = { index: String(index) };
    const url = frameAddress(on.data().between, edits.current, ["A", "B", "strip"], more);
    const handle = parseJson(await fetchText(url));
    // The hand has gone on meanwhile: what was asked for is no longer there.
    if (epoch !== edits.epoch || asked !== JSON.stringify(roundEdit(edits.current))) return;
    edits.current = on.readEdit({ ...edits.current, [name]: handle });
    on.showEdit();
    on.changed([name], performance.now());
    edits.commit();
    on.handles.announce(name);
  } catch (error) {
    on.shell.banner.show(`Handle ${name} could not be put on this picture: ${reasonOf(error)}`);
  }
}

export function makeToolbar(on: ControlsContext): Toolbar {
  const { edits } = on;
  return new Toolbar({
    undo: () => on.travel("undo"),
    redo: () => on.travel("redo"),
    swap: () => swap(on),
    reset: () => {
      const places = on.places();
      if (!places) return;
      edits.current = rehome(edits.current, places);
      for (const name of HANDLE_NAMES) edits.current[name].sliders = {};
      on.changedAll();
    },
    residual: (residual) => {
      edits.current.residual = residual;
      on.changed(HANDLE_NAMES, performance.now());
      edits.commit();
    },
    level: (level) => {
      edits.current.level = level;
      on.showEdit();
      on.changed(HANDLE_NAMES, performance.now());
      edits.commit();
    },
    smooth: (smooth) => on.setSmooth(smooth),
  });
}

export function swap({ edits, changedAll }: Pick<ControlsContext, "edits" | "changedAll">): void {
  const { A, B } = edits.current;
  edits.current.A = B;
  edits.current.B = A;
  changedAll();
}
