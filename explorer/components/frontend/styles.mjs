// Scopes a component's style sheet under its root, so that no rule reaches the rest of the page.
import { readFile } from "node:fs/promises";
import { transform } from "esbuild";

/** The oldest browsers that the components run in. */
export const TARGET = ["chrome111", "firefox114", "safari16.4"];

/** Style sheet, by its path under src/, to the root of what it styles. */
export const ROOTS = {
  "stage.css": ".lx-stage",
  "pages/anatomy/anatomy.css": ".lx-anatomy, .lx-divergence",
  "pages/codes/codes.css": ".lx-codes, .lx-code-samples",
  "pages/compare/compare.css": ".lx-compare",
  "pad/pad.css": ".lx-pad",
  "paths/paths.css": ".lx-ways",
  "samples/samples.css": ".lx-gallery",
  "shell/shell.css": ".lx-shell",
  "pages/time/time.css": ".lx-time",
};

const KEYFRAMES = /@keyframes[^{]+\{(?:[^{}]|\{[^{}]*\})*\}/g;

/**
 * Nests a style sheet under its root and writes the nesting out for browsers without it.
 *
 * A rule applies below the root; `&` stands for the root itself. The root adds no specificity.
 *
 * Arguments:
 *   css: the style sheet.
 *   root: selectors of the root, separated by commas.
 *   options: further options of esbuild's transform, such as `minify`.
 */
export async function scoped(css, root, options = {}) {
  const keyframes = css.match(KEYFRAMES) ?? []; // not allowed inside a rule
  const rules = css.replaceAll(KEYFRAMES, "");
  const { code } = await transform(`:where(${root}) {${rules}}\n${keyframes.join("\n")}`, {
    loader: "css",
    target: TARGET,
    supported: { nesting: false },
    ...options,
  });
  return code.trim();
}

/** A style sheet of `ROOTS`, minified and scoped. */
export async function styleSheet(name) {
  const css = await readFile(new URL(`src/${name}`, import.meta.url), "utf8");
  return scoped(css, ROOTS[name], { minify: true });
}

/** All style sheets of `ROOTS`, one after another: the one file that the components link. */
export async function allStyles() {
  return `${(await Promise.all(Object.keys(ROOTS).map(styleSheet))).join("\n")}\n`;
}
