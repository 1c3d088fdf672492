// The unit tests run in plain Node: what needs a browser is passed in as a small fake.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/**/*.test.{ts,mjs}"], environment: "node" },
});
