import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PageScript } from '../report/html-page.ts';

/**
 * The script of the page, which the build puts beside the programs; null where it is not there, as when the sources run
 * as they are: the page is whole without it.
 */
export function pageScript(): PageScript | null {
  try {
    const text = readFileSync(new URL('./report-page.js', import.meta.url), 'utf8').trim();
    return { text, hash: `sha256-${createHash('sha256').update(text).digest('base64')}` };
  } catch {
    return null;
  }
}
