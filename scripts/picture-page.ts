/**
 * Draws the top of the page that a report gives: `node scripts/picture-page.ts REPORT.json docs/images/report.png`
 * (`--dark` for the dark one). Needs a Chromium: CHROMIUM=/path/to/chromium, or /usr/bin/chromium.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAnyReport } from '../src/report/parse-report.ts';
import { renderHtml } from '../src/report/render-html.ts';
import { buildPageScript } from './build.ts';
import { launchChromium } from './chromium.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { dark: { type: 'boolean' } },
});
const [reportPath, picturePath] = positionals;
if (reportPath === undefined || picturePath === undefined) {
  process.stderr.write('node scripts/picture-page.ts REPORT.json PICTURE.png [--dark]\n');
  process.exit(2);
}
const text = (await buildPageScript('report-page')).trim();
const script = { text, hash: `sha256-${createHash('sha256').update(text).digest('base64')}` };
const html = renderHtml(parseAnyReport(readFileSync(reportPath, 'utf8'), reportPath), { script });
const browser = await launchChromium();
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 1600 },
    colorScheme: values.dark ? 'dark' : 'light',
  });
  await page.route('http://page.test/**', (route) =>
    route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }),
  );
  await page.goto('http://page.test/');
  await page.locator('figure .plot canvas').first().waitFor();
  await page.waitForTimeout(300);
  await page.screenshot({ path: picturePath });
} finally {
  await browser.close();
}
