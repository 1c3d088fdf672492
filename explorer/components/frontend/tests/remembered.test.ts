// Choices outlast the page, and a browser without storage still works.
import { expect, it } from "vitest";
import { remember, remembered } from "../src/remembered";

const MODES = ["off", "auto", "on"] as const;

it("keeps a choice and gives it back where it is one of the options", () => {
  const kept = new Map<string, string>();
  const storage = () => ({
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  expect(remembered("pictures", MODES, "auto", storage)).toBe("auto");
  remember("pictures", "on", storage);
  expect(remembered("pictures", MODES, "auto", storage)).toBe("on");
  remember("pictures", "sideways", storage);
  expect(remembered("pictures", MODES, "auto", storage)).toBe("auto");
});

it("falls back where storage is forbidden", () => {
  const forbidden = () => {
    throw new Error("forbidden");
  };
  expect(remembered("pictures", MODES, "auto", forbidden)).toBe("auto");
  expect(() => remember("pictures", "on", forbidden)).not.toThrow();
});
