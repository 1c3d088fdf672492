// Which presses are a shortcut's, and how the parts of a page make one overview.
import { beforeAll, expect, it, vi } from "vitest";
import { directionOf, heard, isFree, MAP_KEYS, merged, told } from "../src/shortcuts";

/** An element that is what one selector asks for, alone or among others. */
class Fake {
  constructor(private readonly is: string) {}
  matches(selectors: string): boolean {
    const typed = selectors.startsWith("input:not(") && this.is.startsWith("input[type=number");
    return typed || selectors.split(", ").includes(this.is);
  }
  closest(selectors: string): Fake | null {
    return this.matches(selectors) ? this : null;
  }
}

beforeAll(() => {
  vi.stubGlobal("Element", Fake);
});

const press = (key: string, more: object = {}) =>
  Object.assign(new Event("keydown", { cancelable: true }), { key, ...more }) as KeyboardEvent;
const on = (is: string, key: string, more: object = {}) => {
  const event = press(key, more);
  Object.defineProperty(event, "target", { value: new Fake(is) });
  return event;
};

it("a press is free where nothing takes it", () => {
  expect(isFree(press("m"))).toBe(true);
  for (const held of ["ctrlKey", "metaKey", "altKey"])
    expect(isFree(press("m", { [held]: true })), held).toBe(false);
  const done = press("?");
  done.preventDefault();
  expect(isFree(done), "heard by another part").toBe(false);
});

it("a control keeps the keys by which it is worked, and no others", () => {
  expect([" ", "Enter", "ArrowLeft", "m"].map((key) => isFree(on("button", key)))).toEqual(
    [false, false, true, true], // after a click on Play, arrow keys step
  );
  expect([" ", "ArrowLeft", "End"].map((key) => isFree(on("input[type=range]", key)))).toEqual(
    [true, false, false], // after scrubbing, Space plays
  );
  expect([" ", "ArrowLeft", "?"].map((key) => isFree(on("input[type=radio]", key)))).toEqual([
    false,
    false,
    true,
  ]);
  expect(isFree(on("select", "m"))).toBe(false);
  expect(isFree(on("textarea", "m"))).toBe(false);
  expect(isFree(on("input[type=number]", "2"))).toBe(false);
});

it("undo and redo are heard, but not in a text", () => {
  const ctrl = { ctrlKey: true };
  expect(directionOf(press("z", ctrl))).toBe("undo");
  expect(directionOf(press("z", { metaKey: true }))).toBe("undo");
  expect(directionOf(press("Z", { ...ctrl, shiftKey: true }))).toBe("redo");
  expect(directionOf(press("y", ctrl))).toBe("redo");
  expect(directionOf(press("z"))).toBeNull();
  expect(directionOf(press("c", ctrl))).toBeNull();
  expect(directionOf(on("textarea", "z", ctrl))).toBeNull();
  const list = on("input[type=number]", "z", ctrl);
  expect(directionOf(list)).toBeNull();
  const { matches } = Fake.prototype;
  vi.spyOn(Fake.prototype, "matches").mockImplementation(function (this: Fake, selectors) {
    return selectors === "[role=combobox][aria-expanded=false]" || matches.call(this, selectors);
  });
  expect(directionOf(list), "a closed list keeps the focus after a choice").toBe("undo");
  vi.restoreAllMocks();
  const done = press("z", ctrl);
  done.preventDefault();
  expect(directionOf(done), "undone by another part").toBeNull();
});

it("parts of a page make one overview, no line twice", () => {
  const run = () => {};
  const groups = merged([
    MAP_KEYS,
    { title: "Handles", shortcuts: [heard("a", "Take A", run), told("Esc", "Put it back")] },
    MAP_KEYS,
    { title: "Handles", shortcuts: [heard("b", "Take B", run), told("Esc", "Put it back")] },
  ]);
  expect(groups.map(({ title }) => title)).toEqual(["Map", "Handles"]);
  expect(groups[0].shortcuts).toEqual(MAP_KEYS.shortcuts);
  expect(groups[1].shortcuts.map(({ says }) => says)).toEqual(["Take A", "Put it back", "Take B"]);
});

it("keys are shown as they stand on a keyboard", () => {
  const shown = ["m", " ", "ArrowLeft", "3", "End"].map((key) => heard(key, "", () => {}).shown);
  expect(shown).toEqual(["M", "Space", "←", "3", "End"]);
});
