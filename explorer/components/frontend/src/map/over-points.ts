// Computes over all points of a map without holding up the page: a worker does it where there are many.
import { type PointWork, type WorkAnswer, type WorkRequest, work } from "./point-work";
import script from "./point-worker?worker";
import { LOCAL_POINTS } from "./renderer";

/** Of the whole page: started when it is first needed, and null where workers cannot be had. */
let worker: Worker | null | undefined;
let serial = 0;
/** What the worker has not answered, in the order in which it was asked. */
const asked = new Map<number, { request: WorkRequest; done: (value: unknown) => void }>();

function start(): Worker | null {
  try {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const started = new Worker(address);
    started.onmessage = ({ data }: MessageEvent<WorkAnswer>) => {
      const { done } = asked.get(data.serial) ?? {};
      asked.delete(data.serial);
      done?.(data.value);
    };
    started.onerror = (event) => {
      event.preventDefault();
      started.terminate();
      worker = null;
      const left = [...asked.values()];
      asked.clear();
      for (const { request, done } of left) done(work(request));
    };
    return started;
  } catch {
    return null;
  }
}

/**
 * Calls a function of `pointWork`.
 *
 * Arguments:
 *   count: the number of points; few are worked on before this returns.
 *   done: takes the result; results come in the order in which they were asked for.
 */
export function overPoints<N extends keyof PointWork>(
  count: number,
  name: N,
  args: Parameters<PointWork[N]>,
  done: (value: ReturnType<PointWork[N]>) => void,
): void {
  if (count > LOCAL_POINTS && worker === undefined) worker = start();
  if (count <= LOCAL_POINTS || !worker) {
    done(work({ serial: 0, name, args }) as ReturnType<PointWork[N]>);
    return;
  }
  serial += 1;
  const request: WorkRequest = { serial, name, args };
  asked.set(serial, { request, done: done as (value: unknown) => void });
  worker.postMessage(request);
}

/** Asks for one thing after another of which only the last counts. */
export class Latest {
  private asked = 0;

  /** Results of what was asked before do not come any more. */
  ask<N extends keyof PointWork>(
    count: number,
    name: N,
    args: Parameters<PointWork[N]>,
    done: (value: ReturnType<PointWork[N]>) => void,
  ): void {
    this.cancel();
    const mine = this.asked;
    overPoints(count, name, args, (value) => {
      if (mine === this.asked) done(value);
    });
  }

  cancel(): void {
    this.asked += 1;
  }
}
