// Builds the components into dist/: an entry each, the chunks they share, one style sheet; --verify compares instead.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { allStyles, TARGET } from "./styles.mjs";
import { inlineWorkers } from "./workers.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
/** Component to its entry. */
const entries = {
  stage: "src/pages/stage/main.ts",
  compare: "src/pages/compare/main.ts",
  anatomy: "src/pages/anatomy/main.ts",
  codes: "src/pages/codes/main.ts",
  time: "src/pages/time/main.ts",
  pad: "src/pad/main.ts",
  paths: "src/paths/main.ts",
  samples: "src/samples/main.ts",
  shell: "src/shell/main.ts",
};

/**
 * Every file of dist/ by its name. Modules that several components use lie in chunks, so that a page has one of each;
 * the names of chunks and style sheet change with what is in them.
 */
async function bundle() {
  const styles = Buffer.from(await allStyles());
  const mark = createHash("sha256").update(styles).digest("hex").slice(0, 8).toUpperCase();
  const sheet = `styles-${mark}.css`;
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    legalComments: "none",
    target: TARGET,
    chunkNames: "chunk-[hash]",
    define: { STYLE_SHEET: JSON.stringify(sheet) },
    plugins: [inlineWorkers],
  });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [path.slice(dist.length + 1), contents]),
  );
  return files.set(sheet, styles);
}

async function verify() {
  const files = await bundle();
  const committed = await readdir(dist).catch(() => []);
  const wrong = committed.filter((name) => !files.has(name));
  for (const [name, contents] of files) {
    const found = await readFile(join(dist, name)).catch(() => Buffer.alloc(0));
    if (!found.equals(contents)) wrong.push(name);
  }
  if (wrong.length === 0) {
    console.log("dist/ is what src builds to.");
    return;
  }
  const says = `not what src builds to: ${wrong.join(", ")}`;
  console.error(`dist/ is ${says}. Run \`npm run build\` and commit it.`);
  process.exitCode = 1;
}

async function write() {
  const files = await bundle();
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist);
  let total = 0;
  for (const [name, contents] of files) {
    await writeFile(join(dist, name), contents);
    total += contents.length;
    console.log(`dist/${name}: ${(contents.length / 1024).toFixed(1)} kB`);
  }
  console.log(`all: ${(total / 1024).toFixed(1)} kB`);
}

await (process.argv.includes("--verify") ? verify() : write());
