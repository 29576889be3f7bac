import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { loopbackAddressesOf } from '../engines/core/local-address.ts';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { readNamedFile } from '../host/pipe-files.ts';
import { plural } from '../metrics/notation.ts';
import { decodeSessions } from '../record/decode-sessions.ts';
import { readHar } from '../record/read-har.ts';
import type { Connection, Recording } from '../record/recording.ts';
import { openRelay } from '../record/relay.ts';
import { filesBeside, type WrittenScenario, writeScenario } from '../record/write-scenario.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { replayOnce } from './replay-once.ts';
import { writeText } from './write-reports.ts';

export type RecordCommand = Omit<Extract<CliRequest, { command: 'record' }>, 'command'> & {
  host: Host;
  print: (text: string) => void;
};

/**
 * `tailgate record`: makes a scenario of HAR files, each of which is a role, or of what goes through a relay; then runs it
 * once and says where the run differs from the recording. Throws RECORDING_* and FILE_* errors.
 */
export const recordCommand = async (command: RecordCommand): Promise<number> => {
  const { host, print } = command;
  const out = path.resolve(host.cwd, command.out);
  const name = path.basename(out).replace(/\.ya?ml$/, '');
  // Before anybody records: what was recorded would be lost.
  for (const file of [path.basename(out), ...filesBeside(name)]) {
    const place = path.join(path.dirname(command.out), file);
    if (!command.force && existsSync(path.resolve(host.cwd, place)))
      throw tailgateError('FILE_EXISTS', { path: place, command: 'record' });
  }
  const recording = command.hars.length > 0 ? await readHars(command) : await relayed(command);
  const sessions = decodeSessions(recording);
  if (sessions.every(({ messages }) => messages.length === 0))
    throw tailgateError('RECORDING_EMPTY', { url: command.target ?? command.hars.join(', ') });
  const written = writeScenario(sessions, recording.requests, {
    target: command.target,
    name,
  });
  await writeText(out, written.text);
  for (const [name, text] of Object.entries(written.files))
    await writeText(path.join(path.dirname(out), name), text);
  const settings = settingsOf(written, command.out, command.target ?? sessions[0]!.url);
  const writes = settings !== null && !existsSync(path.join(host.cwd, settingsName));
  if (writes) await writeText(path.join(host.cwd, settingsName), stringify(settings));
  print(
    summary(written, [command.out, ...Object.keys(written.files), ...(writes ? [settingsName] : [])], writes),
  );
  if (!command.replay || host.signal.aborted) return exitCodes.pass;
  const target = command.target ?? loopbackTarget(sessions[0]!.url);
  if (target === null) {
    print('Not replayed: the recording is of a server elsewhere. Name one of your own with --target.');
    return exitCodes.pass;
  }
  const replay = await replayOnce(written, target, host);
  print(
    replay.recorded === 0
      ? 'Replay: nothing was sent in the recording.'
      : `Replay: ${replay.repeated} of ${replay.recorded} messages were sent again, in order.`,
  );
  for (const difference of replay.differences) print(`  ${difference}`);
  return exitCodes.pass;
};

const settingsName = 'tailgate.yml';

/** Settings that the scenario cannot do without: the room that it joins, and how tokens are made. Null where it needs none. */
const settingsOf = (
  { room, jwtClaims }: WrittenScenario,
  scenario: string,
  url: string,
): Record<string, unknown> | null =>
  room === null && jwtClaims === null
    ? null
    : {
        suites: [{ name: path.basename(scenario).replace(/\.ya?ml$/, ''), scenario }],
        target: { url: /^[a-z]+:\/\/[^/?#]*/i.exec(url)![0].replace(/^ws/, 'http') },
        ...(room === null ? {} : { room }),
        ...(jwtClaims === null
          ? {}
          : { measure: { jwt: { secret: { env: 'JWT_SECRET' }, claims: jwtClaims } } }),
        thresholds: ['p95 < 500ms', 'errors.rate < 1%'],
      };

async function readHars({ hars, host }: RecordCommand): Promise<Recording> {
  const all: Recording = { connections: [], requests: [] };
  for (const file of hars) {
    const text = await readNamedFile(path.resolve(host.cwd, file)).catch((error: Error) => {
      throw tailgateError('FILE_UNREADABLE', { path: file, reason: error.message.split(',')[0]! }, {}, error);
    });
    const { connections, requests } = readHar(text, path.basename(file).replace(/\.\w+$/, ''), file);
    all.connections.push(...connections);
    all.requests.push(...requests);
  }
  // A HAR does not say when a connection ended: with the next one of its kind, or with the recording.
  const ends = (each: Connection): number => each.frames.at(-1)?.atMs ?? each.openedAtMs;
  const endMs = Math.max(0, ...all.connections.map(ends));
  for (const each of all.connections) {
    const next = all.connections.filter(
      ({ role, url, openedAtMs }) =>
        role === each.role && url.split('?')[0] === each.url.split('?')[0] && openedAtMs > ends(each),
    );
    each.closedAtMs ??= Math.min(endMs, ...next.map(({ openedAtMs }) => openedAtMs));
  }
  return all;
}

async function relayed({ target, port, seconds, host }: RecordCommand): Promise<Recording> {
  await using relay = await openRelay(target!, port);
  const until =
    seconds === undefined
      ? process.stdin.isTTY
        ? ', until you press Enter'
        : ', until a line on standard input or a signal ends it'
      : `, for ${seconds} s`;
  host.info(
    `Recording ${target}${until}.\nOpen ${relay.url} in the browser, in two windows for two users, or let a client connect there.`,
  );
  await ended(seconds, host.signal);
  const { connections, requests } = relay.recording;
  if (connections.length === 0 && !requests.some(({ url }) => url.includes('EIO=')))
    throw tailgateError('RECORDING_EMPTY', { url: relay.url });
  return relay.recording;
}

/** A line on standard input, the end of the time, or a signal: whichever comes first. */
async function ended(seconds: number | undefined, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const line = seconds === undefined ? createInterface({ input: process.stdin }) : null;
  line?.once('line', () => over.abort());
  await sleep(seconds === undefined ? 2 ** 31 - 1 : seconds * 1_000, undefined, { signal: either }).catch(
    () => {},
  );
  line?.close();
}

const loopbackTarget = (url: string): string | null => {
  const { protocol, host } = new URL(url);
  return loopbackAddressesOf(url) === null ? null : `${protocol.replace('ws', 'http')}//${host}`;
};

function summary(
  { roles, notes, jwtClaims, room }: WrittenScenario,
  files: readonly string[],
  hasSettings: boolean,
): string {
  const lines = [
    `Wrote ${files.join(', ')}.`,
    ...roles.map(
      ({ name, sessions, steps }) => `  role "${name}": ${plural(sessions, 'client')}, ${steps} messages`,
    ),
    ...notes.map((note) => `Note: ${note}`),
  ];
  if (room !== null)
    lines.push(
      'One client opened the room that the others joined: its owner is no role, and holds the room for the length of the load.',
      ...(hasSettings
        ? []
        : [`Add to ${settingsName}:`, stringify({ room }).trimEnd().replaceAll(/^/gm, '  ')]),
    );
  if (jwtClaims !== null && !hasSettings)
    lines.push(
      'Each user takes a token of its own, {{ $token }}. Say in tailgate.yml how it is made:',
      `  measure: { jwt: { secret: { env: JWT_SECRET }, claims: ${JSON.stringify(jwtClaims)} } }`,
    );
  return lines.join('\n');
}
