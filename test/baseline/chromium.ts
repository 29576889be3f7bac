import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/**
 * Why a test in a browser cannot run here, or false. On a CI machine the browser must be there: a test that is skipped
 * where it counts proves nothing.
 */
export const browserMissing: string | false =
  existsSync(executablePath) || process.env.CI ? false : `${executablePath} is not installed`;

/** Starts Debian's Chromium without a window. It reaches nothing but loopback. */
export const startBrowser = async (): Promise<AsyncDisposable & { page: import('playwright-core').Page }> => {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = await browser.newPage();
  return { page, [Symbol.asyncDispose]: () => browser.close() };
};
