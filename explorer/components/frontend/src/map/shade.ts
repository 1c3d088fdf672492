// A selection among coloured points: every shade twice, once for those selected and once for the rest.
import type { Legend, Shading } from "./colours";

/** A shading in which the selected points stand out. */
export interface Marked {
  readonly shading: Shading;
  /** How many of the selected points have each shade of the shading without a selection. */
  readonly counts: Uint32Array;
}

/** The shading in which the selected points have shades of their own, of the same colours. */
export function markPoints(base: Shading, marks: Uint8Array): Marked {
  const shades = base.palette.length;
  const palette = new Uint32Array(2 * shades);
  palette.set(base.palette);
  palette.set(base.palette, shades);
  const shade = base.shade.slice();
  const counts = new Uint32Array(shades);
  for (let i = 0; i < shade.length; i++) {
    if (!marks[i]) continue;
    counts[shade[i]] += 1;
    shade[i] += shades;
  }
  return { shading: { shade, palette, legend: base.legend }, counts };
}

/** The shades to draw in full, of a base with `shades` of them: those picked in the legend (none: all), selected. */
export function litShades(shades: number, picked: ReadonlySet<number>): ReadonlySet<number> {
  const lit = picked.size > 0 ? [...picked] : Array.from({ length: shades }, (_, s) => s);
  return new Set(lit.map((s) => s + shades));
}

/** What the selected points are, by the legend's categories: "4: 61 %, 9: 30 %". */
export function makeup(legend: Legend, selected: Uint32Array, most = 3): string {
  if (legend.kind !== "categories") return "";
  const total = selected.reduce((sum, count) => sum + count, 0);
  const name = new Map(legend.entries.map((entry) => [entry.shade, entry.label]));
  return Array.from(selected, (count, shade) => ({ count, label: name.get(shade) ?? "" }))
    .filter(({ count, label }) => count > 0 && label !== "")
    .sort((a, b) => b.count - a.count)
    .slice(0, most)
    .map(({ count, label }) => `${label}: ${Math.round((100 * count) / total)} %`)
    .join(", ");
}
