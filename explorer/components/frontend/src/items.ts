// Items as pages show them: what they are called, and their labels in a line.

export interface Item {
  item: number;
  name: string;
  source: string;
  labels: Record<string, string>;
  canvas: HTMLCanvasElement;
}

/** What an item is called, as the server names it, such as "test 3518"; dots until that is known. */
export const itemName = (item: { name: string } | undefined): string => item?.name ?? "…";

/** "Smile 0.71 · Hair blond", at most `limit` labels. */
export function labelLine(labels: Record<string, string>, limit = Infinity): string {
  return Object.entries(labels)
    .slice(0, limit)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
}
