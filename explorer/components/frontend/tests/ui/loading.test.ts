// Pictures of a gallery or of paths: something stands in their place until all are here, or it is said that they are not.
import { expect, it, vi } from "vitest";
import type { Loading } from "../../src/ui/loading";
import { waitForSheets } from "../../src/ui/loading";

function sheet() {
  const on = { ready: () => {}, failed: () => {} };
  return {
    on,
    ready: (run: () => void) => {
      on.ready = run;
    },
    failed: (run: () => void) => {
      on.failed = run;
    },
  };
}

it("ends with the last sheet, and says when one cannot be had", () => {
  const shown = { wait: vi.fn(), end: vi.fn(), fail: vi.fn() };
  const [first, second] = [sheet(), sheet()];
  waitForSheets(shown as unknown as Loading, [first, second]);
  expect(shown.wait).toHaveBeenCalledOnce();
  first.on.ready();
  second.on.failed();
  expect(shown.end).not.toHaveBeenCalled();
  expect(shown.fail).toHaveBeenCalledExactlyOnceWith("The pictures could not be loaded.");
  second.on.ready();
  expect(shown.end).toHaveBeenCalledOnce();
});
