// A worker's script inside a bundle: the same bundle, by name and content, wherever the checkout lies.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { afterAll, expect, it } from "vitest";
import { inlineWorkers } from "../workers.mjs";

const folders = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function bundled(name) {
  const root = await mkdtemp(join(tmpdir(), name));
  folders.push(root);
  await mkdir(join(root, "src"));
  const shared = 'import text from "./worker?worker";\nexport const script = text;\n';
  await writeFile(join(root, "src", "shared.ts"), shared);
  await writeFile(join(root, "src", "worker.ts"), "self.postMessage(1 + 1);\n");
  for (const entry of ["one", "two"])
    await writeFile(
      join(root, "src", `${entry}.ts`),
      `import { script } from "./shared";\nconsole.log("${entry}", script);\n`,
    );
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/one.ts", "src/two.ts"],
    outdir: "dist",
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    chunkNames: "chunk-[hash]",
    plugins: [inlineWorkers],
  });
  return outputFiles.map(({ path, text }) => [relative(root, path), text]);
}

it("does not depend on where the checkout lies", async () => {
  const here = await bundled("a-");
  expect(here.map(([, text]) => text).join()).toContain("self.postMessage(2)");
  expect(await bundled("a-longer-name-")).toEqual(here);
});
