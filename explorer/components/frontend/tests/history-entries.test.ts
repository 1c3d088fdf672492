import { describe, expect, it } from "vitest";
import {
  addEntry,
  replaceWithinPage,
  setAddress,
  storedIn,
  storeInEntry,
} from "../src/history-entries";

class Kept {
  calls: string[] = [];
  state: unknown = null;
  pushState(state: unknown, _unused: string, url?: string | URL | null) {
    this.calls.push(`push ${url}`);
    this.state = state;
  }
  replaceState(state: unknown, _unused: string, url?: string | URL | null) {
    this.calls.push(`replace ${url}`);
    this.state = state;
  }
}

describe("the browser's history", () => {
  it("gets an entry for another page only", () => {
    const history = new Kept();
    replaceWithinPage(history, () => "http://localhost:8501/explore?a=1");
    history.pushState({}, "", "/explore?a=2");
    history.pushState({}, "", "?a=3");
    history.pushState({}, "");
    history.pushState({}, "", "/measure?a=3");
    expect(history.calls).toEqual([
      "replace /explore?a=2",
      "replace ?a=3",
      "replace undefined",
      "push /measure?a=3",
    ]);
  });

  it("is wrapped once, however often a stage is mounted", () => {
    const history = new Kept();
    replaceWithinPage(history, () => "http://localhost/");
    const once = history.pushState;
    replaceWithinPage(history, () => "http://localhost/");
    expect(history.pushState).toBe(once);
  });

  it("gets an entry for each change of the stage, which a new address leaves there", () => {
    const history = new Kept();
    let left = 0;
    replaceWithinPage(
      history,
      () => "http://localhost/",
      () => left++,
    );
    addEntry(history, "a");
    storeInEntry(history, "b");
    history.pushState({}, "", "/?a=1");
    expect(storedIn(history.state)).toBe("b");
    expect(left).toBe(0);
    history.pushState({}, "", "/paths");
    expect(storedIn(history.state)).toBeUndefined();
    expect(left).toBe(1);
    expect(history.calls).toEqual([
      "push undefined",
      "replace undefined",
      "replace /?a=1",
      "push /paths",
    ]);
  });

  it("leaves the page's address to whoever sees to it", () => {
    const history = new Kept();
    let owned = true;
    const here = "http://localhost/?a=1&embed=true";
    replaceWithinPage(
      history,
      () => here,
      () => {},
      () => owned,
    );
    storeInEntry(history, "x");
    history.pushState({}, "", "/?a=2");
    history.replaceState({}, "", "/?a=3");
    setAddress(history, here, "?a=test-1,2&c=d%20e");
    setAddress(history, "http://localhost/?a=1,2", "?a=1,2");
    expect(storedIn(history.state)).toBe("x");
    owned = false;
    history.pushState({}, "", "/?a=5");
    history.pushState({}, "", "/paths");
    expect(history.calls).toEqual([
      "replace undefined",
      "replace /?a=test-1,2&c=d+e&embed=true",
      "replace /?a=5",
      "push /paths",
    ]);
  });
});
