import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parse } from 'yaml';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { type Drive, type Driven, driveEvents } from '../init/drive-events.ts';
import type { FoundEvent } from '../init/find-events.ts';
import { firstSettings, firstWorkflow } from '../init/first-settings.ts';
import { type Project, readProject } from '../init/read-project.ts';
import { type FoundServer, startAndProbe } from '../init/start-and-probe.ts';
import { plural } from '../metrics/notation.ts';
import { decodeSessions } from '../record/decode-sessions.ts';
import type { Recording } from '../record/recording.ts';
import { openRelay } from '../record/relay.ts';
import { filesBeside, writeScenario } from '../record/write-scenario.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { gateCommand } from './gate-command.ts';
import { ignoreReportFolder } from './report-folder.ts';
import { validateCommand } from './validate-command.ts';
import { writeText } from './write-reports.ts';

export type InitCommand = Omit<Extract<CliRequest, { command: 'init' }>, 'command'> & {
  host: Host;
  print: (text: string) => void;
};

const settingsName = 'tailgate.yml';
const scenarioName = 'first';
/** Enough for a p95 where each user gives one value. */
const onceRate = 25;
const mostRecordings = 3;
const phases = [{ duration: 10, arrivalRate: 5 }];

type Scenario = {
  text: string;
  files: Record<string, string>;
  notes: string[];
  jwtClaims: Record<string, unknown> | null;
};

/**
 * `tailgate init`: reads the project, starts its server once, finds what it speaks, sends the events that its code handles,
 * writes settings, scenario and workflow of what it took, and runs them for ten seconds. Gives the exit code of that run.
 * Throws FILE_EXISTS and INIT_*.
 */
export const initCommand = async (command: InitCommand): Promise<number> => {
  const { host, print } = command;
  const beside = [`${scenarioName}.yml`, ...filesBeside(scenarioName)].map((file) => `load/${file}`);
  for (const file of [settingsName, ...beside])
    if (existsSync(path.join(host.cwd, file)) && !command.force)
      throw tailgateError('FILE_EXISTS', { path: file, command: 'init' });
  const project = await asked(command, readProject(host.cwd));
  if (project.starts.length === 0) throw tailgateError('INIT_NO_START', {});
  host.info(
    `Read ${[...project.sources, `the code: ${plural(project.code.events.length, 'event')}`].join(', ')}.`,
  );
  const reportDir = path.join(host.cwd, '.tailgate');
  await ignoreReportFolder(reportDir);
  const logPath = path.join(reportDir, 'init.log');
  const server = await startAndProbe(project, host.cwd, logPath, host.env, host.signal);
  if ('failures' in server) throw tailgateError('INIT_NO_SERVER', { failures: server.failures });
  const spoken = { socketio: 'Socket.IO', ws: 'WebSocket', stomp: 'STOMP' }[server.protocol];
  host.info(
    `"${server.start}" listens on port ${server.port}${server.fixedPort ? ', a fixed one,' : ''} and speaks ${spoken}.`,
  );
  let scenario: Scenario;
  try {
    scenario = await driven(project, server, host);
  } finally {
    await server.stop();
  }
  const measured = isMeasured(scenario.text);
  const workflow = firstWorkflow(project.ci, !server.fixedPort);
  const files: Record<string, string> = {
    [settingsName]: firstSettings(project, server, {
      scenario: `load/${scenarioName}.yml`,
      loses: scenario.text.includes('{{ $tag }}') && !scenario.text.includes('expect: unknown'),
      measured,
      jwtClaims: scenario.jwtClaims,
    }),
    [`load/${scenarioName}.yml`]: scenario.text,
    ...Object.fromEntries(Object.entries(scenario.files).map(([name, text]) => [`load/${name}`, text])),
  };
  const notes = [...scenario.notes];
  if (existsSync(path.join(host.cwd, workflow.path)) && !command.force)
    notes.push(`${workflow.path} exists, and is left as it is. What it needs:\n${workflow.text}`);
  else files[workflow.path] = workflow.text;
  // The settings come last: a run that finds them finds all that they name.
  for (const [name, text] of Object.entries(files).reverse())
    await writeText(path.join(host.cwd, name), text);
  await ignoreReports(host.cwd);
  print(`Wrote ${Object.keys(files).join(', ')}.\n${notes.map((note) => `Note: ${note}\n`).join('')}`);
  const config = { source: 'cli' as const, values: { config: settingsName } };
  await validateCommand({ host, print: () => {}, inputs: config });
  if (!command.run) return exitCodes.pass;
  return gateCommand({
    host,
    print,
    // What is here is installed already.
    inputs: { source: 'cli', values: { config: settingsName, baseline: 'none', build: 'node --version' } },
    files: {},
    github: null,
  });
};

/** Two questions on a terminal, with answers that Enter takes; none with --yes. */
async function asked({ yes, start, ci }: InitCommand, project: Project): Promise<Project> {
  const starts = start === undefined ? project.starts : [start];
  const known = { ...project, starts, ci: ci ?? project.ci };
  if (yes || !process.stdin.isTTY) return known;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const command =
      start ?? (await lines.question(`Which command starts the server? [${starts[0] ?? ''}] `)).trim();
    const system =
      ci ?? (await lines.question(`Where does it run: github, gitlab or jenkins? [${project.ci}] `)).trim();
    return {
      ...known,
      starts: command === '' ? starts : [command],
      ci: system === 'gitlab' || system === 'jenkins' || system === 'github' ? system : known.ci,
    };
  } finally {
    lines.close();
  }
}

/** What the server takes of the events in its code is tried first, and recorded when it is sent again. */
async function driven(project: Project, server: FoundServer, host: Host): Promise<Scenario> {
  const target = `http://127.0.0.1:${server.port}`;
  const { protocol } = server;
  const path = server.path.replace(/\/$/, '');
  // Behind it, SockJS speaks STOMP without frames of its own.
  const options =
    protocol === 'socketio' ? '' : protocol === 'stomp' && server.sockjs ? `${path}/websocket` : path;
  const topic = project.code.topics[0] ?? '/topic/tailgate';
  const sent = eventsFor(protocol, project.code, topic);
  const { handshake } = project;
  const signs = handshake.jwt === null || handshake.jwt.env !== null;
  const drive: Drive = {
    protocol,
    topic,
    url: `${target}${options}`,
    path: protocol === 'socketio' ? path : '',
    // Nobody can sign without the secret.
    handshake: signs ? handshake : { ...handshake, auth: {}, headers: {} },
    revive: server.revive,
  };
  const tried = await driveEvents(drive, sent);
  if (tried.refusal !== null)
    throw tailgateError('INIT_REFUSED', { reason: tried.refusal, jwt: handshake.jwt });
  const recording = await recorded(target, options, drive, sent, tried);
  const written = writeScenario(decodeSessions(recording), [], {
    target,
    name: scenarioName,
    phases,
  });
  const text = isMeasuredOften(written.text)
    ? written.text
    : written.text.replace(/arrivalRate: \d+/, `arrivalRate: ${onceRate}`);
  host.info(
    `The server took ${tried.taken.length === 0 ? 'none of them' : tried.taken.join(', ')}${tried.refused.length === 0 ? '' : `; it refused ${tried.refused.join(', ')}`}.`,
  );
  return {
    ...written,
    text,
    jwtClaims: written.jwtClaims === null ? null : (handshake.jwt?.claims ?? written.jwtClaims),
    notes: [
      ...written.notes,
      ...tried.refused.map(
        (name) =>
          `The server refused "${name}" with what its code suggests: record it with "tailgate record".`,
      ),
    ],
  };
}

/** What the server refuses after all, or takes only once, is not in the recording that is kept. */
async function recorded(
  target: string,
  path: string,
  drive: Drive,
  events: readonly FoundEvent[],
  tried: Driven,
): Promise<Recording> {
  for (let attempt = 1; ; attempt += 1) {
    // What an event did to the server is not what the recording begins with.
    await drive.revive?.();
    await using relay = await openRelay(target);
    const { refused, once } = await driveEvents({ ...drive, url: `${relay.url}${path}` }, events, tried);
    const isNew = refused.length > 0 || [...once].some((name) => !tried.once.has(name));
    if (!isNew || attempt === mostRecordings) return relay.recording;
    tried.taken = tried.taken.filter((name) => !refused.includes(name));
    tried.refused.push(...refused);
    for (const name of once) tried.once.add(name);
  }
}

/** Whether anything but connecting is timed. */
const isMeasured = (scenario: string): boolean =>
  /^\s+(acknowledge|response|delivery|receipt|waitFor):|\{\{ \$tag \}\}/m.test(scenario);

/** Whether each user gives many values, not one. */
const isMeasuredOften = (scenario: string): boolean => {
  const { scenarios } = parse(scenario) as { scenarios: { flow: { loop?: object[] }[] }[] };
  return scenarios.some(({ flow }) =>
    flow.some(({ loop = [] }) =>
      loop.some((step) => isMeasured(JSON.stringify(step)) || 'acknowledge' in step || 'response' in step),
    ),
  );
};

/** What the code handles of this protocol; a text where it does not tell, and the server does not read JSON. */
function eventsFor(protocol: FoundServer['protocol'], code: Project['code'], topic: string): FoundEvent[] {
  const spoken = ({ namespace }: FoundEvent): boolean =>
    protocol === 'socketio' ? namespace !== 'ws' && namespace !== 'stomp' : namespace === protocol;
  const events = code.events.filter(spoken);
  if (events.length > 0 || protocol === 'socketio' || (protocol === 'ws' && code.readsJson)) return events;
  const said = { namespace: protocol, acknowledged: false, does: 'say' } as const;
  return protocol === 'ws'
    ? [{ ...said, name: 'message', args: ['hello from tailgate'] }]
    : [{ ...said, name: topic, args: [{ text: 'hello from tailgate' }] }];
}

async function ignoreReports(folder: string): Promise<void> {
  const file = path.join(folder, '.gitignore');
  const text = await readFile(file, 'utf8').catch(() => '');
  if (/^\/?\.tailgate\/?$/m.test(text)) return;
  await writeText(file, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}.tailgate/\n`);
}
