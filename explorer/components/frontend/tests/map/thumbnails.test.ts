// Pictures beside points never cover each other and stay on the screen.
import { expect, it } from "vitest";
import { placeThumbnails } from "../../src/map/thumbnails";
import type { Viewport } from "../../src/map/viewport";

const view: Viewport = { cx: 0, cy: 0, kx: 10, ky: 10, width: 600, height: 400 };

it("leaves out pictures that would overlap, in the order of the items", () => {
  const xy = Float32Array.of(0, 0, 1, 0, 10, 0, 0, 1);
  expect(placeThumbnails([0, 1, 2, 3], xy, view, 10).map((p) => p.item)).toEqual([0, 2]);
  expect(placeThumbnails([1, 0, 2, 3], xy, view, 10).map((p) => p.item)).toEqual([1, 2]);
});

it("never overlaps, for many points", () => {
  let state = 1;
  const xy = Float32Array.from({ length: 2000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 60;
  });
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const placed = placeThumbnails(items, xy, view, 500);
  expect(placed.length).toBeGreaterThan(20);
  for (let i = 0; i < placed.length; i++)
    for (let j = 0; j < i; j++) {
      const apart =
        Math.abs(placed[i].x - placed[j].x) >= 38 || Math.abs(placed[i].y - placed[j].y) >= 38;
      expect(apart).toBe(true);
    }
});

it("keeps inside the screen and to its limit", () => {
  const xy = Float32Array.of(-30, 20, 29.9, 0, 0, 19.9, 0, 0, 15, 0);
  const placed = placeThumbnails([0, 1, 2, 3, 4], xy, view, 1);
  expect(placed.map((p) => p.item)).toEqual([3]);
});
