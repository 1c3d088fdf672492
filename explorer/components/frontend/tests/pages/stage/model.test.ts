// Edits from outside are made whole; handles on their item stay exactly on it.
import { describe, expect, it } from "vitest";
import {
  copyEdit,
  Places,
  readEdit,
  rehome,
  roundEdit,
  sameEdit,
  settle,
  targets,
} from "../../../src/pages/stage/model";

const slugs = ["smile", "hat"];

describe("readEdit", () => {
  it("keeps a good edit as it is", () => {
    const edit = {
      A: { item: 4, x: 1.25, y: -3, sliders: { smile: 0.5 } },
      B: { item: 5, x: 0, y: 0, sliders: {} },
      target: "B",
      path: "great-circle",
      frames: 7,
      residual: "fade",
      level: 2,
    };
    expect(readEdit(edit, 10, slugs, 2)).toEqual(edit);
    expect(readEdit(edit, 10, slugs, 1).level).toBe(0);
  });

  it.each([null, undefined, 7, "edit", [], { A: null, B: 3, frames: "9", target: {} }])(
    "makes a whole edit of %j",
    (value) => {
      const edit = readEdit(value, 10, slugs);
      expect(edit).toMatchObject({ target: "both", path: "straight", frames: 0, residual: "hold" });
      expect([edit.A.item, edit.B.item]).toEqual([0, 1]);
      expect(edit.A.x).toBeNaN();
    },
  );

  it("drops what is impossible", () => {
    const edit = readEdit(
      {
        A: { item: 99, x: 3, y: 3, sliders: { smile: 99, hat: Number.NaN, gone: 1 } },
        B: { item: 1.5, x: Infinity, y: 0 },
        frames: 40,
      },
      10,
      slugs,
    );
    expect(edit.A).toEqual({ item: 0, x: Number.NaN, y: Number.NaN, sliders: { smile: 5 } });
    expect(edit.B.item).toBe(1);
    expect(edit.frames).toBe(15);
  });
});

describe("places", () => {
  const xy = Float32Array.of(0.1, 0.2, 3.3333333, -7.7777777);

  it("puts a rounded place back exactly on its item", () => {
    const there = { item: 1, x: 3.333333, y: -7.777778, sliders: {} };
    expect(settle(there, new Places(xy))).toMatchObject({ x: xy[2], y: xy[3] });
  });

  it("leaves a handle that was moved", () => {
    const moved = { item: 1, x: 3.333337, y: -7.777778, sliders: {} };
    expect(settle(moved, new Places(xy))).toEqual(moved);
  });

  it("knows the places of own pictures", () => {
    const places = new Places(xy, [{ item: 2 ** 30, title: "Me", x: 5.25, y: -1.5 }]);
    expect(places.of(2 ** 30)).toEqual([5.25, -1.5]);
    expect(places.of(2)).toBeUndefined();
    expect(places.of(2 ** 30 + 1)).toBeUndefined();
    const lost = { item: 2 ** 30 + 1, x: 1, y: 2, sliders: {} };
    expect(settle(lost, places)).toEqual(lost);
    const own = [{ item: 2 ** 30, title: "Me", x: 5.25, y: -1.5 }];
    const edit = readEdit({ A: { item: 2 ** 30 }, B: { item: 2 ** 30 + 1 } }, 2, slugs, 0, own);
    expect([edit.A.item, edit.B.item]).toEqual([2 ** 30, 1]);
    expect(rehome(edit, places).A).toMatchObject({ x: 5.25, y: -1.5 });
  });

  it("puts a handle without a place, or both on another map, on their items", () => {
    const edit = readEdit({ A: { item: 1 }, B: { item: 0, x: 5, y: 5 } }, 2, slugs);
    expect(settle(edit.A, new Places(xy))).toMatchObject({ x: xy[2], y: xy[3] });
    expect(rehome(edit, new Places(xy)).B).toMatchObject({ x: xy[0], y: xy[1] });
  });
});

describe("copies and comparison", () => {
  const edit = readEdit({ A: { item: 1, x: 1, y: 2, sliders: { smile: 1 } } }, 3, slugs);

  it("copies deeply", () => {
    const copy = copyEdit(edit);
    copy.A.sliders["smile"] = 2;
    copy.A.x = 9;
    expect(edit.A).toMatchObject({ x: 1, sliders: { smile: 1 } });
  });

  it("rounds to six decimals and leaves out sliders at rest", () => {
    const other = copyEdit(edit);
    other.A.x = 1.23456789;
    other.A.sliders = { smile: 0.1 + 0.2, hat: 1e-7 };
    expect(roundEdit(other).A).toEqual({ item: 1, x: 1.234568, y: 2, sliders: { smile: 0.3 } });
  });

  it("sees no difference below the rounding, and any above", () => {
    const other = copyEdit(edit);
    other.A.x += 1e-7;
    expect(sameEdit(edit, other)).toBe(true);
    other.A.x += 1e-5;
    expect(sameEdit(edit, other)).toBe(false);
  });

  it("knows which handles a slider acts on", () => {
    expect(targets({ ...edit, target: "both" })).toEqual(["A", "B"]);
    expect(targets({ ...edit, target: "B" })).toEqual(["B"]);
  });
});
