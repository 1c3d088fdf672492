// One finger holds one column: another column's finger moves nothing.
import { expect, it } from "vitest";
import { EditStore } from "../../../src/core/edit-store";
import { Scheduler } from "../../../src/core/scheduler";
import { Hand } from "../../../src/pages/compare/hand";
import { copyState, sameState } from "../../../src/pages/compare/model";
import type { State } from "../../../src/pages/compare/types";

function make() {
  const told: State[] = [];
  const first: State = { item: 3, drives: [], selection: null };
  const edits = new EditStore<State>(first, "a b", 1, new Scheduler(), {
    copy: copyState,
    same: sameState,
    publish: (state) => told.push(state),
    allow: () => {},
  });
  const hand = new Hand(edits, { place: (column) => [column, column], changed: () => {} });
  return { edits, hand, told };
}

it("keeps two fingers on two columns apart", () => {
  const { edits, hand, told } = make();
  expect(hand.take(0)).toBe(true);
  hand.drag(0, 10, 11, 1);
  expect(hand.take(1)).toBe(false);
  hand.drag(1, 90, 91, 2);
  hand.drag(0, 12, 13, 3);
  hand.release(1);
  expect(edits.current.drives).toEqual([{ by: 0, x: 12, y: 13 }]);
  expect(told).toEqual([]);
  hand.release(0);
  expect(told.map(({ drives }) => drives)).toEqual([[{ by: 0, x: 12, y: 13 }]]);
  expect(hand.take(1)).toBe(true);
  hand.drag(1, 5, 6, 4);
  hand.cancel(1);
  expect(edits.current.drives).toEqual([{ by: 0, x: 12, y: 13 }]);
});

it("does not restore the state of a former comparison", () => {
  const { edits, hand } = make();
  hand.take(0);
  hand.drag(0, 10, 11, 1);
  edits.adopt(() => ({ item: 7, drives: [], selection: null }), 2, "c d");
  hand.drag(0, 12, 13, 2);
  hand.cancel(0);
  expect(edits.current).toEqual({ item: 7, drives: [], selection: null });
});
