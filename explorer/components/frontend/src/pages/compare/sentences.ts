// What the comparison says of itself, in words.
import { itemName } from "../../items";
import type { Shading } from "../../map/colours";
import { makeup } from "../../map/shade";
import type { OriginalsState } from "../../messages.gen";
import { type Column, letter, short } from "./column";
import { driver } from "./model";
import { missingOriginal, type SharedItem } from "./shared-items";
import type { ColumnInfo, State } from "./types";
import type { FrameAnswer } from "./wire";

/** Title and note of the picture that the models see. */
export function described(
  answer: FrameAnswer,
  item: SharedItem | undefined,
  models: readonly ColumnInfo[],
  originals: OriginalsState,
): [title: string, note: string] {
  const name = itemName(item);
  if (answer.by !== null)
    return [`Decoded by ${letter(answer.by)}`, `${models[answer.by].title}, from ${name}`];
  const labels = Object.entries(item?.labels ?? {}).map(([what, value]) => `${what} ${value}`);
  const missing = answer.original ? "" : missingOriginal(originals);
  const note = [...labels.slice(0, 2), missing].filter(Boolean).join(" · ");
  return [name, note || "original"];
}

/** Names the handles by where they are; gives what a screen reader hears after a change. */
export function announced(
  columns: readonly Column[],
  models: readonly ColumnInfo[],
  state: State,
): string {
  columns.forEach(({ reading, knob }, number) => {
    const near = reading?.nearest == null ? "" : `, near item ${reading.nearest}`;
    knob.describe(`Handle of ${letter(number)}, ${models[number].title}${near}; arrow keys move`);
  });
  const says = columns
    .map(({ reading }, n) => (reading?.error ? `${letter(n)} ${short(reading.error)}` : ""))
    .filter(Boolean)
    .join(", ");
  const by = driver(state);
  const what = by === null ? `Item ${state.item}` : `${letter(by)} drives`;
  return says ? `${what}; squared errors ${says}` : what;
}

/** How many items are selected, and what they show; empty for none. */
export function selected(
  base: Shading,
  counts: Uint32Array | null,
): { text: string; more: string } {
  if (!counts) return { text: "", more: "" };
  const says = makeup(base.legend, counts);
  const count = counts.reduce((sum, count) => sum + count, 0).toLocaleString("en");
  const text = `${count} of ${base.shade.length.toLocaleString("en")} selected`;
  return { text: says ? `${text} (${says})` : text, more: `${text}. ${says}` };
}
