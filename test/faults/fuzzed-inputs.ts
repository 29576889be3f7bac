import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { formatRecord, parseRecord } from '../../src/baseline/record-format.ts';
import {
  BinaryAssembler,
  ProtocolError,
  parsePayload,
  parseTextPacket,
} from '../../src/engines/socketio/wire/packet.ts';
import { StompDecoder } from '../../src/engines/stomp/stomp-decoder.ts';
import { StompProtocolError } from '../../src/engines/stomp/stomp-frame.ts';
import { problemsOf } from '../../src/errors.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import { parseThreshold, thresholdLines } from '../../src/metrics/threshold-grammar.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { validateCommand } from '../../src/run/validate-command.ts';
import { recordOf } from '../baseline/records.ts';

const root = path.resolve(import.meta.dirname, '../..');
const slowMs = 5_000;

/** Fails for an error that is not one of those that the input may cause. */
const only = (work: () => unknown, ...expected: (new (...args: never[]) => Error)[]): void => {
  try {
    work();
  } catch (error) {
    if (expected.some((Kind) => error instanceof Kind)) return;
    const internal = problemsOf(error).find(({ exit }) => exit === 'internal');
    if (internal !== undefined) throw error;
  }
};

const pieces = [
  'null',
  '~',
  '[]',
  '{}',
  '""',
  '-1',
  '1e999',
  '.nan',
  '!!binary aGk=',
  '&a *a',
  '*none',
  '<<: *x',
  '{{ port }}',
  '{{',
  '\t',
  '\u202e',
  '---',
  '|',
  '"\\u0000"',
  '__proto__',
  'constructor',
  'x'.repeat(5_000),
];
/** A text with lines dropped, doubled, swapped, cut and replaced. */
const mutated = (text: string) =>
  fc
    .array(fc.record({ at: fc.nat(), how: fc.nat(6), piece: fc.constantFrom(...pieces), cut: fc.nat(200) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) => {
      const lines = text.split('\n');
      for (const { at, how, piece, cut } of changes) {
        const index = at % lines.length;
        const line = lines[index] ?? '';
        const changed = [
          [],
          [line, line],
          [line.slice(0, cut)],
          [`${line.split(':')[0]}: ${piece}`],
          [`  ${line}`],
          [line.trimStart()],
          [`${piece}: ${line.trim()}`, line],
        ][how]!;
        lines.splice(index, 1, ...changed);
      }
      return lines.join('\n');
    });
const damaged = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(), fc.constantFrom(...pieces, '9', '"', '}', ',')), { minLength: 1, maxLength: 5 })
    .map((changes) =>
      changes.reduce((result, [at, piece]) => {
        const index = at % (result.length + 1);
        return result.slice(0, index) + piece + result.slice(index + (at % 3));
      }, text),
    );

const token = fc.constantFrom(
  'chat',
  'ack',
  'p95',
  'p99.9',
  'errors',
  'rate',
  'lost',
  '*',
  '"a b"',
  '.',
  '<',
  '<=',
  '=',
  '>',
  '+',
  '-',
  '%',
  'ms',
  's',
  'MiB',
  'and',
  'baseline',
  '10',
  '1e400',
  '\u202e',
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data));
const stompPieces = fc.constantFrom(
  'MESSAGE\n',
  'content-length:5\n',
  'content-length:-1\n',
  'content-length:99999999999999999999\n',
  '\n',
  '\0',
  '\r\n',
  'a:b\n',
  ':\n',
  'x\\q:1\n',
  'body',
);

/** Runs `share` of 5,000 inputs of each kind; gives how many there were, and throws at the first that breaks something. */
export const fuzzInputs = async (share = 1): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  const check = <T>(
    name: string,
    runs: number,
    inputs: fc.Arbitrary<T>,
    work: (input: T) => unknown,
  ): void => {
    const numRuns = Math.ceil(runs * share);
    fc.assert(
      fc.property(inputs, (input) => {
        const since = performance.now();
        work(input);
        if (performance.now() - since > slowMs) throw new Error('it took too long');
      }),
      { numRuns, seed: 20_261_130 },
    );
    counts[name] = (counts[name] ?? 0) + numRuns;
  };
  check('thresholds', 600, fc.string({ unit: 'grapheme', maxLength: 60 }), (text) =>
    only(() => parseThreshold(text)),
  );
  check('thresholds', 600, fc.array(token, { maxLength: 12 }), (parts) =>
    only(() => parseThreshold(parts.join(' '))),
  );
  check('thresholds', 100, fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
    only(() => thresholdLines(text)),
  );
  check('frames', 800, fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
    only(() => parsePayload(parseTextPacket(`4${text}`)), ProtocolError);
    only(() => new BinaryAssembler().add(`45${text}`), ProtocolError);
  });
  check(
    'frames',
    800,
    fc.array(
      fc.oneof(
        stompPieces.map((text) => Buffer.from(text)),
        bytes,
      ),
      { maxLength: 12 },
    ),
    (parts) => {
      const decoder = new StompDecoder({ onFrame: () => {} });
      only(() => parts.map((part) => decoder.push(part)), StompProtocolError);
    },
  );
  const record = formatRecord(recordOf(1));
  check('records', 500, damaged(record), (text) => only(() => parseRecord(text)));
  check('records', 200, fc.json(), (text) => only(() => parseRecord(text)));
  const report = readFileSync(path.join(root, 'test/report/golden/first-run.json'), 'utf8');
  check('reports', 500, damaged(report), (text) => only(() => renderMarkdown(parseReport(text, 'r.json'))));
  check('reports', 100, fc.json(), (text) => only(() => renderMarkdown(parseReport(text, 'r.json'))));

  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-fuzz-'));
  try {
    const example = path.join(root, 'examples/chat-server');
    const settings = readFileSync(path.join(example, 'tailgate.yml'), 'utf8').replaceAll(
      /\.\.\/\.\.\/scenarios\/[\w-]+\.yml/g,
      's.yml',
    );
    const scenario = readFileSync(path.join(root, 'scenarios/chat-room.yml'), 'utf8');
    const validate = async (settingsText: string, scenarioText: string): Promise<void> => {
      writeFileSync(path.join(folder, 'tailgate.yml'), settingsText);
      writeFileSync(path.join(folder, 's.yml'), scenarioText);
      const stderr = { write: () => true, columns: 100 } as unknown as NodeJS.WriteStream;
      const host = createTerminalHost({
        env: process.env,
        cwd: folder,
        signal: AbortSignal.timeout(slowMs),
        stderr,
        stdout: stderr,
        live: createLiveLine(stderr),
      });
      const since = performance.now();
      try {
        await validateCommand({ host, print: () => {}, inputs: { source: 'cli', values: {} } } as never);
      } catch (error) {
        const wrong = problemsOf(error).find(({ exit }) => exit !== 'usage' && exit !== 'invalid');
        if (wrong !== undefined) throw error;
      }
      if (performance.now() - since > slowMs) throw new Error('it took too long');
    };
    const checkFiles = async (
      name: string,
      runs: number,
      inputs: fc.Arbitrary<string>,
      work: (text: string) => Promise<void>,
    ) => {
      const numRuns = Math.ceil(runs * share);
      await fc.assert(fc.asyncProperty(inputs, work), { numRuns, seed: 20_261_130 });
      counts[name] = numRuns;
    };
    await checkFiles('settings', 400, mutated(settings), (text) => validate(text, scenario));
    await checkFiles('scenarios', 400, mutated(scenario), (text) => validate(settings, text));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
};
