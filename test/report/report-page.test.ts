import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { buildPageScript } from '../../scripts/build.ts';
import type { PageScript } from '../../src/report/html-page.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import type { Report } from '../../src/report/report-model.ts';
import { browserMissing, startBrowser } from '../baseline/chromium.ts';
import { judgedReports } from './judged-report.ts';
import { sampleCapacity } from './sample-capacity.ts';

const asShipped = async (): Promise<PageScript> => {
  const text = (await buildPageScript('report-page')).trim();
  return { text, hash: `sha256-${createHash('sha256').update(text).digest('base64')}` };
};

/** With servers that were sampled, as a run has them. */
const sampled = (report: Report): Report => {
  for (const { timeline } of report.suites)
    for (const side of [timeline?.baseline, timeline?.head])
      if (side)
        side.server = {
          atMs: side.latency.atMs,
          cpuCores: side.latency.atMs.map((_, index) => 0.4 + 0.01 * (index % 9)),
          rssBytes: side.latency.atMs.map((_, index) => 8e7 + 1e5 * index),
          openFiles: side.latency.atMs.map(() => 120),
        };
  return report;
};

/** Texts whose contrast with what is behind them is below 4.5 to 1, as WCAG computes it. */
const faintTexts = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
      .map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = rgb(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] > 0) return colour;
      }
      return [255, 255, 255];
    };
    return [...document.querySelectorAll('body *')].flatMap((element) => {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
      if (!own || element.closest('script, style') || element.getClientRects().length === 0) return [];
      const style = getComputedStyle(element);
      const isDrawn = element.tagName === 'text';
      const [a, b] = [light(rgb(isDrawn ? style.fill : style.color)), light(behind(element))].sort();
      return (b + 0.05) / (a + 0.05) < 4.5 ? [element.tagName + ': ' + element.textContent.slice(0, 40)] : [];
    });
  })()`);

test('the page in a browser', { skip: browserMissing }, async (t) => {
  const script = await asShipped();
  await using browser = await startBrowser();
  const { page } = browser;
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  const show = async (html: string, width: number): Promise<void> => {
    await page.setViewportSize({ width, height: 800 });
    await page.route('http://page.test/**', (route) =>
      route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }),
    );
    await page.goto('http://page.test/');
  };
  const isTooWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth');
  const failed = renderHtml(sampled(judgedReports.fail!()), { script });

  await t.test('what the headline says is what the picture shows, and both are always in sight', async () => {
    assert.ok(failed.length < 1_500_000, `${failed.length} characters`);
    await show(failed, 1280);
    assert.match((await page.locator('h1').textContent())!, /fail chat\.delivery p50 got 19% slower/);
    const figure = page.locator('figure').first();
    assert.match((await figure.textContent())!, /Change of chat\.delivery p50, pair by pair/);
    await figure.locator('.plot').press('ArrowRight');
    for (let pair = 0; pair < 5; pair += 1) await figure.locator('.plot').press('ArrowRight');
    assert.match((await figure.locator('.reading').textContent())!, /^8 pairs · change \+19% \(\+[89]/);
    assert.ok((await figure.boundingBox())!.y < (await page.locator('table').first().boundingBox())!.y);
    await page.evaluate('scrollTo(0, 3000)');
    assert.ok(await page.locator('h1').evaluate((element) => element.getBoundingClientRect().top >= 0));
    assert.equal(await isTooWide(), false);
  });

  await t.test('charts answer: a side is switched off, time is zoomed', async () => {
    const figure = page.locator('figure', { hasText: 'Latency over time' });
    await figure.scrollIntoViewIfNeeded();
    await figure.locator('.plot canvas').waitFor();
    await figure.locator('.plot').press('ArrowRight');
    assert.match((await figure.locator('.reading').textContent())!, /baseline p50 .* head p95/);
    await figure.locator('button.key.baseline').click();
    await figure.locator('.plot').press('ArrowRight');
    assert.doesNotMatch((await figure.locator('.reading').textContent())!, /baseline/);
    const canvas = () =>
      figure.locator('canvas').evaluate((one) => (one as unknown as { toDataURL(): string }).toDataURL());
    const before = await canvas();
    await figure.locator('.plot').press('+');
    await page.waitForFunction(`document.querySelectorAll('figure canvas').length > 0`);
    await page.waitForTimeout(50);
    assert.notEqual(await canvas(), before);
  });

  await t.test('rows are sorted and filtered', async () => {
    const table = page.locator('details', { hasText: 'Every event' }).locator('table');
    const firstCell = () => table.locator('tbody tr').first().locator('td').first().textContent();
    const results = page.locator('table.searchable').first();
    // While charts are still being drawn, what is clicked may move.
    const change = results.locator('th', { hasText: 'Change' });
    for (let click = 0; click < 10 && (await change.getAttribute('aria-sort')) !== 'descending'; click += 1)
      await change.locator('button').click();
    assert.match((await results.locator('tbody tr').first().textContent())!, /\+25%/);
    await page.locator('input[type=search]').first().fill('ack');
    assert.equal(await results.locator('tbody tr:visible').count(), 3);
    assert.match((await firstCell())!, /chat\.delivery/);
  });

  await t.test('a search for the capacity shows every load, and nothing is cut at 1280 pixels', async () => {
    const report = sampleCapacity();
    await show(renderHtml(report, { script }), 1280);
    const cut = await page.evaluate(
      `[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length`,
    );
    assert.equal(cut, 0);
    const plot = page.locator('figure', { hasText: 'p95 by load' }).locator('.plot');
    const reading = page.locator('figure', { hasText: 'p95 by load' }).locator('.reading');
    const read: string[] = [];
    const loads = new Set([...report.head.levels, ...report.baseline!.levels].map(({ load }) => load));
    for (const _ of loads) {
      await plot.press('ArrowRight');
      read.push((await reading.textContent())!.split(' ')[0]!);
    }
    assert.deepEqual(
      read.map(Number),
      [...loads].sort((a, b) => a - b),
    );
  });

  for (const scheme of ['light', 'dark'] as const)
    await t.test(`narrow and ${scheme}: nothing scrolls sideways, everything can be read`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      for (const html of [failed, renderHtml(sampleCapacity(), { script })]) {
        await show(html, 400);
        assert.equal(await isTooWide(), false);
        assert.deepEqual(await faintTexts(page), []);
      }
    });

  await t.test('without scripts the drawings stand in the page', async () => {
    await show(renderHtml(judgedReports.fail!()), 400);
    assert.equal(await page.locator('script').count(), 0);
    assert.ok((await page.locator('figure svg[role=img]:visible').count()) >= 5);
    assert.match(
      (await page.locator('figure svg').first().getAttribute('aria-label'))!,
      /Change of chat\.delivery p50, pair by pair\. change: from \+19% to \+19%/,
    );
    assert.equal(await isTooWide(), false);
  });

  assert.deepEqual(problems, []);
});
