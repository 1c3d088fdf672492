// The core's small parts: timers by name, what ends with a component, and a cache by bytes.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ItemCache } from "../../src/core/item-cache";
import { Scheduler } from "../../src/core/scheduler";
import { Scope } from "../../src/core/scope";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a scheduler", () => {
  const display = () => {
    let due: (() => void) | null = null;
    const scheduler = new Scheduler({
      requestFrame: (run) => {
        due = run;
        return 1;
      },
      cancelFrame: () => {
        due = null;
      },
    });
    return { scheduler, show: () => due?.() };
  };

  it("does the work of a thousand events once a frame", () => {
    const { scheduler, show } = display();
    const work = vi.fn();
    for (let i = 0; i < 1000; i++) scheduler.frame("knobs", () => work(i));
    expect(work).not.toHaveBeenCalled();
    show();
    expect(work).toHaveBeenCalledExactlyOnceWith(999);
  });

  it("replaces a timer of the same name, and runs nothing after its end", () => {
    const { scheduler, show } = display();
    const work = vi.fn();
    scheduler.after("commit", 100, () => work("old"));
    scheduler.after("commit", 200, () => work("new"));
    vi.advanceTimersByTime(300);
    expect(work).toHaveBeenCalledExactlyOnceWith("new");
    scheduler.after("commit", 100, () => work("late"));
    scheduler.frame("knobs", () => work("late"));
    scheduler.dispose();
    scheduler.after("commit", 100, () => work("later"));
    show();
    vi.advanceTimersByTime(300);
    expect(work).toHaveBeenCalledOnce();
  });
});

describe("a scope", () => {
  it("runs every end once, the last one first, though one fails", () => {
    const scope = new Scope();
    const ended: number[] = [];
    scope.add(() => ended.push(1));
    scope.add(() => {
      throw new Error("stuck");
    });
    scope.add(() => ended.push(3));
    expect(() => scope.dispose()).toThrow("stuck");
    scope.dispose();
    expect(ended).toEqual([3, 1]);
  });
});

describe("a cache of items", () => {
  it("keeps what was used last, up to its bytes", () => {
    const cache = new ItemCache<string>(10, (value) => value.length);
    cache.set(1, "aaaa");
    cache.set(2, "bbbb");
    expect(cache.get(1)).toBe("aaaa");
    cache.set(3, "cccc");
    expect([1, 2, 3].filter((key) => cache.has(key))).toEqual([1, 3]);
    expect(cache.size).toBe(8);
    cache.set(3, "c");
    expect(cache.size).toBe(5);
    cache.set(4, "far too long for it");
    expect([...cache.values()]).toEqual(["far too long for it"]);
  });
});
