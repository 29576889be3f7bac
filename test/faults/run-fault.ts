import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../../src/report/report-model.ts';
import type { Fault, Given, Outcome } from './fault.ts';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'dist/cli.js');
const server = path.join(import.meta.dirname, 'misbehaving-server.mjs');
const goneWithinMs = 3_000;
const keptBytes = 4_000_000;

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merged = (base: unknown, over: unknown): unknown => {
  if (!isTree(base) || !isTree(over)) return over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over))
    result[key] = key in base ? merged(base[key], value) : value;
  return result;
};

const limitOf = { socketio: 'chat.ack.p95', ws: 'ping.response.p95', stomp: 'chat.receipt.p95' } as const;

const settingsOf = ({
  server: habit = 'well-behaved',
  engine = 'socketio',
  settings = {},
}: Given): object => ({
  ...(merged(
    {
      suites: [{ name: 's', scenario: 's.yml' }],
      target: {
        start: `exec "${process.execPath}" "${server}" ${habit}`,
        ready: { type: 'tcp', timeoutMs: 4_000 },
        ...(engine === 'socketio' ? {} : { url: 'ws://127.0.0.1:{{ port }}/ws' }),
      },
      room: false,
      baseline: { mode: 'none' },
      maxMinutes: 0.5,
      verdict: { minSamplesP50: 10, minSamplesP95: 10, minSamplesP99: 10 },
      // A busy machine is not what is tested.
      measure: { timeoutMs: 1_000, drainMs: 300, arrivals: 'best-effort' },
      thresholds: [`${limitOf[engine]} < 250ms`, 'errors.rate < 1%'],
    },
    settings,
  ) as object),
});

const flows = {
  socketio: [{ emit: { channel: 'chat', data: { a: 1 } }, acknowledge: {} }, { think: '40ms' }],
  ws: [{ send: { type: 'ping', n: 1 }, response: { where: { type: 'ping' } } }, { think: '40ms' }],
  stomp: [
    { send: { destination: '/topic/a', json: { a: 1 } }, receipt: true, metric: 'chat' },
    { think: '40ms' },
  ],
};

const scenarioOf = ({ engine = 'socketio', scenario = {} }: Given): unknown =>
  merged(
    {
      config: {
        phases: [{ duration: 1.5, arrivalRate: 8 }],
        ...(engine === 'socketio' ? { socketio: { transports: ['websocket'], reconnection: false } } : {}),
      },
      scenarios: [
        {
          engine,
          flow: [
            ...(engine === 'stomp' ? [{ subscribe: '/topic/a' }] : []),
            { loop: flows[engine], count: 4 },
          ],
        },
      ],
    },
    scenario,
  );

/** Processes of a fault that live: by its mark in their environment, or in their command line. */
export const processesOf = (mark: string): { pid: number; command: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const state = /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        const isOurs = environment.includes(`FAULT=${mark}`) || command.includes(`fault-${mark}`);
        return isOurs && state !== 'Z' ? [{ pid: Number(pid), command: command.slice(0, 120) }] : [];
      } catch {
        return [];
      }
    });

const leftOf = async (mark: string): Promise<string[]> => {
  const deadline = performance.now() + goneWithinMs;
  let left = processesOf(mark);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(50);
    left = processesOf(mark);
  }
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  return left.map(({ command }) => command);
};

const reportIn = (folder: string): Report | null => {
  for (const name of ['out.json', '.tailgate/report.json'])
    if (existsSync(path.join(folder, name)))
      return JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Report;
  return null;
};

/** Runs one fault in a folder of its own, which `use` may look into before it is removed. */
export const runFault = async <T>(
  fault: Pick<Fault, 'id' | 'given'>,
  use: (outcome: Outcome) => T,
): Promise<T> => {
  const given = fault.given ?? {};
  const folder = mkdtempSync(path.join(os.tmpdir(), `tailgate-fault-${fault.id}-`));
  const mark = randomUUID();
  try {
    writeFileSync(path.join(folder, 'tailgate.yml'), JSON.stringify(settingsOf(given), null, 1));
    writeFileSync(path.join(folder, 's.yml'), JSON.stringify(scenarioOf(given), null, 1));
    for (const [name, text] of Object.entries(given.files ?? {})) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    given.before?.(folder);
    const [command, args] =
      given.shell === undefined
        ? [process.execPath, [program, ...(given.args ?? ['run', '--json', 'out.json'])]]
        : ['/bin/bash', ['-c', given.shell.replaceAll('$TG', `"${process.execPath}" "${program}"`)]];
    const startedAt = performance.now();
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, FORCE_COLOR: '0', ...given.env, FAULT: mark },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let printed = '';
    const read = (part: Buffer): void => {
      if (printed.length < keptBytes) printed += part.toString('utf8');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const exited = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once('exit', (code, signal) => resolve([code, signal])),
    );
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, given.timeoutMs ?? 60_000);
    await given.during?.(child, folder);
    const [exit, signal] = await exited;
    clearTimeout(timer);
    const ms = performance.now() - startedAt;
    const left = await leftOf(mark);
    return use({ folder, exit, signal, ms, timedOut, printed, report: reportIn(folder), left });
  } finally {
    given.after?.(folder);
    rmSync(folder, { recursive: true, force: true });
  }
};

const textsIn = (folder: string): [name: string, text: string][] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const file = path.join(folder, name);
    const isOurs = name.startsWith('.tailgate') || name.startsWith('out.') || name.endsWith('.jsonl');
    if (!isOurs || !statSync(file).isFile()) return [];
    return [[name, readFileSync(file, 'utf8')]];
  });

/** Colours and the rewriting of a line are ours. */
const escapeCharacter = '\u001B';
const own = new RegExp(`${escapeCharacter}\\[[\\d;]*[mK]|[\\r\\n\\t]`, 'g');
const acting = /\p{Cc}|\p{Cf}/u;

/** What is wrong with an outcome, in words; nothing when all is right. */
export const wrongWith = (fault: Fault, outcome: Outcome): string[] => {
  const { exit, signal, report, left, printed, timedOut } = outcome;
  const wrong: string[] = [];
  const verdict = report?.verdict ?? null;
  if (timedOut) wrong.push(`it hangs (${Math.round(outcome.ms)} ms)`);
  const endsAsAsked = exit === null ? fault.endedBy?.includes(signal!) : fault.exits.includes(exit);
  if (endsAsAsked !== true) wrong.push(`exit ${exit ?? signal}`);
  if (!fault.verdicts.includes(verdict)) wrong.push(`verdict ${verdict}`);
  if (left.length > 0) wrong.push(`left: ${left.join(' | ')}`);
  const whole = `${printed}\n${JSON.stringify(report)}`;
  if (fault.says !== undefined && !fault.says.test(whole)) wrong.push(`does not say ${fault.says}`);
  const acts = acting.exec(printed.replaceAll(own, ''))?.[0];
  if (acts !== undefined) wrong.push(`prints U+${acts.codePointAt(0)?.toString(16)}`);
  if (/\bat .*\.js:\d+:\d+/.test(printed)) wrong.push('prints a stack');
  for (const secret of fault.hides ?? [])
    for (const [name, text] of [['output', printed] as const, ...textsIn(outcome.folder)])
      if (text.includes(secret)) wrong.push(`${secret} stands in ${name}`);
  const more = fault.also?.(outcome) ?? null;
  if (more !== null) wrong.push(more);
  return wrong;
};
