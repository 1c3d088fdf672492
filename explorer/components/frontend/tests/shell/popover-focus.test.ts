// Tab crosses a popover's edges as if it stood beside its button.
import { describe, expect, it } from "vitest";
import { across } from "../../src/shell/popover-focus";

const body = ["first", "middle", "last"];
const page = ["before", "trigger", "after"];
const tab = (from: string, back = false) => across(from, back, "trigger", body, page);

describe("across", () => {
  it("leads from the button into the popover and from its end to what follows the button", () => {
    expect(tab("trigger")).toBe("first");
    expect(tab("last")).toBe("after");
    expect(tab("first", true)).toBe("trigger");
  });

  it("leaves the browser's order alone within the popover and on the page", () => {
    for (const from of ["first", "middle", "before", "after"]) expect(tab(from)).toBeNull();
    for (const from of ["middle", "last", "trigger"]) expect(tab(from, true)).toBeNull();
    expect(across("trigger", false, "trigger", [], page)).toBeNull();
  });

  it("goes back to the button where nothing follows it", () => {
    expect(across("last", false, "trigger", body, ["trigger"])).toBe("trigger");
  });
});
