// The readout's figures: quantiles, the ten-second window, and pauses that do not count.
import { expect, it } from "vitest";
import { FrameStats, quantile } from "../../src/core/stats";

it("interpolates quantiles", () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([10], 0.95)).toBe(10);
  expect(quantile([], 0.5)).toBe(0);
});

it("counts sixty frames a second of a continuous drag", () => {
  const stats = new FrameStats();
  for (let i = 0; i < 900; i++) stats.add((i * 1000) / 60, 4 + (i % 2));
  const { frames, fps, p50, p95 } = stats.summary();
  expect(frames).toBeGreaterThanOrEqual(600);
  expect(frames).toBeLessThanOrEqual(601);
  expect(fps).toBeCloseTo(60, 5);
  expect(p50).toBeGreaterThanOrEqual(4);
  expect(p95).toBe(5);
});

it("does not count a pause between two drags", () => {
  const stats = new FrameStats();
  for (let i = 0; i < 30; i++) stats.add(i * 20, 4);
  for (let i = 0; i < 30; i++) stats.add(5000 + i * 20, 4);
  expect(stats.summary().fps).toBeCloseTo(50, 5);
});

it("does count slow frames that are no pause", () => {
  const stats = new FrameStats();
  for (let i = 0; i < 10; i++) stats.add(i * 200, 90);
  expect(stats.summary().fps).toBeCloseTo(5, 5);
});

it("is empty at first, and one frame has no rate", () => {
  const stats = new FrameStats();
  expect(stats.summary()).toEqual({ frames: 0, p50: 0, p95: 0, fps: 0 });
  stats.add(100, 8);
  expect(stats.summary()).toEqual({ frames: 1, p50: 8, p95: 8, fps: 0 });
});

it("keeps its window over a long time", () => {
  const stats = new FrameStats();
  for (let i = 0; i < 20_000; i++) stats.add(i * 10, i < 18_900 ? 100 : 7);
  const { frames, p50 } = stats.summary();
  expect(frames).toBe(1001);
  expect(p50).toBe(7);
});
