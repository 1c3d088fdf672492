import { describe, expect, it } from "vitest";
import { replaceWithinPage } from "../src/history-entries";

class Kept {
  calls: string[] = [];
  pushState(_state: unknown, _unused: string, url?: string | URL | null) {
    this.calls.push(`push ${url}`);
  }
  replaceState(_state: unknown, _unused: string, url?: string | URL | null) {
    this.calls.push(`replace ${url}`);
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
});
