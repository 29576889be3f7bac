import { xmlText } from './xml-text.ts';

/** Colours have at least 4.5 : 1 contrast on their background in both modes. */
const style = `
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1f2328; --muted: #59636e; --line: #d1d9e0; --band: #f6f8fa;
  --baseline: #6e7781; --head: #0969da; --pass: #1a7f37; --fail: #cf222e; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --muted: #9198a1; --line: #3d444d;
  --band: #151b23; --baseline: #9198a1; --head: #58a6ff; --pass: #3fb950; --fail: #f85149; --warn: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 64px; max-width: 1180px; background: var(--bg); color: var(--fg);
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
.banner { border-left: 6px solid currentColor; padding: 4px 0 4px 16px; }
.banner p, .banner h1 span { color: var(--fg); }
.muted { color: var(--muted); }
.charts { display: flex; flex-wrap: wrap; gap: 20px; }
figure { margin: 0; max-width: 100%; } figcaption { font-weight: 600; font-size: 13px; }
figure svg { max-width: 100%; height: auto; }
.key::before { content: "●"; margin-right: 4px; } .key { margin-right: 12px; font-size: 13px; }
.key.baseline::before { color: var(--baseline); } .key.head::before { color: var(--head); }
details { margin: 8px 0; } summary { cursor: pointer; font-weight: 600; }
.problem { border: 1px solid var(--fail); border-radius: 6px; padding: 8px 16px; margin: 12px 0; }
li { margin: 3px 0; }
`;

/** A whole page from a foreign title and a body that is HTML already. It loads nothing and runs nothing. */
export const htmlPage = (title: string, body: string): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>${xmlText(title, 200)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
