// Builds src/main.ts into the one ES module dist/stage.js; with --verify, compares instead of writing.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const target = ["chrome111", "firefox114", "safari16.4"];

/** Gives an imported style sheet as a minified string. */
const inlineCss = {
  name: "inline-css",
  setup(context) {
    context.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), {
        loader: "css",
        minify: true,
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle(outfile) {
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    legalComments: "none",
    target,
    plugins: [inlineCss],
  });
}

const built = join(root, "dist", "stage.js");
if (process.argv.includes("--verify")) {
  const folder = await mkdtemp(join(tmpdir(), "stage-"));
  try {
    await bundle(join(folder, "stage.js"));
    const [fresh, committed] = await Promise.all([
      readFile(join(folder, "stage.js")),
      readFile(built).catch(() => Buffer.alloc(0)),
    ]);
    if (!fresh.equals(committed)) {
      console.error("dist/stage.js is not what src builds to. Run `npm run build` and commit it.");
      process.exitCode = 1;
    } else console.log("dist/stage.js is what src builds to.");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
} else {
  await bundle(built);
  console.log(`dist/stage.js: ${((await readFile(built)).length / 1024).toFixed(1)} kB`);
}
