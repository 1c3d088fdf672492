// A request goes with the event that asks for it, at most one a display frame on average.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FrameQueue } from "../src/frames";
import type { Edit } from "../src/types";

const handle = { item: 0, x: 0, y: 0 };
const edit = {
  A: handle,
  B: handle,
  frames: 0,
  path: "straight",
  residual: "hold",
} as unknown as Edit;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A hand that is heard every `period` ms for a second; the age of each event when it was sent. */
function drag(period: number): number[] {
  const sent: number[] = [];
  const pull = () => {
    if (!queue.pull(edit)) return;
    const stamp = queue.takeStamp();
    if (stamp !== null) sent.push(performance.now() - stamp);
  };
  const queue = new FrameQueue(pull);
  for (let t = 0; t < 1000; t += period) {
    queue.mark(["A"], performance.now());
    pull();
    vi.advanceTimersByTime(period);
  }
  vi.advanceTimersByTime(50);
  return sent;
}

it.each([4, 8, 10, 16])("sends sixty a second, at once, of events every %i ms", (period) => {
  const ages = drag(period);
  expect(ages.length).toBeGreaterThanOrEqual(Math.min(60, 1000 / period) - 1);
  expect(ages.length).toBeLessThanOrEqual(66);
  expect(ages.slice(0, -1).filter((age) => age > 0)).toHaveLength(0);
});

it("sends the last event of a drag by itself", () => {
  const tick = vi.fn();
  const queue = new FrameQueue(tick);
  queue.mark(["A"], 0);
  expect(queue.pull(edit)).not.toBeNull();
  vi.advanceTimersByTime(5);
  queue.mark(["A"], 5);
  expect(queue.pull(edit)).toBeNull();
  vi.advanceTimersByTime(30);
  expect(tick).toHaveBeenCalledOnce();
  expect(queue.pull(edit)).not.toBeNull();
  expect(queue.takeStamp()).toBe(5);
});

it("has nothing to send without a change, and nothing after the end", () => {
  const tick = vi.fn();
  const queue = new FrameQueue(tick);
  expect(queue.pull(edit)).toBeNull();
  for (let i = 0; i < 3; i++) {
    queue.mark(["A"], i);
    queue.pull(edit);
  }
  queue.dispose();
  vi.advanceTimersByTime(100);
  expect(tick).not.toHaveBeenCalled();
});
