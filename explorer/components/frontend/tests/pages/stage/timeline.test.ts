// One timeline for model, map, colour and edit: undo, redo, Back and Forward, over a change of page.
import { beforeEach, expect, it, vi } from "vitest";
import { storedIn } from "../../../src/history-entries";
import { readShown, type Showing, type Shown, Timeline } from "../../../src/pages/stage/timeline";

class Entries {
  kept: unknown[] = [null];
  at = 0;
  get state() {
    return this.kept[this.at];
  }
  pushState(state: unknown) {
    this.kept = [...this.kept.slice(0, this.at + 1), state];
    this.at += 1;
  }
  replaceState(state: unknown) {
    this.kept[this.at] = state;
  }
}

const showing = (x: number, more: Partial<Showing> = {}): Showing => ({
  model: "faces",
  view: "umap",
  colour: "smile",
  edit: {
    A: { item: 0, x, y: 0, sliders: {} },
    B: { item: 1, x: 5, y: 0, sliders: {} },
    target: "both",
    path: "straight",
    frames: 9,
    residual: "hold",
    level: 0,
  },
  ...more,
});

let entries: Entries;
let timeline: Timeline;
let ids: number;
const restored: Shown[] = [];
const restore = (shown: Shown) => restored.push(shown);
const make = () => new Timeline(entries, () => `id-${ids++}`);
const x = (shown: Shown | null | undefined) => shown?.edit.A.x;
/** Goes to another entry as the browser does; gives whether Streamlit hears of it. */
const go = (steps: number): boolean => {
  entries.at += steps;
  const stopImmediatePropagation = vi.fn();
  timeline.popped({ state: entries.state, stopImmediatePropagation });
  return stopImmediatePropagation.mock.calls.length === 0;
};

beforeEach(() => {
  entries = new Entries();
  ids = 0;
  restored.length = 0;
  timeline = make();
});

it("makes one entry a change, and none where nothing changed", () => {
  expect(timeline.attach(showing(0), 1, restore)).toBeNull();
  timeline.record(showing(0));
  timeline.record(showing(1));
  timeline.record(showing(2), "keys");
  timeline.record(showing(3), "keys");
  expect(entries.kept.length).toBe(3);
  expect(entries.kept.map((state) => x(readShown(storedIn(state))))).toEqual([0, 1, 3]);
});

it("takes back a change of model, map and colour", () => {
  timeline.attach(showing(0), 1, restore);
  timeline.record(showing(0, { colour: null }));
  timeline.record(showing(7, { view: "pca" }));
  timeline.record(showing(0, { model: "digits", view: "raw", colour: "digit" }));
  expect(timeline.travel("undo")).toMatchObject({ model: "faces", view: "pca" });
  expect(timeline.travel("undo")).toMatchObject({ view: "umap", colour: null });
  expect(timeline.travel("undo")).toMatchObject({ colour: "smile" });
  expect(timeline.travel("undo")).toBeNull();
  expect(timeline.canUndo).toBe(false);
  expect(timeline.travel("redo")).toMatchObject({ colour: null });
});

it("restores entries inside the page without Streamlit, and moves undo along", () => {
  timeline.attach(showing(0), 1, restore);
  timeline.record(showing(1));
  timeline.record(showing(2));
  expect(go(-1)).toBe(false);
  expect(x(restored.at(-1))).toBe(1);
  expect(x(timeline.travel("redo"))).toBe(2);
  expect(go(-1)).toBe(false);
  expect(go(-1)).toBe(false);
  expect(restored.map(x)).toEqual([1, 1, 0]);
});

it("goes on after a visit to another page", () => {
  timeline.attach(showing(0), 4, restore);
  timeline.record(showing(1));
  timeline.leave();
  entries.pushState({});
  timeline.detach(4);
  entries.pushState({}); // the stage's page again
  expect(timeline.attach(showing(1), 4, restore)).toBeNull();
  expect(x(timeline.travel("undo"))).toBe(0);
});

it("keeps the last change when the stage goes before Python has heard of it", () => {
  timeline.attach(showing(0), 4, restore);
  timeline.record(showing(1));
  timeline.detach(4);
  expect(x(timeline.attach(showing(0), 4, restore))).toBe(1);
});

it("takes Python's word where that is newer, and can undo it", () => {
  timeline.attach(showing(0), 4, restore);
  timeline.record(showing(1));
  timeline.detach(4);
  expect(timeline.attach(showing(9), 5, restore)).toBeNull();
  expect(x(timeline.current)).toBe(9);
  expect(x(timeline.travel("undo"))).toBe(1);
});

it("restores the entry that Back leads to from another page", () => {
  timeline.attach(showing(0), 1, restore);
  timeline.record(showing(1));
  timeline.leave();
  entries.pushState({});
  timeline.detach(1);
  expect(go(-2)).toBe(true);
  expect(x(timeline.attach(showing(1), 1, restore))).toBe(0);
  expect(timeline.canRedo).toBe(true);
});

it("leaves the way to another page to Streamlit", () => {
  timeline.attach(showing(0), 1, restore);
  timeline.leave();
  entries.pushState({});
  expect(go(-1)).toBe(true);
  expect(x(timeline.stay())).toBe(0);
  timeline.record(showing(1));
  expect(go(-1)).toBe(false);
});

it("knows its entries again after a reload", () => {
  timeline.attach(showing(0), 1, restore);
  timeline.record(showing(1));
  timeline = make();
  expect(timeline.attach(showing(1), 1, restore)).toBeNull();
  expect(entries.kept.length).toBe(2);
  expect(go(-1)).toBe(false);
  expect(restored.map(x)).toEqual([0]);
});

it.each([null, 3, {}, { id: 1 }, { id: "1", model: "m", view: "v", colour: 2, edit: {} }])(
  "passes over an entry that holds %j",
  (stored) => {
    expect(readShown(stored)).toBeNull();
  },
);

it("goes on where the browser refuses an entry", () => {
  timeline.attach(showing(0), 1, restore);
  entries.pushState = () => {
    throw new DOMException("Too many calls.", "SecurityError");
  };
  timeline.record(showing(1));
  expect(x(timeline.travel("undo"))).toBe(0);
});
