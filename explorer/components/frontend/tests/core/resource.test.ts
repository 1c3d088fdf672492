// Fetching again: by itself, when the connection is back, and on demand.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { floats, Resource } from "../../src/core/resource";

vi.mock("../../src/address", () => ({ serverUrl: (path: string) => path }));

const answers: (() => Promise<Response>)[] = [];
const asked: string[] = [];
const bytes = (count: number) => async () => new Response(new Float32Array(count));
const status = (code: number) => async () => new Response("why", { status: code });
const broken = () => Promise.reject(new TypeError("Failed to fetch"));

function make() {
  const resource = new Resource<Float32Array>();
  const done = vi.fn();
  const failed = vi.fn();
  const load = (url: string) =>
    resource.load({ url, what: "The map", read: floats(2, "The map"), done, failed });
  return { resource, done, failed, load };
}

beforeEach(() => {
  vi.useFakeTimers();
  answers.length = 0;
  asked.length = 0;
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return (answers.shift() ?? bytes(2))();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const rest = () => vi.advanceTimersByTimeAsync(0);

it("fetches an address once, and another one when it is asked for", async () => {
  const { done, load } = make();
  load("/live/a");
  load("/live/a");
  await rest();
  load("/live/a");
  load("/live/b");
  await rest();
  expect(asked).toEqual(["/live/a", "/live/b"]);
  expect(done).toHaveBeenCalledTimes(2);
});

it("tries again by itself while the server is away", async () => {
  const { done, failed, load } = make();
  answers.push(broken, status(503));
  load("/live/a");
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toHaveLength(3);
  expect(done).toHaveBeenCalledOnce();
  expect(failed).not.toHaveBeenCalled();
});

it("says what has failed for good, and fetches it again when asked to", async () => {
  const { resource, done, failed, load } = make();
  answers.push(status(404));
  load("/live/a");
  await vi.advanceTimersByTimeAsync(5000);
  expect(failed).toHaveBeenCalledExactlyOnceWith("The map could not be loaded: why");
  resource.retry();
  await rest();
  expect(done).toHaveBeenCalledOnce();
  resource.retry();
  await rest();
  expect(asked).toHaveLength(2);
});

it("fetches at once what waits to be tried again when the connection is back", async () => {
  const { resource, done, load } = make();
  answers.push(broken);
  load("/live/a");
  await rest();
  resource.retry();
  await rest();
  expect(done).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toHaveLength(2);
});

it("says so when an answer has another length, and nothing of an address that was left", async () => {
  const { resource, done, failed, load } = make();
  answers.push(bytes(3));
  load("/live/a");
  await rest();
  expect(failed).toHaveBeenCalledExactlyOnceWith("The map has 12 bytes, not 8.");
  load("/live/b");
  resource.cancel();
  await rest();
  expect(done).not.toHaveBeenCalled();
});
