// What is computed over all points of a map: at once for a few, in a worker for many.
import { shadeBy } from "./colours";
import { join, readBits } from "./select";
import { markPoints } from "./shade";

export const pointWork = { shadeBy, markPoints, join, readBits };
export type PointWork = typeof pointWork;

/** To the worker: a function's name and its arguments. */
export interface WorkRequest {
  serial: number;
  name: keyof PointWork;
  args: unknown[];
}

/** From the worker. */
export interface WorkAnswer {
  serial: number;
  value: unknown;
}

/** Calls a function by its name. */
export const work = ({ name, args }: WorkRequest): unknown =>
  (pointWork[name] as (...args: unknown[]) => unknown)(...args);
