// Builds each component's entry into one ES module under dist/; with --verify, compares instead of writing.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { scopedStyles, TARGET } from "./styles.mjs";
import { inlineWorkers } from "./workers.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));
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

async function bundle(name, outfile) {
  await build({
    absWorkingDir: root,
    entryPoints: [entries[name]],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    legalComments: "none",
    target: TARGET,
    plugins: [scopedStyles, inlineWorkers],
  });
}

async function verify(name) {
  const folder = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    await bundle(name, join(folder, `${name}.js`));
    const [fresh, committed] = await Promise.all([
      readFile(join(folder, `${name}.js`)),
      readFile(join(root, "dist", `${name}.js`)).catch(() => Buffer.alloc(0)),
    ]);
    if (!fresh.equals(committed)) {
      console.error(
        `dist/${name}.js is not what src builds to. Run \`npm run build\` and commit it.`,
      );
      process.exitCode = 1;
    } else console.log(`dist/${name}.js is what src builds to.`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(name) {
  const built = join(root, "dist", `${name}.js`);
  await bundle(name, built);
  console.log(`dist/${name}.js: ${((await readFile(built)).length / 1024).toFixed(1)} kB`);
}

const step = process.argv.includes("--verify") ? verify : write;
for (const name of Object.keys(entries)) await step(name);
