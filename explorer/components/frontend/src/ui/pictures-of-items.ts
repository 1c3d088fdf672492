// Items as most pages show them: a picture, where it is from, a name and labels.
import type { ItemsAnswer } from "../core/codec";
import type { Reply } from "../core/connection";
import { ItemStore } from "../core/item-store";
import type { Shell } from "../core/shell";
import type { Item } from "../items";
import type { ItemSource } from "../messages.gen";
import { PictureCanvas } from "../pictures";

export type Pictures = ItemStore<Item, ItemsAnswer>;

/** Reads an answer into a canvas an item. */
export function readPictures(answer: ItemsAnswer): Item[] {
  return answer.items.map((item, index) => {
    const picture = new PictureCanvas(document.createElement("canvas"));
    picture.paint(answer.pixels, index, answer.shape);
    return {
      item,
      name: answer.names[index],
      source: answer.sources[index],
      labels: answer.labels[index],
      canvas: picture.canvas,
    };
  });
}

const bytes = ({ canvas }: Item): number => 4 * canvas.width * canvas.height + 512;

/** Who asks for a page's items. */
interface Asks {
  items(items: readonly number[], source: ItemSource, reply: Reply<ItemsAnswer>): number | null;
  watch(store: { renew(): void }): void;
}

/** A store of a page's items; `arrived` is called after new ones have come. */
export function makePictures(shell: Shell, live: Asks, arrived: () => void): Pictures {
  const store = new ItemStore<Item, ItemsAnswer>({
    ask: (items, reply) => live.items(items, "best", reply),
    read: readPictures,
    bytes,
    provisional: ({ source }) => source !== "original",
    arrived,
    failed: (message) => shell.banner.fail(message),
  });
  live.watch(store);
  shell.scope.add(() => store.clear());
  return store;
}
