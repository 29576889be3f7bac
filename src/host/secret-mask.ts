/** Shorter values are common words and numbers; masking them would garble the log without hiding anything. */
const minLength = 4;
/** Shorter pieces of base64 stand in any text. */
const minBase64Length = 8;
/** Of so many values every form is looked for; of more, as of the tokens of thousands of users, the words themselves. */
const maxSearched = 200;
const word = /^[\w.~+/-]+=*$/;
/** How text is cut into what may be such a word. */
const cuts = [/[\w.~+/-]{4,}/g, /[\w.~-]{4,}/g, /[\w~-]{4,}/g];

/** The userinfo of any URL: who put it there did not mean it to be printed. */
const userinfo = /\b([a-z][a-z\d+.-]*:\/\/)[^\s/?#@"'<>]+@/gi;

const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);

/** The characters of base64 that a value always gives, at each place of it within three bytes. */
const inBase64 = (value: string): string[] => {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const end = (bytes.length + shift) % 3 === 0 ? encoded.length : encoded.length - 1;
    const sure = encoded.slice([0, 2, 3][shift], end);
    const url = sure.replaceAll('+', '-').replaceAll('/', '_');
    return sure.length < minBase64Length ? [] : [sure, url];
  });
};

const inXml = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');

/** How a secret can stand in text: as it is, in a URL, in XML, in base64, and within JSON within JSON within JSON. */
const formsOf = (value: string): string[] => {
  const once = inJson(value);
  const forms = [value, once, inJson(once)];
  // Node prints a text, which may be one of these, with its backslashes doubled alone.
  const printed = forms.map((form) => form.replaceAll('\\', '\\\\'));
  return [
    ...forms,
    ...printed,
    inJson(inJson(once)),
    encodeURIComponent(value),
    inXml(value),
    ...inBase64(value),
  ];
};

/** Replaces known secrets in text, and the userinfo of URLs. */
export class SecretMask implements Iterable<string> {
  #values = new Set<string>();
  #words = new Set<string>();
  /** Longest first, so that a secret that contains another leaves no remainder. */
  #forms: string[] | null = null;

  /** Every line of a multi-line secret is a secret too, as the runner masks line by line. */
  add(value: string): void {
    for (const line of [value, ...value.split(/\r?\n/)]) {
      if (line.length < minLength || this.#values.has(line)) continue;
      if (this.#values.size >= maxSearched && word.test(line)) this.#words.add(line.replace(/=+$/, ''));
      else {
        this.#values.add(line);
        this.#forms = null;
      }
    }
  }

  *[Symbol.iterator](): Iterator<string> {
    yield* this.#values;
    yield* this.#words;
  }

  mask(text: string): string {
    this.#forms ??= [...new Set([...this.#values].flatMap(formsOf))].sort((a, b) => b.length - a.length);
    let masked = text;
    for (const form of this.#forms) masked = masked.replaceAll(form, '***');
    if (this.#words.size > 0)
      for (const cut of cuts)
        masked = masked.replace(cut, (found) => (this.#words.has(found) ? '***' : found));
    return masked.includes('://') ? masked.replace(userinfo, '$1***@') : masked;
  }
}
