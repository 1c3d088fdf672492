// Bundles a module that is imported as "./NAME?worker" into the text of a worker's script.
import { relative, resolve } from "node:path";
import { build } from "esbuild";
import { TARGET } from "./styles.mjs";

/**
 * An esbuild plugin: the script travels inside its component's bundle and needs no address of its own. Its path is told
 * from the working directory of the build, as the hashes in the names of chunks contain it.
 */
export const inlineWorkers = {
  name: "inline-workers",
  setup(context) {
    const { absWorkingDir } = context.initialOptions;
    context.onResolve({ filter: /\?worker$/ }, ({ path, resolveDir }) => ({
      path: `${relative(absWorkingDir, resolve(resolveDir, path.slice(0, -"?worker".length)))}.ts`,
      namespace: "worker",
    }));
    context.onLoad({ filter: /.*/, namespace: "worker" }, async ({ path }) => {
      const { outputFiles } = await build({
        absWorkingDir,
        entryPoints: [path],
        bundle: true,
        minify: true,
        write: false,
        format: "iife",
        charset: "utf8",
        legalComments: "none",
        target: TARGET,
      });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};
