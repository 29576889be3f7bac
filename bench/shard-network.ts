/**
 * Ten shards as if on ten machines: each in a network namespace of its own, with an address, clocks and a link of its
 * own, against one server; then merged. With `idle COUNT`, as many connections as are wanted, which send one message and
 * stay open until all are there. Needs root, and the Debian packages iproute2 and faketime; leaves nothing behind.
 *
 *     npm run build && npm run bench -- shard-network
 *     npm run build && npm run bench -- shard-network idle 100000
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Report, reportSchema } from '../src/report/report-model.ts';
import { type Figure, figure } from './figure.ts';
import { type Link, type Network, openNetwork, whatIsMissing } from './shard-network/namespaces.ts';

export const about =
  'ten shards in network namespaces, with skewed clocks and slow links; or many idle connections';

const count = 10;
const port = 7_600;
/** Of the relays in each namespace: to the server, and to the first shard. */
const serverRelay = 7_700;
const meetingRelay = 7_701;
const meeting = 7_800;
const users = 200;
const loop = 20;
/** Links from 1 to 50 ms a way, some of which lose segments; clocks up to 40 ms off. */
const links: readonly Link[] = Array.from({ length: count }, (_, index) => ({
  delayMs: [1, 2, 5, 10, 15, 20, 25, 30, 40, 50][index]!,
  lossPercent: index % 3 === 2 ? 1 : 0,
}));
const clocksMs = [0, 12, -18, 25, -31, 40, -40, 7, -5, 33];
const cli = path.resolve(import.meta.dirname, '../dist/cli.js');

type Case = {
  name: string;
  /** How far ahead the clock of each shard is, milliseconds. */
  clocksMs: readonly number[];
  /** Whether shards meet at the first; else they start at an instant, and are merged. */
  meet?: true;
  /** The shard that is started when the others have begun; none if not given. */
  late?: number;
  verdict: Report['verdict'];
  /** What the report must say. */
  says: RegExp;
};

const farAhead = clocksMs.map((aheadMs, index) => (index === 6 ? 4_000 : aheadMs));
const together = /10 shards on 10 machines drove the load together/;
const cases: readonly Case[] = [
  { name: 'started at an instant, and merged', clocksMs, verdict: 'pass', says: together },
  { name: 'one of them with a clock 4 s ahead', clocksMs: farAhead, verdict: 'invalid', says: /apart/ },
  { name: 'one of them late', clocksMs, late: 3, verdict: 'invalid', says: /Shard 4 did not measure/ },
  { name: 'met at the first', clocksMs, meet: true, verdict: 'pass', says: together },
  { name: 'met, with a clock 4 s ahead', clocksMs: farAhead, meet: true, verdict: 'pass', says: together },
];

export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const missing = whatIsMissing();
  if (missing !== null) throw new Error(missing);
  const idle = args[0] === 'idle' ? Number(args[1] ?? 100_000) : null;
  await using stage = await openStage(
    idle === null ? links : links.map(() => ({ delayMs: 0, lossPercent: 0 })),
    idle,
  );
  return idle === null ? await manyMachines(stage) : await manyConnections(stage, idle);
};

async function manyMachines(stage: Stage): Promise<Figure[]> {
  process.stderr.write(
    stage.network.netem
      ? 'Links by tc netem.\n'
      : 'This kernel has no netem: the links are relays that delay every part, and hold back for 200 ms what would be sent again.\n',
  );
  stage.write(scenario({ users, seconds: 10, loop }), 'target: { ready: { type: http } }');
  await stage.startLinks();
  const figures: Figure[] = [];
  for (const one of cases) {
    const { report, text } = await runShards(stage, one, 35);
    const isRight = report.verdict === one.verdict && one.says.test(text);
    process.stderr.write(`${one.name}: ${report.verdict}${isRight ? '' : ', which is wrong'}\n${text}\n`);
    figures.push(
      figure(`${one.name}: ${one.verdict}, and why`, isRight ? 1 : 0, 'of 1', '>=', 1, 'what must be said'),
    );
    if (one.verdict !== 'pass') continue;
    const { skewMs, errorMs } = startsIn(text);
    const spreadMs = Math.max(...one.clocksMs) - Math.min(...one.clocksMs);
    const peer = `clocks ${spreadMs} ms apart, known to within ${errorMs} ms`;
    figures.push(figure(`${one.name}: skew of the start`, skewMs, 'ms', '<=', one.meet ? 50 : 1_000, peer));
    const sent = report.suites[0]?.counters['messages.sent']?.head ?? 0;
    figures.push(figure(`${one.name}: messages`, sent, 'messages', '>=', users * loop, 'as planned'));
  }
  return figures;
}

/** How far apart shards began, and by how much that may be wrong, milliseconds. */
function startsIn(text: string): { skewMs: number; errorMs: number } {
  const [, skewMs, given, agreed] =
    /started within ([\d.]+) ms(?: \(give or take ([\d.]+) ms\)|, by clocks that agree to within ([\d.]+) ms)/.exec(
      text,
    ) ?? [];
  return { skewMs: Number(skewMs), errorMs: Number(given ?? agreed) };
}

async function manyConnections(stage: Stage, connections: number): Promise<Figure[]> {
  const seconds = Math.ceil(connections / 600);
  stage.write(
    scenario({ users: connections, seconds, loop: 1, stayOpenMs: (seconds + 15) * 1_000 }),
    'target: { ready: { type: http, timeoutMs: 60000 } }',
  );
  const memory = setInterval(
    () => void stage.counts().then((now) => process.stderr.write(`${now.open} open\n`)),
    15_000,
  );
  const { report, text } = await runShards(
    stage,
    { name: 'idle', clocksMs: clocksMs.map(() => 0), verdict: 'pass', says: together },
    60,
  );
  clearInterval(memory);
  const { peak, opened, broken } = await stage.counts();
  process.stderr.write(`${report.verdict}\n${text}\n`);
  const [suite] = report.suites;
  const head = (name: string): number => suite?.counters[name]?.head ?? Number.NaN;
  const peer = `${count} shards on one machine of ${os.availableParallelism()} cores`;
  return [
    figure('connections at once, as the server counts them', peak, 'connections', '>=', connections, peer),
    figure('users that failed', head('users.failed') + head('errors'), 'users', '<=', 0, peer),
    figure('connections that broke', head('disconnects') + broken, 'connections', '<=', 0, peer),
    figure(
      'messages that were not answered',
      opened - head('messages.sent') + head('messages.unanswered'),
      'messages',
      '<=',
      0,
      peer,
    ),
    figure(
      'memory of all generators, peak',
      (suite?.generator?.peakRssBytes ?? Number.NaN) / 1e9,
      'GB',
      '<=',
      4,
      peer,
    ),
    figure('start skew by the clock of the server', startsIn(text).skewMs, 'ms', '<=', 1_000, peer),
  ];
}

/** Every user sends messages that are answered; with `stayOpenMs`, it stays until that long after the start of the load. */
const scenario = ({
  users,
  seconds,
  loop,
  stayOpenMs,
}: {
  users: number;
  seconds: number;
  loop: number;
  stayOpenMs?: number;
}): string =>
  JSON.stringify({
    config: {
      phases: [{ duration: seconds, arrivalCount: users }],
      ...(stayOpenMs === undefined ? {} : { processor: './stay.cjs', variables: { stayOpenMs } }),
    },
    scenarios: [
      {
        engine: 'ws',
        flow: [
          {
            loop: [{ send: { type: 'hello' }, response: true }, ...(loop > 1 ? [{ think: '100ms' }] : [])],
            count: loop,
          },
          ...(stayOpenMs === undefined
            ? []
            : [{ function: 'untilAllAreThere' }, { think: '{{ restMs }}ms' }]),
        ],
      },
    ],
  });

/** The first user of a process arrives when the load starts. */
const processor = `let startedAt = null;
exports.untilAllAreThere = (context, events, done) => {
  startedAt ??= performance.now();
  context.vars.restMs = Math.max(1000, Math.round(context.vars.stayOpenMs - (performance.now() - startedAt)));
  return done();
};`;

type Counts = { open: number; peak: number; opened: number; broken: number };

type Stage = AsyncDisposable & {
  folder: string;
  network: Network;
  /** URL of the server in each namespace. */
  url: string;
  write(scenario: string, settings: string): void;
  startLinks(): Promise<void>;
  /** Starts a program in the namespace of a shard, by its clock. */
  inNamespace(
    index: number,
    aheadMs: number,
    args: readonly string[],
  ): Promise<{ code: number; said: string }>;
  counts(): Promise<Counts>;
};

/** The server here, and the namespaces. Everything ends with it, and when this process is told to end. */
async function openStage(wanted: readonly Link[], idle: number | null): Promise<Stage> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'shard-network-'));
  const children = new Set<ChildProcess>();
  const network = openNetwork(wanted);
  const close = (): void => {
    for (const child of children)
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // It has ended.
      }
    network[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const stop = (signal: NodeJS.Signals): void => {
    close();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const own = (child: ChildProcess): ChildProcess => {
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const skewed = idle === null;
  try {
    const perServer = 15_000;
    const servers = Array.from({ length: Math.ceil((idle ?? 1) / perServer) }, () =>
      own(
        fork(path.join(import.meta.dirname, 'shard-network/server.ts'), [network.host, String(port)], {
          detached: true,
        }),
      ),
    );
    await Promise.all(servers.map((server) => once(server, 'message')));
    let url = `ws://${network.host}:${port}`;
    return {
      folder,
      network,
      get url() {
        return url;
      },
      write: (text, settings) => {
        writeFileSync(path.join(folder, 'load.yml'), text);
        writeFileSync(path.join(folder, 'stay.cjs'), processor);
        writeFileSync(
          path.join(folder, 'tailgate.yml'),
          `${settings}
suites: [{ name: load, scenario: load.yml }]
measure: { timeoutMs: 30000, arrivals: ${idle === null ? 'on-time' : 'best-effort'} }
thresholds: ["users.failed = 0", "errors = 0", "disconnects = 0", "unanswered = 0"]
baseline: { mode: none }
maxMinutes: 20
`,
        );
      },
      startLinks: async () => {
        if (network.netem) return;
        const script = path.join(import.meta.dirname, 'shard-network/slow-link.ts');
        const relay = async (index: number, from: number, host: string, to: number): Promise<void> => {
          const { delayMs, lossPercent } = wanted[index]!;
          const values = [from, host, to, delayMs, lossPercent, index + 1].map(String);
          const words = ['netns', 'exec', network.namespaces[index]!, process.execPath, script, ...values];
          const child = spawn('ip', words, {
            stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
            detached: true,
          });
          await once(own(child), 'message');
        };
        for (const index of wanted.keys()) {
          await relay(index, serverRelay, network.host, port);
          if (index > 0) await relay(index, meetingRelay, network.addresses[0]!, meeting);
        }
        url = `ws://127.0.0.1:${serverRelay}`;
      },
      inNamespace: async (index, aheadMs, args) => {
        // Where one machine ends and the next begins is told by the id of its boot.
        const boot = path.join(folder, `boot-${index}`);
        writeFileSync(boot, `machine-${index}`);
        const words = [
          ...['netns', 'exec', network.namespaces[index]!],
          ...['sh', '-c', 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', boot],
          ...(skewed ? ['faketime', '-f', `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1_000}s`] : []),
          ...[process.execPath, cli, ...args],
        ];
        const child = own(
          spawn('ip', words, {
            cwd: folder,
            env: { ...process.env, TAILGATE_RENDEZVOUS_TOKEN: 'a-token-of-this-bench' },
            stdio: ['ignore', 'pipe', 'pipe'],
            detached: true,
          }),
        );
        let said = '';
        for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (part) => (said += part));
        const [code] = await once(child, 'close');
        return { code: code ?? 1, said };
      },
      counts: async () => {
        const all = await Promise.all(
          servers.map(async (server) => {
            server.send('counts');
            return (await once(server, 'message'))[0] as Counts;
          }),
        );
        const sum = (of: (one: Counts) => number): number => all.reduce((total, one) => total + of(one), 0);
        return {
          open: sum(({ open }) => open),
          peak: sum(({ peak }) => peak),
          opened: sum(({ opened }) => opened),
          broken: sum(({ broken }) => broken),
        };
      },
      [Symbol.asyncDispose]: async () => close(),
    };
  } catch (failure) {
    close();
    throw failure;
  }
}

/** Drives all shards: they start so many seconds from now and are merged, or meet. Gives the report, and what it says. */
async function runShards(
  stage: Stage,
  { clocksMs: ahead, late, meet }: Case,
  inSeconds: number,
): Promise<{ report: Report; text: string }> {
  const shards = path.join(stage.folder, 'shards');
  rmSync(shards, { recursive: true, force: true });
  const startAt = Math.ceil(Date.now() / 1_000) + inSeconds;
  const { netem, addresses } = stage.network;
  const results = await Promise.all(
    ahead.map(async (aheadMs, index) => {
      if (index === late) await delay((inSeconds + 1) * 1_000);
      const reportDir = path.join(shards, String(index + 1));
      mkdirSync(reportDir, { recursive: true });
      const first =
        index === 0 || netem ? `tcp://${addresses[0]}:${meeting}` : `tcp://127.0.0.1:${meetingRelay}`;
      const start = meet ? ['--rendezvous', first] : ['--start-at', String(startAt)];
      const place = ['--shard', `${index + 1}/${count}`, ...start, '--report-dir', reportDir];
      return await stage.inNamespace(index, aheadMs, ['run', ...place, '--target', stage.url]);
    }),
  );
  for (const [index, { code, said }] of results.entries())
    if (code !== 0)
      process.stderr.write(
        `shard ${index + 1} ended with ${code}: ${said.trim().split('\n').slice(-3).join(' ')}\n`,
      );
  const json = path.join(stage.folder, meet ? 'shards/1/report.json' : 'merged.json');
  if (!meet) {
    const words = [cli, 'merge', shards, '--target', stage.url, '--json', json];
    const merge = spawn(process.execPath, words, {
      cwd: stage.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(merge, 'close');
  }
  const report = reportSchema.parse(JSON.parse(readFileSync(json, 'utf8')));
  const problems = [...report.problems, ...report.suites.flatMap((suite) => suite.problems)];
  const text = [
    ...problems.map(({ what }) => what),
    ...report.suites.flatMap(({ warnings }) => warnings),
  ].join('\n');
  return { report, text };
}
