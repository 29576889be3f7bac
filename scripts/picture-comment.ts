/**
 * Draws the comment that a report gives on a pull request, as GitHub shows it:
 * `node scripts/picture-comment.ts REPORT.json docs/images/comment.png` writes the picture, and the comment's markdown
 * beside it. Needs a Chromium: CHROMIUM=/path/to/chromium, or /usr/bin/chromium.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { parseReport } from '../src/report/parse-report.ts';
import { renderMarkdown } from '../src/report/render-markdown.ts';
import { launchChromium } from './chromium.ts';

const [reportPath, picturePath] = process.argv.slice(2);
if (reportPath === undefined || picturePath === undefined) {
  process.stderr.write('node scripts/picture-comment.ts REPORT.json PICTURE.png\n');
  process.exit(2);
}

/** Sizes, colours and spacing of GitHub's light theme. */
const style = `
body { margin: 0; padding: 20px; background: #fff; color: #1f2328;
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif, "Noto Color Emoji"; }
.comment { width: 900px; border: 1px solid #d1d9e0; border-radius: 6px; }
.head { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0;
  color: #59636e; }
.head b { color: #1f2328; }
.bot { margin: 0 6px; padding: 0 7px; border: 1px solid #d1d9e0; border-radius: 2em; font-size: 12px; font-weight: 500; }
.body { padding: 16px; }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
h2 { margin: 24px 0 16px; padding-bottom: 7px; border-bottom: 1px solid #d1d9e0b3; font-size: 21px; line-height: 1.25; }
h3 { margin: 24px 0 16px; font-size: 17.5px; line-height: 1.25; }
p, ul, table, details, pre { margin: 0 0 16px; }
ul { padding-left: 28px; } li + li { margin-top: 3px; } ul ul { margin: 3px 0 0; }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; overflow: auto; }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0; } th { font-weight: 600; }
tr:nth-child(2n) td { background: #f6f8fa; }
code, pre { font: 85%/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }
code { padding: 0.2em 0.4em; background: #818b981f; border-radius: 6px; white-space: break-spaces; }
td code { white-space: nowrap; }
pre { padding: 16px; background: #f6f8fa; border-radius: 6px; } pre code { padding: 0; background: none; }
summary { cursor: pointer; } sub { font-size: 75%; vertical-align: baseline; } a { color: #0969da; }
`;

const markdown = renderMarkdown(parseReport(readFileSync(reportPath, 'utf8'), reportPath), {
  links: {
    repository: 'https://github.com/acme/chat',
    report: 'https://github.com/acme/chat/actions/runs/9172634455',
  },
});
const body = micromark(markdown, {
  allowDangerousHtml: true,
  extensions: [gfm()],
  htmlExtensions: [gfmHtml()],
});
const page = `<!doctype html><meta charset="utf-8"><style>${style}</style><div class="comment">
<div class="head"><b>github-actions</b><span class="bot">bot</span>commented 2 minutes ago</div>
<div class="body">${body}</div></div>`;

const browser = await launchChromium();
try {
  const tab = await browser.newPage({ viewport: { width: 960, height: 800 }, deviceScaleFactor: 2 });
  await tab.setContent(page);
  await tab.locator('.comment').screenshot({ path: picturePath });
} finally {
  await browser.close();
}
writeFileSync(picturePath.replace(/\.png$/, '.md'), markdown);
