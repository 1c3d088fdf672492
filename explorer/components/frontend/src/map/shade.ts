// A selection among coloured points: every shade twice, once for those selected and once for the rest.
import type { Legend, Shading } from "./colours";

/** The shading in which the selected points have shades of their own, of the same colours. */
export function markedShading(base: Shading, marks: Uint8Array | null): Shading {
  if (!marks) return base;
  const shades = base.palette.length;
  const palette = new Uint32Array(2 * shades);
  palette.set(base.palette);
  palette.set(base.palette, shades);
  const shade = base.shade.map((s, i) => (marks[i] ? s + shades : s));
  return { shade, palette, legend: base.legend };
}

/** The shades to draw in full: those picked in the legend (none: all), of the selected points only. */
export function litShades(
  base: Shading,
  marks: Uint8Array | null,
  picked: ReadonlySet<number>,
): ReadonlySet<number> {
  if (!marks) return picked;
  const shades = base.palette.length;
  const lit = picked.size > 0 ? [...picked] : Array.from({ length: shades }, (_, s) => s);
  return new Set(lit.map((s) => s + shades));
}

/** What the selected points are, by the legend's categories: "4: 61 %, 9: 30 %". */
export function makeup(base: Shading, legend: Legend, marks: Uint8Array, most = 3): string {
  if (legend.kind !== "categories") return "";
  const counts = new Array<number>(base.palette.length).fill(0);
  let total = 0;
  for (let i = 0; i < marks.length; i++) {
    if (!marks[i]) continue;
    counts[base.shade[i]] += 1;
    total += 1;
  }
  if (total === 0) return "";
  const name = new Map(legend.entries.map((entry) => [entry.shade, entry.label]));
  return counts
    .map((count, shade) => ({ count, label: name.get(shade) ?? "" }))
    .filter(({ count, label }) => count > 0 && label !== "")
    .sort((a, b) => b.count - a.count)
    .slice(0, most)
    .map(({ count, label }) => `${label}: ${Math.round((100 * count) / total)} %`)
    .join(", ");
}
