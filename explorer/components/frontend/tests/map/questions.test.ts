// Questions about points are answered as by looking at each of them.
import { describe, expect, it } from "vitest";
import { Painter } from "../../src/map/painter";
import type { Bounds } from "../../src/map/viewport";

const COUNT = 3000;
const places = Float32Array.from({ length: 2 * COUNT }, (_, i) => ((i * 7919) % 1013) / 1013);
const shade = Uint16Array.from({ length: COUNT }, (_, i) => i % 3);
const painter = new Painter();
painter.setPoints(places, null);
painter.setShading(shade, new Uint32Array(3));

/** The points in bounds of a shade, in the order of the data. */
function looked(shown: Bounds, of: number): number[] {
  return [...shade.keys()].filter((i) => {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    return (
      x >= shown.x0 &&
      x <= shown.x1 &&
      y >= shown.y0 &&
      y <= shown.y1 &&
      (of < 0 || shade[i] === of)
    );
  });
}

describe("the first points in view", () => {
  const narrow = { x0: 0.2, y0: 0.3, x1: 0.4, y1: 0.5 };
  const wide = { x0: 0.05, y0: 0, x1: 1, y1: 1 };
  const only = Uint8Array.of(0, 1, 0);

  for (const [name, shown] of Object.entries({ narrow, wide }))
    it(`are the first of the data in a ${name} view`, () => {
      for (const lit of [null, only]) {
        const question = { about: "view", shown, limit: 40, first: true, lit } as const;
        expect([...painter.answer(question)]).toEqual(looked(shown, lit ? 1 : -1).slice(0, 40));
      }
    });

  it("are any where their order does not matter, and at most as many as are wanted", () => {
    const question = { about: "view", shown: wide, limit: 61, first: false, lit: only } as const;
    const found = [...painter.answer(question)];
    expect(found.length).toBe(61);
    expect(found.every((item) => shade[item] === 1)).toBe(true);
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
  });
});

it("the next point in an order is one that may be given", () => {
  const lit = Uint8Array.of(0, 1, 0);
  const next = (order: "number" | "right" | "colour", from: number) =>
    painter.answer({ about: "next", order, from, step: 1, lit })[0];
  expect(next("number", 1)).toBe(4);
  expect(next("colour", 4)).toBe(7);
  const right = [...shade.keys()].filter((i) => shade[i] === 1);
  right.sort((a, b) => places[2 * a] - places[2 * b] || a - b);
  expect(next("right", right[10])).toBe(right[11]);
  expect(
    painter.answer({ about: "next", order: "up", from: -1, step: 1, lit: new Uint8Array(3) }),
  ).toHaveLength(0);
});
