/** Shorter values are common words and numbers; masking them would garble the log without hiding anything. */
const minLength = 4;

/** How a secret can stand in text: as it is, in a URL, and within a JSON string. */
const formsOf = (value: string): Set<string> =>
  new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]);

/** Replaces known secrets in text. */
export class SecretMask implements Iterable<string> {
  #values = new Set<string>();

  /** Every line of a multi-line secret is a secret too, as the runner masks line by line. */
  add(value: string): void {
    for (const line of [value, ...value.split(/\r?\n/)]) {
      if (line.length >= minLength) this.#values.add(line);
    }
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#values.values();
  }

  mask(text: string): string {
    let masked = text;
    // Longest first, so that a secret that contains another leaves no remainder.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      for (const form of formsOf(value)) masked = masked.replaceAll(form, '***');
    }
    return masked;
  }
}
