// Frame times over a window of 10 s: frames, median and 95th percentile latency, frames per second.
//
// A latency runs from the time stamp of the pointer or input event that caused the newest position
// in a request to the end of painting its answer. Frames per second are painted frames over the
// time spent painting: the gaps between frames that are shorter than 250 ms are summed, so a pause
// between two drags does not count, and in ten seconds of continuous dragging it is frames / 10 s.
// The window ends at the last painted frame, so the figures of a drag stay readable after it.

const WINDOW_MS = 10_000;
const PAUSE_MS = 250;

export interface Summary {
  frames: number;
  p50: number;
  p95: number;
  fps: number;
}

export class FrameStats {
  private times: number[] = [];
  private latencies: number[] = [];
  private first = 0;

  /** Records a painted frame: when it was painted and its latency, both in ms. */
  add(painted: number, latency: number): void {
    this.times.push(painted);
    this.latencies.push(latency);
    while (this.times[this.first] < painted - WINDOW_MS) this.first += 1;
    if (this.first > 2048) {
      this.times = this.times.slice(this.first);
      this.latencies = this.latencies.slice(this.first);
      this.first = 0;
    }
  }

  clear(): void {
    this.times = [];
    this.latencies = [];
    this.first = 0;
  }

  summary(): Summary {
    const frames = this.times.length - this.first;
    const sorted = this.latencies.slice(this.first).sort((a, b) => a - b);
    let active = 0;
    let intervals = 0;
    for (let i = this.first + 1; i < this.times.length; i++) {
      const gap = this.times[i] - this.times[i - 1];
      if (gap >= PAUSE_MS) continue;
      active += gap;
      intervals += 1;
    }
    return {
      frames,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      fps: active > 0 ? (1000 * intervals) / active : 0,
    };
  }
}

/** The q-quantile of sorted values, between two of them when needed; 0 for none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return 0;
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
