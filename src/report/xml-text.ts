import { cleanLine, cleanLines } from './clean-text.ts';

/** Foreign text as one line of HTML or XML, in an element or an attribute. */
export const xmlText = (text: string, maxLength?: number): string => escapeMarkup(cleanLine(text, maxLength));

/** Foreign text of several lines as the content of an element. */
export const xmlLines = (text: string, maxLines?: number): string =>
  escapeMarkup(cleanLines(text, maxLines).join('\n'));

function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
