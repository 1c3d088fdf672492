// A drag becomes start, moves and one end, whichever way it ends.
import { expect, it } from "vitest";
import { type DragSource, draggable } from "../src/drag";

class Source extends EventTarget implements DragSource {
  captured = -1;
  setPointerCapture(id: number): void {
    this.captured = id;
  }
  hasPointerCapture(id: number): boolean {
    return this.captured === id;
  }
  releasePointerCapture(): void {
    this.captured = -1;
    this.fire("lostpointercapture", 1);
  }
  fire(type: string, pointerId: number, more: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), { pointerId, button: 0, ...more }));
  }
}

function make(accept = true) {
  const source = new Source();
  const keys = new EventTarget();
  const log: string[] = [];
  const stop = draggable(
    source,
    () => {
      log.push("begin");
      if (!accept) return null;
      return {
        move: (e) => log.push(`move ${e.pointerId}`),
        up: () => log.push("up"),
        cancel: () => log.push("cancel"),
      };
    },
    keys,
  );
  const press = (key: string) => keys.dispatchEvent(Object.assign(new Event("keydown"), { key }));
  return { source, log, stop, press };
}

it("moves and ends once, with the pointer captured meanwhile", () => {
  const { source, log } = make();
  source.fire("pointermove", 1);
  source.fire("pointerdown", 1);
  expect(source.captured).toBe(1);
  source.fire("pointermove", 1);
  source.fire("pointerup", 1);
  expect(source.captured).toBe(-1);
  source.fire("pointermove", 1);
  source.fire("pointerup", 1);
  expect(log).toEqual(["begin", "move 1", "up"]);
});

it("ignores a second finger and other buttons", () => {
  const { source, log } = make();
  source.fire("pointerdown", 1, { button: 2 });
  source.fire("pointerdown", 1);
  source.fire("pointerdown", 2);
  source.fire("pointermove", 2);
  source.fire("pointerup", 2);
  source.fire("pointermove", 1);
  expect(log).toEqual(["begin", "move 1"]);
});

it("is cancelled by Escape, and only by it", () => {
  const { source, log, press } = make();
  source.fire("pointerdown", 1);
  press("a");
  press("Escape");
  source.fire("pointermove", 1);
  source.fire("pointerup", 1);
  press("Escape");
  expect(log).toEqual(["begin", "cancel"]);
});

it.each(["pointercancel", "lostpointercapture"])("is cancelled by %s", (type) => {
  const { source, log } = make();
  source.fire("pointerdown", 1);
  source.fire(type, 1);
  source.fire("pointerup", 1);
  expect(log).toEqual(["begin", "cancel"]);
});

it("may be refused", () => {
  const { source, log } = make(false);
  source.fire("pointerdown", 1);
  source.fire("pointermove", 1);
  expect(log).toEqual(["begin"]);
  expect(source.captured).toBe(-1);
});

it("is cancelled when the element goes, and is heard no more", () => {
  const { source, log, stop } = make();
  source.fire("pointerdown", 1);
  stop();
  source.fire("pointerdown", 1);
  expect(log).toEqual(["begin", "cancel"]);
});

it("moves as soon as the browser tells, and once a move", () => {
  const { source, log } = make();
  const fire = (type: string, timeStamp: number) => {
    const event = Object.assign(new Event(type), { pointerId: 1, button: 0 });
    source.dispatchEvent(Object.defineProperty(event, "timeStamp", { value: timeStamp }));
  };
  fire("pointerdown", 1);
  fire("pointerrawupdate", 5);
  fire("pointerrawupdate", 9);
  expect(log).toEqual(["begin", "move 1", "move 1"]);
  fire("pointermove", 9); // the display's frame, with the newest of those told
  expect(log).toHaveLength(3);
  fire("pointermove", 12); // a browser without pointerrawupdate
  expect(log).toHaveLength(4);
});
