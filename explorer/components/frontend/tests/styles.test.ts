// A component's style sheet reaches nothing outside the component's root, and everything it names inside.
import { describe, expect, it } from "vitest";
import { ROOTS, scoped, styleSheet } from "../styles.mjs";

/** Selectors of all rules, without those of keyframes. */
function selectors(css: string): string[] {
  const rules = css.replaceAll(/@keyframes[^{]+\{(?:[^{}]|\{[^{}]*\})*\}/g, "");
  return [...rules.matchAll(/(?:^|[{}])([^{}@;]+)\{/g)].map(([, selector]) => selector.trim());
}

/** Splits a selector list at the commas outside parentheses. */
const members = (list: string): string[] => list.split(/,(?![^(]*\))/).map((one) => one.trim());

describe("scoped style sheets", () => {
  it.each(Object.entries(ROOTS))("keeps every rule of %s under %s", async (name, root) => {
    const css = await styleSheet(name);
    const found = selectors(css).flatMap(members);
    expect(found.length).toBeGreaterThan(0);
    const start = `:where(${root.replaceAll(", ", ",")})`;
    expect(found.filter((selector) => !selector.startsWith(start))).toEqual([]);
    expect(css).not.toContain("&");
  });

  it.each(Object.entries(ROOTS))("looks for no root of %s inside the root", async (name, root) => {
    const found = selectors(await styleSheet(name)).flatMap(members);
    const inside = root.split(", ").map((one) => new RegExp(`[ >+~]\\${one}(?![\\w-])`));
    expect(found.filter((selector) => inside.some((one) => one.test(selector)))).toEqual([]);
  });

  it("adds no specificity and keeps keyframes and container queries whole", async () => {
    const css = await scoped(
      "&.lx-a { color: red } .lx-b, .lx-c { color: blue } @keyframes k { 50% { opacity: 0 } }" +
        "@container c (max-width: 9px) { .lx-b { color: red } }",
      ".lx-a",
      { minify: true },
    );
    expect(css).toContain(":where(.lx-a).lx-a{color:red}");
    expect(css).toContain(":where(.lx-a) .lx-c{color:#00f}");
    expect(css).toMatch(/@container c \(max-width: ?9px\)\{:where\(\.lx-a\) \.lx-b\{color:red\}\}/);
    expect(css).toContain("@keyframes k{50%{opacity:0}}");
  });
});
