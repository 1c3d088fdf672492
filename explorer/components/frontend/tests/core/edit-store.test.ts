// The life of an edit: gestures, undo, word to Python, and edits that come from outside meanwhile.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EditStore, type Memory, type Message } from "../../src/core/edit-store";
import { Scheduler } from "../../src/core/scheduler";

interface Edit {
  x: number;
}
const memory: Memory<Edit> = { last: null };
const told: (Edit & Message)[] = [];

function make(edit: Edit = { x: 0 }, revision = 1, scope = "model a") {
  return new EditStore<Edit>(edit, scope, revision, new Scheduler(), {
    copy: (one) => ({ ...one }),
    same: (a, b) => a.x === b.x,
    publish: (one, message) => told.push({ ...one, ...message }),
    allow: () => {},
    memory,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  memory.last = null;
  told.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

it("tells Python when a gesture ends, with the revision that it builds on", () => {
  const store = make({ x: 0 }, 4);
  const gesture = store.begin();
  store.current.x = 5;
  store.tell();
  expect(told).toEqual([]);
  gesture.commit();
  expect(told).toMatchObject([{ x: 5, revision: 4 }]);
  store.commit();
  expect(told).toHaveLength(1);
});

it("gives up a gesture", () => {
  const store = make();
  const gesture = store.begin();
  store.current.x = 5;
  store.current = gesture.cancel() ?? store.current;
  expect(store.current).toEqual({ x: 0 });
  expect([store.busy, store.canUndo, told.length]).toEqual([false, false, 0]);
});

it("keeps an edit that comes from outside during a gesture, whatever the hand does then", () => {
  const store = make();
  const gesture = store.begin();
  store.current.x = 5;
  expect(store.adopt(() => ({ x: 9 }), 2, "model b")).toBe(true);
  expect(gesture.held).toBe(false);
  expect(gesture.cancel()).toBeNull();
  gesture.commit();
  expect(store.current).toEqual({ x: 9 });
  expect([store.busy, store.canUndo, told.length]).toEqual([false, false, 0]);
});

it("shows what Python has after a late key release, and undo leads back to the key's change", () => {
  const store = make();
  store.current.x = 1;
  store.commitSoon("keys");
  store.adopt(() => ({ x: 7 }), 2, "model a");
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([]);
  expect(store.current).toEqual({ x: 7 });
  expect(store.travel("undo")).toEqual({ x: 1 });
  expect(store.travel("undo")).toEqual({ x: 0 });
  expect(store.travel("undo")).toBeNull();
});

it("keeps its own edit before a new session, which counts anew, and tells it with that session's revision", () => {
  const store = make({ x: 3 }, 8);
  expect(store.adopt(() => ({ x: 0 }), 1, "model a")).toBe(false);
  store.current.x = 4;
  store.commit();
  expect(told).toMatchObject([{ x: 4, revision: 1 }]);
});

it("makes one step of undo of keys in quick succession", () => {
  const store = make();
  for (const x of [1, 2, 3]) {
    store.current.x = x;
    store.commitSoon("keys");
    vi.advanceTimersByTime(400);
  }
  expect(store.travel("undo")).toEqual({ x: 0 });
  expect(store.travel("redo")).toEqual({ x: 3 });
});

it("tells again after a restart until Python has heard", () => {
  const store = make();
  store.disconnected();
  store.reconnected();
  vi.advanceTimersByTime(3100);
  expect(told.map(({ connection }) => connection)).toEqual([1, 1, 1]);
  store.hear(1);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(3);
  store.reconnected();
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(3);
});

it("brings back what a page showed that was taken down before Python had heard", () => {
  const first = make();
  first.current.x = 2;
  first.commitSoon("keys");
  first.dispose();
  expect(told).toEqual([]);
  const second = make();
  expect(second.current).toEqual({ x: 2 });
  vi.advanceTimersByTime(10);
  expect(told).toMatchObject([{ x: 2, revision: 1 }]);
  expect(second.travel("undo")).toEqual({ x: 0 });
});

it.each([
  [{ x: 0 }, 2, "model a"],
  [{ x: 0 }, 1, "model b"],
])("but not over what Python has chosen since", (edit, revision, scope) => {
  const first = make();
  first.current.x = 2;
  first.dispose();
  expect(make(edit, revision, scope).current).toEqual({ x: 0 });
});
