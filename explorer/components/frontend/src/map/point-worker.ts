// The worker that computes over all points of a map.
import { type WorkAnswer, type WorkRequest, work } from "./point-work";

self.onmessage = ({ data }: MessageEvent<WorkRequest>) => {
  const answer: WorkAnswer = { serial: data.serial, value: work(data) };
  (self as unknown as Worker).postMessage(answer);
};
