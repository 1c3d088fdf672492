// The strokes of a drawing: pure geometry on a small picture, no browser needed.

export interface Stroke {
  colour: string;
  /** Width in pixels of the picture. */
  width: number;
  points: [number, number][];
}

/** The drawing's life: strokes, and those that were taken back. */
export class Strokes {
  private kept: Stroke[] = [];
  private undone: Stroke[] = [];

  get all(): readonly Stroke[] {
    return this.kept;
  }

  get canUndo(): boolean {
    return this.kept.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  begin(colour: string, width: number, at: [number, number]): void {
    this.kept.push({ colour, width, points: [at] });
    this.undone = [];
  }

  /** Goes on with the last stroke; points nearer than a quarter of a pixel are one. */
  go(at: [number, number]): void {
    const points = this.kept[this.kept.length - 1]?.points;
    if (!points) return;
    const [x, y] = points[points.length - 1];
    if (Math.hypot(at[0] - x, at[1] - y) >= 0.25) points.push(at);
  }

  undo(): void {
    const last = this.kept.pop();
    if (last) this.undone.push(last);
  }

  redo(): void {
    const last = this.undone.pop();
    if (last) this.kept.push(last);
  }

  clear(): void {
    this.undone = [...this.kept].reverse();
    this.kept = [];
  }
}

/** Where a pointer is, in pixels of the picture. */
export const onPicture = (
  event: { clientX: number; clientY: number },
  box: { left: number; top: number; width: number; height: number },
  width: number,
  height: number,
): [number, number] => [
  ((event.clientX - box.left) / box.width) * width,
  ((event.clientY - box.top) / box.height) * height,
];
