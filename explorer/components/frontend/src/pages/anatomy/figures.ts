// The live figures of a code: what it costs, against what the mean costs.
import { h, setText } from "../../dom";
import type { Terms } from "./wire";

/** A figure for people: at most four digits that matter, a real minus sign. */
export function figure(value: number | null, decimals = 2): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? Math.min(1, decimals) : decimals;
  const text = size.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return value < 0 && Number(text.replaceAll(",", "")) !== 0 ? `−${text}` : text;
}

/** A difference with its sign. */
export const change = (value: number): string => {
  const text = figure(value);
  return text.startsWith("−") || Number(text.replaceAll(",", "")) === 0 ? text : `+${text}`;
};

interface Row {
  readonly element: HTMLElement;
  readonly value: HTMLElement;
  readonly change: HTMLElement;
}

function row(name: string, meaning: string, kind = ""): Row {
  const value = h("span", { class: "figure-value" }, "–");
  const changed = h("span", { class: "figure-change" });
  const element = h(
    "div",
    { class: `figure${kind ? ` ${kind}` : ""}`, title: meaning },
    h("span", { class: "figure-name" }, name),
    value,
    changed,
  );
  return { element, value, change: changed };
}

const NATS: Record<keyof Terms, [name: string, meaning: string]> = {
  reconstruction: [
    "−log p(x|z)",
    "Reconstruction term: how improbable the image is given this latent, in nats",
  ],
  log_p: ["log p(z)", "Log-density of this latent under the prior N(0, I), in nats"],
  log_q: ["log q(z|x)", "Log-density of this latent under this image's posterior, in nats"],
  log_weight: [
    "log p(x|z) + log p(z) − log q(z|x)",
    "One sample of the bound: its mean over the posterior is the ELBO, in nats",
  ],
};
const ORDER = ["reconstruction", "log_p", "log_q", "log_weight"] as const;

/** The table of figures under the pictures. */
export class Figures {
  private readonly rows = new Map<keyof Terms, Row>();
  private readonly mse = row(
    "Mean squared error",
    "Mean of (x − x̂)² over pixels in [0, 1], and the peak signal-to-noise ratio",
  );
  readonly element: HTMLElement;

  constructor() {
    for (const term of ORDER)
      this.rows.set(term, row(...NATS[term], term === "log_weight" ? "figure-sum" : ""));
    this.element = h(
      "div",
      { class: "figures", "data-testid": "figures" },
      h(
        "div",
        { class: "figures-head" },
        h("span", {}, "This latent"),
        h("span", { class: "figures-unit" }, "nats"),
        h(
          "span",
          { class: "figures-unit", title: "Compared with the posterior's mean" },
          "to mean",
        ),
      ),
      ...[...this.rows.values()].map((r) => r.element),
      this.mse.element,
    );
  }

  /** Whether nats can be told at all. */
  setLikelihood(likelihood: boolean): void {
    for (const { element } of this.rows.values()) element.hidden = !likelihood;
    this.element.classList.toggle("lx-plain", !likelihood);
  }

  show(terms: Terms | null, atMean: Terms | null): void {
    for (const [term, { value, change: changed }] of this.rows) {
      const now = terms?.[term] ?? null;
      const then = atMean?.[term] ?? null;
      setText(value, figure(now));
      setText(changed, now !== null && then !== null ? change(now - then) : "");
    }
  }

  showError(mse: number, psnr: number): void {
    setText(this.mse.value, mse < 1e-3 ? mse.toExponential(1).replace("-", "−") : mse.toFixed(4));
    setText(this.mse.change, `${psnr.toFixed(1)} dB`);
  }
}
