import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, launchChromium } from '../../scripts/chromium.ts';

/**
 * Why a test in a browser cannot run here, or false. On a CI machine the browser must be there: a test that is skipped
 * where it counts proves nothing.
 */
export const browserMissing: string | false =
  existsSync(chromiumPath) || process.env.CI ? false : `${chromiumPath} is not installed`;

/** A browser with one page. */
export const startBrowser = async (): Promise<AsyncDisposable & { browser: Browser; page: Page }> => {
  const browser = await launchChromium();
  const page = await browser.newPage();
  return { browser, page, [Symbol.asyncDispose]: () => browser.close() };
};
