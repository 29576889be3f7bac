import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { AnyReport } from '../report/document-of.ts';
import type { PageScript } from '../report/html-page.ts';
import { renderHtml, waitingPage } from '../report/render-html.ts';
import { pageScript } from './page-script.ts';

/** Whoever looks on while a run is measured. */
export type Watcher = {
  /** What is going on, in a line. */
  progress(line: string): void;
  /** The report as it is now; `final` when the run is over: open pages take it, and ask no more. */
  show(report: AnyReport, final?: boolean): void;
};

/** The page of a run, served while it is measured. */
export type Dashboard = Watcher & AsyncDisposable & { url: string };

/** Of the line of progress where it need not fit a terminal, characters. */
const widestLine = 200;

/**
 * Shows what is going on, in a line as wide as there is room for, on the terminal or in the log, and to whoever looks
 * on. A log has no room for a line that says nothing yet: `inLog` is false for these.
 */
export function showLine(
  { host, watcher }: { host: Host; watcher?: Watcher | undefined },
  render: (columns: number) => string,
  inLog = true,
): void {
  if (inLog || host.interactive) host.progress(render(host.columns));
  watcher?.progress(render(widestLine));
}

/** The page of a command that was asked for one at this port; its address is in the log. Null where none was asked for. */
export async function openDashboard(
  port: number | undefined,
  host: Host,
  command: 'run' | 'capacity',
): Promise<Dashboard | null> {
  if (port === undefined) return null;
  const dashboard = await startDashboard(port, (text) => host.mask(text), pageScript(), command);
  host.info(`Dashboard: ${dashboard.url}`);
  return dashboard;
}

/** How long an open page may take to fetch the last state: it asks every two seconds. */
const lastLookMs = 3_000;

/**
 * Serves the page on the loopback address, at a free port if `port` is 0. Only who asks for that address is answered:
 * a page from elsewhere that a browser was led to believe is here is not. Throws ARGUMENTS_INVALID when the port is
 * taken. `mask` removes secrets.
 */
export async function startDashboard(
  port: number,
  mask: (text: string) => string,
  script: PageScript | null = pageScript(),
  command = 'run',
): Promise<Dashboard> {
  let line = 'starting';
  let version = 0;
  let report: AnyReport | null = null;
  let isOver = false;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let sawTheEnd = false;
  const server = createServer((request, response) => {
    const { host = '' } = request.headers;
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host) || request.method !== 'GET') {
      response.writeHead(403).end();
      return;
    }
    if ((request.url ?? '/').split('?')[0] !== '/') {
      response.writeHead(404).end();
      return;
    }
    askedAtMs = performance.now();
    sawTheEnd = isOver;
    const live = isOver ? null : { progress: line, version };
    response
      .writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      .end(mask(report === null ? waitingPage(script, line) : renderHtml(report, { script, live })));
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw tailgateError(
      'ARGUMENTS_INVALID',
      { command, problem: `--dashboard cannot be served at port ${port}: ${reason}` },
      {},
      failure,
    );
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    progress: (next) => {
      line = next;
    },
    show: (next, final = false) => {
      report = next;
      version += 1;
      isOver = final;
    },
    [Symbol.asyncDispose]: async () => {
      const until = performance.now() + lastLookMs;
      const isOpen = performance.now() - askedAtMs < lastLookMs;
      while (isOver && isOpen && !sawTheEnd && performance.now() < until) await delay(50);
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
