// Undo and redo, and one entry a gesture.
import { expect, it } from "vitest";
import { History } from "../src/history";

it("goes back and forth and stops at the ends", () => {
  const h = new History("a");
  h.push("b");
  h.push("c");
  expect([h.undo(), h.undo(), h.undo()]).toEqual(["b", "a", "a"]);
  expect(h.canUndo).toBe(false);
  expect([h.redo(), h.redo(), h.redo()]).toEqual(["b", "c", "c"]);
  expect(h.canRedo).toBe(false);
});

it("forgets what was undone when something new is done", () => {
  const h = new History("a");
  h.push("b");
  h.undo();
  h.push("c");
  expect(h.canRedo).toBe(false);
  expect(h.undo()).toBe("a");
});

it("joins quick changes of one gesture, and no others", () => {
  const h = new History("a");
  h.push("b1", "keys", 0);
  h.push("b2", "keys", 300);
  h.push("b3", "keys", 600);
  h.push("c1", "keys", 5000);
  h.push("d", "slider", 5100);
  h.push("e", null, 5150);
  h.push("f", null, 5200);
  const back = [];
  while (h.canUndo) back.push(h.undo());
  expect(back).toEqual(["e", "d", "c1", "b3", "a"]);
});

it("does not join over an undo", () => {
  const h = new History("a");
  h.push("b", "keys", 0);
  h.undo();
  h.push("c", "keys", 100);
  expect(h.undo()).toBe("a");
  expect(h.redo()).toBe("c");
});

it("keeps a bounded number of states, the newest ones", () => {
  const h = new History(0);
  for (let i = 1; i <= 1000; i++) h.push(i);
  let last = h.current;
  expect(last).toBe(1000);
  while (h.canUndo) last = h.undo();
  expect(last).toBe(801);
});

it("goes to a state by what it is, and no further", () => {
  const h = new History("a");
  h.push("b");
  h.push("c");
  expect(h.goTo((state) => state === "a")).toBe(true);
  expect(h.redo()).toBe("b");
  expect(h.goTo((state) => state === "z")).toBe(false);
  expect(h.current).toBe("b");
});

it("says whether a change joined the one before", () => {
  const h = new History("a");
  expect(h.push("b", "keys", 0)).toBe(false);
  expect(h.push("c", "keys", 100)).toBe(true);
  expect(h.push("d", null, 200)).toBe(false);
});
