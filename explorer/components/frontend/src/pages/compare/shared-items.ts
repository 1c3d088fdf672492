// Items that all models share: the original, and every model's reconstruction.
import { ItemStore } from "../../core/item-store";
import type { Live } from "../../core/live";
import type { Shell } from "../../core/shell";
import type { OriginalsState } from "../../messages.gen";
import { PictureCanvas } from "../../pictures";
import type { FrameAnswer, FrameBody, ItemsAnswer, Opened, Target } from "./wire";

/** Why an image is shown without its original, as far as that is known. */
export function missingOriginal(state: OriginalsState): string {
  if (state === "absent") return "its picture is not on this machine";
  return state === "ready" ? "" : "its picture is being read";
}

export interface SharedItem {
  item: number;
  name: string;
  labels: Record<string, string>;
  /** Null where it is not here, or not yet. */
  original: HTMLCanvasElement | null;
  /** One a model. */
  pictures: HTMLCanvasElement[];
}

export type SharedItems = ItemStore<SharedItem, ItemsAnswer>;
export type CompareLive = Live<Target, Opened, "models", FrameBody, FrameAnswer, ItemsAnswer>;

export function readSharedItems(answer: ItemsAnswer): SharedItem[] {
  let at = 0;
  const next = () => {
    const picture = new PictureCanvas(document.createElement("canvas"));
    picture.paint(answer.pixels, at++, answer.shape);
    return picture.canvas;
  };
  return answer.items.map((item, index) => {
    const original = answer.originals[index] ? next() : null;
    const pictures = Array.from({ length: answer.models }, next);
    return { item, name: answer.names[index], labels: answer.labels[index], original, pictures };
  });
}

const bytes = ({ pictures }: SharedItem): number =>
  pictures.reduce((sum, { width, height }) => sum + 4 * width * height, 1024);

/** A store of shared items, asked for one at a time; `arrived` is called after one has come. */
export function makeSharedItems(shell: Shell, live: CompareLive, arrived: () => void): SharedItems {
  const store = new ItemStore<SharedItem, ItemsAnswer>(
    {
      ask: (items, reply) => live.items(items, "best", reply),
      read: readSharedItems,
      bytes,
      provisional: ({ original }) => original === null,
      arrived,
      failed: (message) => shell.banner.fail(message),
    },
    1,
  );
  live.watch(store);
  shell.scope.add(() => store.clear());
  return store;
}
