// Which presses are a shortcut's, and how the parts of a page make one overview.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  directionOf,
  isCharacter,
  isFree,
  keyHint,
  MAP_KEYS,
  merged,
  Shortcuts,
  shortcut,
} from "../../src/core/shortcuts";

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
    { title: "Handles", shortcuts: [shortcut("a", "Take A", run), keyHint("Esc", "Put it back")] },
    MAP_KEYS,
    { title: "Handles", shortcuts: [shortcut("b", "Take B", run), keyHint("Esc", "Put it back")] },
  ]);
  expect(groups.map(({ title }) => title)).toEqual(["Map", "Handles"]);
  expect(groups[0].shortcuts).toEqual(MAP_KEYS.shortcuts);
  expect(groups[1].shortcuts.map(({ says }) => says)).toEqual(["Take A", "Put it back", "Take B"]);
});

it("keys are shown as they stand on a keyboard", () => {
  const shown = ["m", " ", "ArrowLeft", "3", "End"].map((key) => shortcut(key, "", () => {}).shown);
  expect(shown).toEqual(["M", "Space", "←", "3", "End"]);
});

it("single characters are told apart from keys that write nothing", () => {
  expect(["a", "?", ",", "1"].map(isCharacter)).toEqual([true, true, true, true]);
  expect([" ", "ArrowLeft", "Escape", "Enter"].map(isCharacter)).toEqual(Array(4).fill(false));
});

describe("where single characters are heard", () => {
  /** An element that listens and is found by what it holds. */
  class Part extends EventTarget {
    parts: unknown[] = [];
    classList = { add: () => {} };
    append(...parts: unknown[]): void {
      this.parts.push(...parts);
    }
    setAttribute(): void {}
    remove(): void {}
    contains(other: unknown): boolean {
      return other === this || this.parts.includes(other);
    }
    matches(): boolean {
      return false;
    }
    closest(): null {
      return null;
    }
  }
  let run: () => void;
  let page: Part;
  let root: Part;
  let shortcuts: Shortcuts;

  beforeEach(() => {
    page = Object.assign(new Part(), {
      createElement: () => new Part(),
      querySelector: () => null,
    });
    vi.stubGlobal("document", page);
    vi.stubGlobal("Element", Part);
    vi.stubGlobal("Node", Part);
    run = vi.fn();
    root = new Part();
    const keys = [shortcut("a", "Take A", run), shortcut("ArrowLeft", "Back", run)];
    shortcuts = new Shortcuts(root as unknown as HTMLElement, () => [
      { title: "Keys", shortcuts: keys },
    ]);
  });
  afterEach(() => {
    shortcuts.stop();
    vi.unstubAllGlobals();
    vi.stubGlobal("Element", Fake);
  });
  const pressOn = (target: Part, key: string) => {
    const event = press(key);
    Object.defineProperty(event, "target", { value: target });
    page.dispatchEvent(event);
  };

  it("is the component that has the focus, and no other place of the page", () => {
    pressOn(new Part(), "a");
    expect(run).not.toHaveBeenCalled();
    pressOn(root, "a");
    expect(run).toHaveBeenCalledOnce();
    pressOn(new Part(), "ArrowLeft");
    expect(run).toHaveBeenCalledTimes(2);
  });

  it("is nowhere once they are switched off", () => {
    vi.stubGlobal("localStorage", { getItem: () => "off" });
    pressOn(root, "a");
    expect(run).not.toHaveBeenCalled();
    pressOn(root, "ArrowLeft");
    expect(run).toHaveBeenCalledOnce();
  });
});
