import { xmlText } from './xml-text.ts';

/** Colours have at least 4.5 : 1 contrast on their background in both modes. */
const style = `
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1f2328; --muted: #59636e; --line: #d1d9e0; --band: #f6f8fa;
  --baseline: #6e7781; --head: #0969da; --pass: #1a7f37; --fail: #cf222e; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --muted: #9198a1; --line: #3d444d;
  --band: #151b23; --baseline: #9198a1; --head: #58a6ff; --pass: #3fb950; --fail: #f85149; --warn: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 64px; max-width: 1320px; background: var(--bg); color: var(--fg);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 8px; }
h2 { font-size: 20px; margin: 40px 0 8px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 24px 0 8px; }
code, pre { font: 13px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { background: var(--band); padding: 1px 5px; border-radius: 5px; overflow-wrap: anywhere; }
pre { background: var(--band); padding: 12px; border-radius: 6px; overflow-x: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 8px 0 16px; }
th, td { padding: 5px 12px; border: 1px solid var(--line); text-align: left; vertical-align: top; }
th { background: var(--band); font-weight: 600; }
td code { white-space: nowrap; overflow-wrap: normal; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .inconclusive, .invalid { color: var(--warn); }
.verdict { font-weight: 600; white-space: nowrap; }
.banner { position: sticky; top: 0; z-index: 200; background: var(--bg); border-left: 6px solid currentColor;
  padding: 8px 0 8px 14px; border-bottom: 1px solid var(--line); }
.banner h1 { margin: 0; font-size: clamp(16px, 2.4vw, 22px); } .banner h1 span { color: var(--fg); }
.banner .verdict { text-transform: uppercase; font-size: 13px; letter-spacing: 0.04em; }
.muted { color: var(--muted); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 24px; margin: 16px 0; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; font-size: 13px; overflow-wrap: anywhere; }
.drawing svg { display: block; width: 100%; height: auto; }
.flame svg { display: block; width: 100%; min-width: 900px; height: auto; } figure.wide { grid-column: 1 / -1; }
.plot { min-width: 0; } .plot:focus-visible { outline: 2px solid var(--head); outline-offset: 2px; }
.reading { display: block; min-height: 1.5em; font-size: 13px; color: var(--muted); font-variant-numeric: tabular-nums; }
figure.live .drawing { display: none; }
@media print { figure.live .drawing { display: block; } .plot, .reading, .filter { display: none; } .banner { position: static; } }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
button.key { border: 1px solid var(--line); border-radius: 12px; padding: 0 10px; margin-bottom: 4px; }
button.key[aria-pressed="false"] { text-decoration: line-through; color: var(--muted); }
button.sort { font-weight: 600; } th[aria-sort="ascending"] button::after { content: " ↑"; }
th[aria-sort="descending"] button::after { content: " ↓"; }
button:focus-visible, input:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--head); outline-offset: 2px; }
input { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--muted); border-radius: 6px;
  padding: 4px 10px; max-width: 100%; }
#live { color: var(--muted); overflow-wrap: anywhere; }
.key::before { content: "●"; margin-right: 4px; } .key { margin-right: 12px; font-size: 13px; }
.key.baseline::before { color: var(--baseline); } .key.head::before { color: var(--head); }
details { margin: 8px 0; } summary { cursor: pointer; font-weight: 600; }
.problem { border: 1px solid var(--fail); border-radius: 6px; padding: 8px 16px; margin: 12px 0; }
li { margin: 3px 0; }
`;

/** The script of the page, and its hash as a policy names it ("sha256-..."). */
export type PageScript = { text: string; hash: string };

/** A page that is served while it is measured: what is going on, and the number of this state. */
export type LivePage = { progress: string; version: number };

/**
 * A whole page from a foreign title and a body that is HTML already. It loads nothing, and runs nothing but the script,
 * which its policy names by hash.
 */
export const htmlPage = (
  title: string,
  body: string,
  { script = null, live = null }: { script?: PageScript | null; live?: LivePage | null } = {},
): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';${script === null ? '' : ` script-src '${script.hash}';`}${live === null ? '' : " connect-src 'self';"} base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>${xmlText(title, 200)}</title>
<style>${style}</style>
</head>
<body${live === null ? '' : ` data-live data-version="${live.version}"`}>
${live === null ? '' : `<p id="live">${xmlText(live.progress, 300)}</p>\n`}<div id="report">
${body}
</div>${script === null ? '' : `\n<script>${script.text}</script>`}
</body>
</html>
`;
