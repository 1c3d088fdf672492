// Items: what they are called, and a reconstruction that gives way to the original once that has come.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ItemStore, itemName, labelLine } from "../src/items";
import type { PictureSource } from "../src/messages.gen";
import { missingOriginal } from "../src/pages/compare/shared-items";
import type { ItemsAnswer } from "../src/wire";

beforeEach(() => {
  const context = { putImageData: () => {}, drawImage: () => {} };
  vi.stubGlobal(
    "ImageData",
    class {
      data = new Uint8ClampedArray(4);
    },
  );
  vi.stubGlobal("document", {
    createElement: () => ({ getContext: () => context, classList: { add: () => {} } }),
  });
});

function store() {
  const sent: number[][] = [];
  const items = new ItemStore(
    (wanted) => sent.push(wanted) - 1,
    () => {},
  );
  const answer = (seq: number, source: PictureSource): ItemsAnswer => ({
    type: "items",
    seq,
    shape: [1, 1, 1],
    pixels: new Uint8Array(sent[seq].length),
    items: sent[seq],
    sources: sent[seq].map(() => source),
    names: sent[seq].map((item) => `test ${item}`),
    labels: sent[seq].map(() => ({})),
  });
  return { items, sent, answer };
}

describe("originals that come later than the first pictures", () => {
  it("asks again for what is wanted, and shows the reconstruction until the original is here", () => {
    const { items, sent, answer } = store();
    items.want("nearest", [4, 7]);
    items.receive(answer(0, "reconstruction"));
    expect(items.get(4)?.source).toBe("reconstruction");
    items.originalsCame();
    expect(sent).toEqual([
      [4, 7],
      [4, 7],
    ]);
    expect(items.get(4)?.source).toBe("reconstruction");
    items.receive(answer(1, "original"));
    expect(items.get(4)?.source).toBe("original");
    items.originalsCame();
    expect(sent).toHaveLength(2);
  });

  it("asks for the rest when it is wanted again", () => {
    const { items, sent, answer } = store();
    items.want("hover", [1]);
    items.receive(answer(0, "reconstruction"));
    items.want("hover", []);
    items.originalsCame();
    expect(sent).toHaveLength(1);
    items.want("hover", [1]);
    expect(sent).toHaveLength(2);
  });
});

describe("what Compare says of a missing original", () => {
  it("says that it is not here only when that is known", () => {
    expect(missingOriginal("loading")).toBe("its picture is being read");
    expect(missingOriginal("unasked")).toBe("its picture is being read");
    expect(missingOriginal("absent")).toContain("not on this machine");
    expect(missingOriginal("ready")).toBe("");
  });
});

describe("itemName", () => {
  it("is what the server says, and shows no row of the atlas before that has come", () => {
    expect(itemName({ name: "train 124" })).toBe("train 124");
    expect(itemName(undefined)).toBe("…");
  });
});

describe("labelLine", () => {
  it("joins labels, at most as many as asked for", () => {
    expect(labelLine({ Smile: "0.71", Hair: "blond" })).toBe("Smile 0.71 · Hair blond");
    expect(labelLine({ Smile: "0.71", Hair: "blond" }, 1)).toBe("Smile 0.71");
  });
});
