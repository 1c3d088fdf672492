// Readers that validate values of the server's answers; readers.gen.ts puts them together to those of its messages.
import type { Shape } from "../messages.gen";

const MAX_SIDE = 4096;

/** An answer that breaks the protocol; the message says which rule, `seq` which request it answers. */
export class WireError extends Error {
  override name = "WireError";
  seq: number | null = null;
}

export type Fields = Record<string, unknown>;

export function fail(rule: string): never {
  throw new WireError(`The server's answer is not valid: ${rule}.`);
}

// Readers: each takes a value of an answer and its name, and gives it typed or raises WireError.

export type Reader<T> = (value: unknown, name: string) => T;

export const string: Reader<string> = (value, name) =>
  typeof value === "string" ? value : fail(`${name} is not a string`);

export const boolean: Reader<boolean> = (value, name) =>
  typeof value === "boolean" ? value : fail(`${name} is not true or false`);

export const finite: Reader<number> = (value, name) =>
  typeof value === "number" && Number.isFinite(value) ? value : fail(`${name} is not a number`);

export const whole: Reader<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(`${name} is not a whole number`);

/** A gauge's percentile, 0 to 100; null where the model has no gauge. */
export const percentile: Reader<number | null> = (value, name) =>
  value === null ? null : Math.min(100, Math.max(0, finite(value, name)));

/** One of the choices that the server declares. */
export const choice =
  <T extends string>(choices: readonly T[]): Reader<T> =>
  (value, name) =>
    choices.find((known) => known === value) ?? fail(`${name} is unknown`);

/** Raises WireError unless a pattern matches every text. */
export function checkMatch(texts: readonly string[], pattern: RegExp, name: string): void {
  if (!texts.every((text) => pattern.test(text))) fail(`${name} is unknown`);
}

export const nullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, name) =>
    value == null ? null : read(value, name);

export const listOf =
  <T>(read: Reader<T>, length?: number): Reader<T[]> =>
  (value, name) => {
    if (!Array.isArray(value)) fail(`${name} is not a list`);
    if (length !== undefined) checkLength(value, length, name);
    return value.map((each) => read(each, name));
  };

/** Raises WireError unless a list has so many entries. */
export function checkLength(list: readonly unknown[], length: number, name: string): void {
  if (list.length !== length) fail(`${name} has ${list.length} entries, not ${length}`);
}

export const pairOf =
  <A, B>(first: Reader<A>, second: Reader<B>): Reader<[A, B]> =>
  (value, name) => {
    if (!Array.isArray(value) || value.length !== 2) fail(`${name} is not a pair`);
    return [first(value[0], name), second(value[1], name)];
  };

export const object: Reader<Fields> = (value, name) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : fail(`${name} is not an object`);

export const mapOf =
  <T>(read: Reader<T>): Reader<Record<string, T>> =>
  (value, name) =>
    Object.fromEntries(
      Object.entries(object(value, name)).map(([key, each]) => [key, read(each, key)]),
    );

/** Values by some of the names that the server declares; others are left out. */
export const partialOf =
  <N extends string, T>(names: readonly N[], read: Reader<T>): Reader<Partial<Record<N, T>>> =>
  (value, name) => {
    const fields = object(value, name);
    const found: Partial<Record<N, T>> = {};
    for (const key of names)
      if (fields[key] !== undefined) found[key] = read(fields[key], `${name}.${key}`);
    return found;
  };

/** The fields of a message; others that it has are left out. */
export type Schema<T> = { readonly [Name in keyof T]-?: Reader<T[Name]> };

/** Reads every field of a schema, in its order. */
export function record<T extends object>(schema: Schema<T>): Reader<T> {
  const readers = Object.entries(schema) as [string, Reader<unknown>][];
  return (value, name) => {
    const fields = object(value, name);
    const found: Fields = {};
    for (const [field, read] of readers) found[field] = read(fields[field], field);
    return found as T;
  };
}

export const shape: Reader<Shape> = (value, name) => {
  const [c, h, w] = listOf((side) => side, 3)(value, name);
  const side = (v: unknown) =>
    Number.isInteger(v) && (v as number) >= 1 && (v as number) <= MAX_SIDE;
  if (c !== 1 && c !== 3) fail("shape has neither 1 nor 3 channels");
  if (!side(h) || !side(w)) fail("shape has an impossible side");
  return [c, h as number, w as number];
};
