// The permanent readout of latency and frames per second, also as attributes for programs.
import type { FrameStats } from "../core/stats";
import { h, setText } from "../dom";

const EVERY_MS = 250;

export class Readout {
  readonly element = h(
    "output",
    {
      class: "stats",
      "data-testid": "live-stats",
      "data-frames": "0",
      "data-p50-ms": "0",
      "data-p95-ms": "0",
      "data-fps": "0",
      title: "From the movement of the hand to the painted picture: median, and frames a second",
      "aria-live": "off",
    },
    "– ms · – fps",
  );
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** A frame was painted: the figures follow within a quarter of a second. */
  touch(stats: FrameStats): void {
    this.timer ??= setTimeout(() => this.write(stats), EVERY_MS);
  }

  private write(stats: FrameStats): void {
    this.timer = undefined;
    const { frames, p50, p95, fps } = stats.summary();
    this.element.setAttribute("data-frames", String(frames));
    this.element.setAttribute("data-p50-ms", p50.toFixed(2));
    this.element.setAttribute("data-p95-ms", p95.toFixed(2));
    this.element.setAttribute("data-fps", fps.toFixed(1));
    setText(this.element, `${p50.toFixed(1)} ms · ${fps > 0 ? Math.round(fps) : "–"} fps`);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
