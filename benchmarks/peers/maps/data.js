// The points of a peer's map: places scaled to [-1, 1] and a category each.
export const COLOURS = [
  "#4269d0", "#efb118", "#e4572e", "#2bd1fe", "#a32c74", "#9f89a6", "#2fe5a2", "#b17eff", "#a24112", "#8cb180",
];

/** Fetches little-endian float32: all x, all y, all categories. */
export async function load() {
  const values = new Float32Array(await (await fetch("points.bin")).arrayBuffer());
  const count = values.length / 3;
  return {
    x: values.slice(0, count),
    y: values.slice(count, 2 * count),
    category: values.slice(2 * count),
  };
}
