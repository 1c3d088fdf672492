// Tests of addresses on a server that is served below a path.
import { describe, expect, it } from "vitest";
import { serverUrl } from "../src/address";

describe("serverUrl", () => {
  it.each([
    ["http://localhost:8501", "http://localhost:8501/live/socket"],
    ["https://host.example/teams/faces", "https://host.example/teams/faces/live/socket"],
  ])("finds the server's root from the bundle at %s", (root, expected) => {
    expect(serverUrl("/live/socket", `${root}/live/bundle/stage.js?v=0123abcd`)).toBe(expected);
  });

  it("finds it from a bundle that was asked for again", () => {
    const bundle = "https://host.example/x/live/bundle/again-2/chunk-AB12CD34.js";
    expect(serverUrl("/live/socket", bundle)).toBe("https://host.example/x/live/socket");
  });

  it("keeps a query", () => {
    const bundle = "https://host.example/x/live/bundle/stage.js";
    expect(serverUrl("/live/atlas/a/view/b?v=1", bundle)).toBe(
      "https://host.example/x/live/atlas/a/view/b?v=1",
    );
  });
});
