import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../errors.ts';

/**
 * `npm start`: the gate on the embedded chat server, with nothing installed. Records a baseline, makes the server
 * slower on purpose, and shows what the gate says of it.
 */

const dist = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(dist);
const reportDir = path.join('.tailgate', 'demo');
const baseline = path.join(reportDir, 'baseline.jsonl');
/** Busy work in the chat handler, microseconds per message: what a careless change costs. */
const slowerMicros = '1500';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const children = new Set<ReturnType<typeof spawn>>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

/** Runs the command line as a user would, and gives its exit code. */
const tailgate = (args: string[], env: Record<string, string>): Promise<number> => {
  say(
    `\n$ ${Object.entries(env)
      .map(([name, value]) => `${name}=${value} `)
      .join('')}tailgate ${args.join(' ')}\n`,
  );
  const child = spawn(process.execPath, [path.join(dist, 'cli.js'), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  children.add(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve(code ?? (signal === null ? exitCodes.internal : exitCodes.cancelled));
    });
  });
};

const common = [
  'run',
  '--config',
  'examples/chat-server/tailgate.yml',
  '--start',
  'node dist/examples/chat-server.js',
  '--baseline',
  `file:${baseline}`,
];

const main = async (): Promise<number> => {
  rmSync(path.join(root, reportDir), { recursive: true, force: true });
  say('Tailgate gates pull requests on the performance of realtime servers.');
  say('Step 1 of 2: measure the example chat server and record the result as the baseline.');
  const first = await tailgate(
    [...common, '--record-baseline', 'always', '--report-dir', path.join(reportDir, 'before')],
    {},
  );
  if (first !== exitCodes.pass) {
    say(`\nThe baseline could not be recorded (exit code ${first}); the lines above say why.`);
    return first;
  }
  say(
    `\nStep 2 of 2: the same server, with ${Number(slowerMicros) / 1000} ms of careless work added to every chat message.`,
  );
  const second = await tailgate(
    [...common, '--record-baseline', 'never', '--report-dir', path.join(reportDir, 'after')],
    { CHAT_WORK_MICROS: slowerMicros },
  );
  if (second === exitCodes.cancelled) return second;
  const report = path.join(reportDir, 'after');
  say('');
  if (second === exitCodes.fail) {
    say(
      'In CI this step would have failed with exit code 1, and the required check would have blocked the merge.',
    );
  } else {
    say(
      `Tailgate was expected to fail this version, and ended with exit code ${second}. The lines above say why.`,
    );
  }
  say('Reports:');
  for (const name of ['report.md', 'report.html', 'report.json', 'junit.xml']) {
    if (existsSync(path.join(root, report, name))) say(`  ${path.join(report, name)}`);
  }
  return second === exitCodes.fail ? exitCodes.pass : second;
};

process.exitCode = await main();
