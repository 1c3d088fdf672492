// Orders in which points are reached one after another.

export const ORDERS = ["number", "right", "up", "colour"] as const;
export type Order = (typeof ORDERS)[number];

/** The values that an order is by. */
export function valuesOf(order: Order, xy: Float32Array, shade: Uint16Array): Values {
  if (order === "right") return { data: xy, stride: 2, offset: 0 };
  if (order === "up") return { data: xy, stride: 2, offset: 1 };
  return order === "colour" ? { data: shade, stride: 1, offset: 0 } : null;
}

/** What items are ordered by: the value of item i is `data[stride * i + offset]`; null for its number. */
export type Values = { data: ArrayLike<number>; stride: number; offset: number } | null;

/**
 * The next item in the order of (value, number), or the previous one; from the other end again.
 *
 * It looks at every item once, in some milliseconds for a million.
 *
 * Arguments:
 *   count: number of items.
 *   values: what they are ordered by; items without a finite value are passed over.
 *   from: the present item; -1 for none.
 *   step: 1 or -1.
 *   accept: whether an item may be reached.
 *
 * Returns: an item, or -1 when none may be reached.
 */
export function nextItem(
  count: number,
  values: Values,
  from: number,
  step: 1 | -1,
  accept: (item: number) => boolean,
): number {
  if (!values) return nextNumber(count, from, step, accept);
  const { data, stride, offset } = values;
  const at = from < 0 ? -Infinity : step * data[stride * from + offset];
  let [best, bestAt, first, firstAt] = [-1, 0, -1, 0];
  for (let i = 0; i < count; i++) {
    const v = step * data[stride * i + offset];
    if (v - v !== 0) continue; // not finite
    const onward = v > at || (v === at && step * (i - from) > 0);
    const leads = first < 0 || v < firstAt || (v === firstAt && step * (i - first) < 0);
    const follows = onward && (best < 0 || v < bestAt || (v === bestAt && step * (i - best) < 0));
    if ((!leads && !follows) || !accept(i)) continue; // asked last: it costs most
    if (leads) [first, firstAt] = [i, v];
    if (follows) [best, bestAt] = [i, v];
  }
  return best < 0 ? first : best;
}

function nextNumber(
  count: number,
  from: number,
  step: 1 | -1,
  accept: (item: number) => boolean,
): number {
  const start = from < 0 && step < 0 ? count : from;
  for (let n = 1; n <= count; n++) {
    const item = (start + n * step + count) % count;
    if (accept(item)) return item;
  }
  return -1;
}
