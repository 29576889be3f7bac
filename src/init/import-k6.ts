import { stringify } from 'yaml';
import { type Imported, inOrder, lineAt, literal, untilClosed } from './script-text.ts';

/** The WebSocket part of a k6 script as a scenario. */
export function importK6(text: string): Imported {
  const left: Imported['left'] = [];
  const constants = new Map(
    [...text.matchAll(/\b(?:const|let|var)\s+(\w+)\s*=\s*(['"`])([^'"`$]*)\2/g)].map((match) => [
      match[1]!,
      match[3]!,
    ]),
  );
  const connect = /(?:ws\.connect|new WebSocket)\(\s*(?:(['"`])([^'"`]*)\1|(\w+))/.exec(text);
  const url = connect?.[2] ?? constants.get(connect?.[3] ?? '') ?? '';
  if (connect !== null && (url === '' || url.includes('${')))
    left.push({ line: lineAt(text, connect.index), what: `the URL ${connect[3] ?? url}` });
  const isSocketIo = url.includes('EIO=');
  const headers = headersOf(text, connect, left);
  const millis = (value: string): number => Number(value.replaceAll('_', '')) || 1_000;
  const closing = [...text.matchAll(/setTimeout\(/g)]
    .map((match) => untilClosed(text, match.index! + match[0].length))
    .find((given) => given.includes('close('));
  const slept = /\bsleep\((\d+)\)/.exec(text)?.[1];
  const closesMs = millis(
    /,\s*([\d_]+)\s*$/.exec(closing ?? '')?.[1] ?? (slept === undefined ? '10000' : `${slept}000`),
  );
  const sends = [...text.matchAll(/\.send(?:Binary)?\(/g)].flatMap((match) => {
    const at = match.index!;
    const given = untilClosed(text, at + match[0].length).trim();
    const json = /^JSON\.stringify\(([\s\S]*)\)$/.exec(given)?.[1];
    const value = literal(json ?? (constants.has(given) ? `'${constants.get(given)}'` : given));
    const frame =
      isSocketIo && typeof value === 'string' ? /^42(?:(\/[^,]+),)?(\d*)(\[.*\])$/s.exec(value) : null;
    if (isSocketIo && /^['"`](?:2probe|2|3|5|40)/.test(given)) return [];
    if (value === undefined || (isSocketIo && frame === null)) {
      left.push({ line: lineAt(text, at), what: `send(${given.slice(0, 80)})` });
      return [];
    }
    const before = text.slice(0, at);
    const interval = before.lastIndexOf('setInterval(');
    const every =
      interval !== -1 && at < interval + 12 + untilClosed(text, interval + 12).length
        ? /,\s*([\d_]+)\s*$/.exec(untilClosed(text, interval + 12))?.[1]
        : undefined;
    const step = frame === null ? { send: value } : socketIoStep(frame);
    return [
      every === undefined
        ? step
        : {
            loop: [step, { think: millis(every) / 1_000 }],
            count: Math.max(1, Math.floor(closesMs / millis(every))),
          },
    ];
  });
  for (const [pattern, what] of [
    [/\bcheck\(/g, 'check(): say what is expected in "match"'],
    [/\bthresholds\s*:/g, 'thresholds: set them in tailgate.yml'],
    [/\bhttp\.\w+\(/g, 'a request of k6/http'],
    [/\.on\(\s*['"]message['"]/g, 'on("message"): wait with "response", or watch with "delivery"'],
    [/__ENV\.\w+|__VU\b|__ITER\b/g, 'a variable of k6: use "{{ $env.NAME }}" or a payload column'],
    [/new (?:Trend|Counter|Rate|Gauge)\(/g, 'a metric of its own'],
  ] as const)
    for (const match of text.matchAll(pattern)) left.push({ line: lineAt(text, match.index!), what });
  const { phases, left: options } = loadOf(text, closesMs);
  left.push(...options);
  const target = isSocketIo ? url.replace(/^ws/, 'http').replace(/\/socket\.io.*$/, '') : url;
  const script = {
    config: {
      target,
      phases,
      ...(isSocketIo
        ? { socketio: { transports: ['websocket'], ...(headers === null ? {} : { extraHeaders: headers }) } }
        : headers === null
          ? {}
          : { ws: { headers } }),
    },
    scenarios: [{ name: 'k6', engine: isSocketIo ? 'socketio' : 'ws', flow: sends }],
  };
  return { tool: 'k6', files: { 'scenario.yml': stringify(script) }, left: inOrder(left) };
}

function socketIoStep([, namespace, id, json]: RegExpExecArray): Record<string, unknown> {
  const [channel, ...args] = JSON.parse(json!) as [string, ...unknown[]];
  return {
    emit: args.length === 1 ? { channel, data: args[0] } : args.length === 0 ? [channel] : { channel, args },
    ...(namespace === undefined ? {} : { namespace }),
    ...(id === '' ? {} : { acknowledge: {} }),
  };
}

/** The headers that a connection is opened with; what else its parameters say is left. */
function headersOf(
  text: string,
  connect: RegExpExecArray | null,
  left: Imported['left'],
): Record<string, unknown> | null {
  if (connect === null) return null;
  const line = lineAt(text, connect.index);
  const given = untilClosed(text, connect.index + connect[0].length).replace(/^\s*,\s*/, '');
  const named = /^(\w+)\s*(?:,|$)/.exec(given)?.[1];
  if (given.trim() === '' || named === 'null' || /^(async\b|function\b|\(|\w+\s*=>)/.test(given)) return null;
  const declared = named === undefined ? -1 : text.search(new RegExp(`\\b${named}\\s*=\\s*\\{`));
  const open = declared === -1 ? given : text.slice(text.indexOf('{', declared));
  const source = open.startsWith('{') ? untilClosed(open, 1) : null;
  const parameters = source === null ? undefined : literal(`{${source}}`);
  if (typeof parameters !== 'object' || parameters === null) {
    left.push({
      line,
      what: `the parameters of the connection: ${(source ?? given.split(/,|\n/)[0]!).trim().slice(0, 80)}`,
    });
    return null;
  }
  const { headers, ...others } = parameters as { headers?: Record<string, unknown> };
  for (const key of Object.keys(others)) left.push({ line, what: `"${key}" of the connection` });
  return headers ?? null;
}

type Load = { phases: object[]; left: Imported['left'] };
type Stage = { seconds: number; target: number };

/**
 * The load of `options`: users at a time are arrivals of as many, each staying for a session of `closesMs`; iterations
 * a second are arrivals as they are. What stands for another load is left.
 */
function loadOf(text: string, closesMs: number): Load {
  const left: Imported['left'] = [];
  const skip = (at: number, what: string): void => void left.push({ line: lineAt(text, at), what });
  const written = (name: string): { text: string; at: number } | null => {
    const found = new RegExp(`\\b${name}\\s*:\\s*(['"]?)([^'",}\\s]+)\\1`).exec(text);
    return found === null ? null : { text: found[2]!, at: found.index };
  };
  const numberOf = (name: string): number | null => {
    const found = written(name);
    if (found === null) return null;
    const number = Number(found.text.replaceAll('_', ''));
    if (Number.isFinite(number)) return number;
    skip(found.at, `${name}: ${found.text}`);
    return null;
  };
  const secondsOf = (name: string): number | null => {
    const found = written(name);
    if (found === null) return null;
    const seconds = goDuration(found.text);
    if (seconds === null) skip(found.at, `${name}: ${found.text}`);
    return seconds;
  };
  const executors = [...text.matchAll(/\bexecutor\s*:\s*['"]([\w-]+)['"]/g)];
  for (const other of executors.slice(1)) skip(other.index, `a second scenario: executor ${other[1]}`);
  const executor = executors[0]?.[1];
  const known = ['constant-vus', 'ramping-vus', 'constant-arrival-rate', 'ramping-arrival-rate'];
  if (executor !== undefined && !known.includes(executor))
    skip(executors[0]!.index, `executor: ${executor}: set "phases"`);
  for (const name of ['iterations', 'startTime', 'maxDuration', 'gracefulStop', 'gracefulRampDown']) {
    const found = written(name);
    if (found !== null) skip(found.at, `${name}: ${found.text}`);
  }
  const perSecond = executor?.endsWith('arrival-rate') ?? false;
  const unit = perSecond ? (secondsOf('timeUnit') ?? 1) : 1;
  const rate = (of: number): number =>
    perSecond
      ? Math.round((of * 1_000) / unit) / 1_000
      : Math.max(of === 0 ? 0 : 0.1, Math.round((of * 10_000) / closesMs) / 10);
  const stages = stagesOf(text, skip);
  if (stages !== null) {
    let last =
      (perSecond ? numberOf('startRate') : (numberOf('startVUs') ?? numberOf('vus'))) ?? (perSecond ? 0 : 1);
    const phases = stages.map(({ seconds, target }) => {
      const [from, to] = [rate(last), rate(target)];
      last = target;
      if (seconds === 0) return null;
      return { duration: seconds, arrivalRate: from, ...(from === to ? {} : { rampTo: to }) };
    });
    return { phases: phases.filter((phase) => phase !== null), left };
  }
  const arrivalRate = rate(perSecond ? (numberOf('rate') ?? 1) : (numberOf('vus') ?? 1));
  return { phases: [{ duration: secondsOf('duration') ?? 20, arrivalRate }], left };
}

/** Null where there are none, or where one is not told by its text. */
function stagesOf(text: string, skip: (at: number, what: string) => void): Stage[] | null {
  const found = /\bstages\s*:\s*/.exec(text);
  if (found === null) return null;
  const start = found.index + found[0].length;
  const source = text[start] === '[' ? untilClosed(text, start + 1) : null;
  const listed =
    source === null ? undefined : literal(`[${source.replaceAll(/\/\/.*$/gm, '').replace(/,\s*$/, '')}]`);
  const stages = Array.isArray(listed)
    ? listed.map(({ duration, target }: { duration?: unknown; target?: unknown }): Stage | null => {
        const seconds = goDuration(String(duration));
        return seconds === null || typeof target !== 'number' ? null : { seconds, target };
      })
    : [null];
  if (!stages.includes(null)) return stages as Stage[];
  skip(
    found.index,
    `stages: ${(source ?? text.slice(start).split(/,|\n/)[0]!).replaceAll(/\s+/g, ' ').trim().slice(0, 80)}`,
  );
  return null;
}

/** Seconds of a duration as Go writes it, `1h30m`, `1.5s`, `500ms`; null for anything else. */
function goDuration(text: string): number | null {
  const units: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1, ms: 0.001 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[hms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return null;
  return parts.reduce((seconds, [, count, unit]) => seconds + Number(count) * units[unit!]!, 0);
}
