import { describe, expect, it } from "vitest";
import { onPicture, Strokes } from "../../src/pad/strokes";

describe("strokes", () => {
  it("keeps points that are apart and joins those that are not", () => {
    const strokes = new Strokes();
    strokes.begin("#fff", 2, [1, 1]);
    strokes.go([1.1, 1]);
    strokes.go([2, 1]);
    expect(strokes.all).toEqual([
      {
        colour: "#fff",
        width: 2,
        points: [
          [1, 1],
          [2, 1],
        ],
      },
    ]);
  });

  it("takes back and brings back, also after clearing", () => {
    const strokes = new Strokes();
    strokes.begin("a", 1, [0, 0]);
    strokes.begin("b", 1, [1, 1]);
    strokes.undo();
    expect(strokes.all.map((s) => s.colour)).toEqual(["a"]);
    strokes.redo();
    strokes.clear();
    expect(strokes.canUndo).toBe(false);
    strokes.redo();
    strokes.redo();
    expect(strokes.all.map((s) => s.colour)).toEqual(["a", "b"]);
    strokes.undo();
    strokes.begin("c", 1, [0, 0]);
    expect(strokes.canRedo).toBe(false);
  });

  it("does nothing where there is no stroke", () => {
    const strokes = new Strokes();
    strokes.go([1, 1]);
    strokes.undo();
    strokes.redo();
    expect(strokes.all).toEqual([]);
  });

  it("finds the place on the picture", () => {
    const box = { left: 10, top: 20, width: 280, height: 140 };
    expect(onPicture({ clientX: 150, clientY: 90 }, box, 28, 14)).toEqual([14, 7]);
  });
});
