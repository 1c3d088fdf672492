// Types of styles.mjs, for its test.
import type { TransformOptions } from "esbuild";

export const TARGET: string[];
export const ROOTS: Record<string, string>;
export function scoped(css: string, root: string, options?: TransformOptions): Promise<string>;
export function styleSheet(name: string): Promise<string>;
export function allStyles(): Promise<string>;
