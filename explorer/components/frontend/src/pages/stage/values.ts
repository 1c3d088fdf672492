// Values of sliders as text: shown, and typed.
import { MAX_SLIDER } from "../../messages.gen";

/** A slider's value with its sign and two decimals. */
export const signed = (value: number): string =>
  value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;

/** Reads a typed value; null where it is no number from -MAX_SLIDER to MAX_SLIDER. */
export function readValue(text: string): number | null {
  const plain = text.trim().replace("\u2212", "-").replace(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  const value = Number(plain);
  return Math.abs(value) <= MAX_SLIDER ? value : null;
}
