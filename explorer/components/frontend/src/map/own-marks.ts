// Pictures of a person's own on the map: a small framed picture each, at the place of its code.
import { h } from "../dom";
import type { Item } from "../items";
import type { OwnInfo } from "../types";
import type { Point } from "./viewport";

export interface OwnEvents {
  pick(item: number, stamp: number): void;
  toScreen(x: number, y: number): Point;
  item(item: number): Item | undefined;
}

export class OwnMarks {
  readonly element = h("div", { class: "own" });
  private marks: { info: OwnInfo; button: HTMLButtonElement; canvas: HTMLCanvasElement }[] = [];
  private key = "";

  constructor(private readonly on: OwnEvents) {}

  get items(): number[] {
    return this.marks.map(({ info }) => info.item);
  }

  show(own: readonly OwnInfo[]): void {
    const key = JSON.stringify(own);
    if (key === this.key) return;
    this.key = key;
    this.marks = own.map((info) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      const label = `${info.title}: put the active handle on it`;
      const button = h(
        "button",
        { type: "button", class: "own-mark", title: info.title, "aria-label": label },
        canvas,
      );
      button.dataset["item"] = String(info.item);
      button.addEventListener("click", (event) => this.on.pick(info.item, event.timeStamp));
      return { info, button, canvas };
    });
    this.element.replaceChildren(...this.marks.map(({ button }) => button));
    this.place();
    this.paint();
  }

  /** The map has moved. */
  place(): void {
    for (const { info, button } of this.marks) {
      const [x, y] = this.on.toScreen(info.x, info.y);
      button.style.transform = `translate3d(${x}px, ${y}px, 0)`;
    }
  }

  /** Pictures have come. */
  paint(): void {
    for (const { info, canvas } of this.marks) {
      const source = this.on.item(info.item)?.canvas;
      if (!source || (canvas.width === source.width && canvas.dataset["painted"])) continue;
      canvas.width = source.width;
      canvas.height = source.height;
      canvas.getContext("2d")?.drawImage(source, 0, 0);
      canvas.dataset["painted"] = "yes";
    }
  }
}
