// Items: what they are called, and a reconstruction that gives way to the original once that has come.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ItemsAnswer } from "../../src/core/codec";
import type { Reply } from "../../src/core/connection";
import { ItemStore } from "../../src/core/item-store";
import { type Item, itemName, labelLine } from "../../src/items";
import type { PictureSource } from "../../src/messages.gen";
import { missingOriginal } from "../../src/pages/compare/shared-items";
import { readPictures } from "../../src/ui/pictures-of-items";

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

function store(capacity?: number) {
  const sent: number[][] = [];
  const replies: Reply<ItemsAnswer>[] = [];
  const failed = vi.fn();
  const items = new ItemStore<Item, ItemsAnswer>(
    {
      ask: (wanted, reply) => {
        replies.push(reply);
        return sent.push(wanted) - 1;
      },
      read: readPictures,
      bytes: () => 100,
      provisional: ({ source }) => source !== "original",
      arrived: () => {},
      failed,
    },
    32,
    capacity,
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
  const receive = (seq: number, source: PictureSource = "original") =>
    replies[seq].answer(answer(seq, source));
  return { items, sent, receive, replies, failed };
}

describe("originals that come later than the first pictures", () => {
  it("asks again for what is wanted, and shows the reconstruction until the original is here", () => {
    const { items, sent, receive } = store();
    items.want("nearest", [4, 7]);
    receive(0, "reconstruction");
    expect(items.get(4)?.source).toBe("reconstruction");
    items.originalsCame();
    expect(sent).toEqual([
      [4, 7],
      [4, 7],
    ]);
    expect(items.get(4)?.source).toBe("reconstruction");
    receive(1, "original");
    expect(items.get(4)?.source).toBe("original");
    items.originalsCame();
    expect(sent).toHaveLength(2);
  });

  it("asks for the rest when it is wanted again", () => {
    const { items, sent, receive } = store();
    items.want("hover", [1]);
    receive(0, "reconstruction");
    items.want("hover", []);
    items.originalsCame();
    expect(sent).toHaveLength(1);
    items.want("hover", [1]);
    expect(sent).toHaveLength(2);
  });
});

describe("items that cannot be had", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("are asked for a few times, and again once the connection is new", () => {
    const { items, sent, replies, failed } = store();
    items.want("hover", [1]);
    for (let i = 0; i < 3; i++) {
      replies[i].failed({ code: i === 0 ? "busy" : "internal", message: "oops" });
      vi.advanceTimersByTime(1000);
    }
    expect(sent).toHaveLength(3);
    expect(failed).toHaveBeenCalledTimes(2);
    items.renew();
    expect(sent).toHaveLength(4);
  });

  it("of a former model are dropped when they come late", () => {
    const { items, receive } = store();
    items.want("hover", [1]);
    items.clear();
    receive(0);
    expect(items.get(1)).toBeUndefined();
  });
});

describe("the memory that items take", () => {
  it("has a limit in bytes", () => {
    const { items, receive } = store(250);
    items.want("beside", [1, 2, 3, 4]);
    receive(0);
    expect([1, 2, 3, 4].filter((item) => items.get(item))).toEqual([3, 4]);
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
