import { parse, stringify } from 'yaml';

/** What became of a script of another tool. */
export type Imported = {
  tool: 'Artillery' | 'k6' | 'JMeter';
  /** Files by name; `tailgate.yml` for a shell script, a scenario for the others. */
  files: Record<string, string>;
  /** What does not map, with its line in the script, in order. */
  left: { line: number; what: string }[];
};

/** Reads a file beside the script; null if there is none. */
export type ReadBeside = (name: string) => string | null;

/**
 * Takes over a shell script around `artillery run`, the WebSocket part of a k6 script, or the WebSocket samplers of a
 * JMeter plan, as far as they map. Null for anything else.
 */
export const importScript = (text: string, readBeside: ReadBeside): Imported | null => {
  if (/<jmeterTestPlan/.test(text)) return importJmeter(text);
  if (/from\s+['"]k6\/(?:experimental\/)?(?:ws|websockets)['"]/.test(text)) return importK6(text);
  if (/\bartillery\s+run\b/.test(text)) return importArtillery(text, readBeside);
  return null;
};

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
const inOrder = (left: Imported['left']): Imported['left'] => left.sort((a, b) => a.line - b.line);

/** A literal of JavaScript as a value; undefined for what only running it would tell. */
const literal = (text: string): unknown => {
  const plain = text.trim().replaceAll(/`([^`$]*)`/g, "'$1'");
  if (/[`$]|\b(?:process|__ENV|__VU|Math|Date|new)\b|\w\(|=>/.test(plain)) return undefined;
  const outside = plain.replaceAll(/'[^']*'|"[^"]*"/g, '""');
  const isName = (name: string | undefined): boolean => !['true', 'false', 'null', undefined].includes(name);
  const names = [...outside.matchAll(/(?:^|[:,[{]\s*)([A-Za-z_]\w*(?:\.\w+)*)\s*(?=[,}\]]|$)/g)];
  if (names.some(([, name]) => isName(name))) return undefined;
  try {
    // Objects of JavaScript are flow mappings of YAML, but for the blank behind a colon.
    return parse(plain.replaceAll(/([{,]\s*['"]?\w+['"]?):(?=\S)/g, '$1: '));
  } catch {
    return undefined;
  }
};

/** The text up to the bracket that closes the one before `start`. */
const untilClosed = (text: string, start: number): string => {
  let depth = 1;
  for (let at = start; at < text.length; at += 1) {
    if ('([{'.includes(text[at]!)) depth += 1;
    if (')]}'.includes(text[at]!)) depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
};

function importArtillery(text: string, readBeside: ReadBeside): Imported {
  const left: Imported['left'] = [];
  const suites: Record<string, unknown>[] = [];
  let start: string | undefined;
  let url: string | undefined;
  let room: Record<string, unknown> | undefined;
  const lines = text.replaceAll(/\\\n/g, '\\ ').split('\n');
  for (const [index, whole] of lines.entries()) {
    const line = index + 1 + (lines.slice(0, index).join('\n').match(/\\ /g)?.length ?? 0);
    const shown = whole.replaceAll('\\ ', ' ').trim();
    const run = /\bartillery\s+run\b(.*)$/.exec(shown);
    if (run !== null) {
      const words = [...run[1]!.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
        word.replaceAll(/^["']|["']$/g, ''),
      );
      const suite: Record<string, unknown> = {};
      for (let at = 0; at < words.length; at += 1) {
        const [flag = '', joined] = words[at]!.split(/=(.*)/s);
        const value = (): string => joined ?? words[++at] ?? '';
        if (['--environment', '-e'].includes(flag)) suite.environment = value();
        else if (['--variables', '-v'].includes(flag)) suite.variables = literal(value());
        else if (flag === '--overrides')
          suite.overrides = (literal(value()) as { config?: unknown } | undefined)?.config;
        else if (['--target', '-t'].includes(flag)) url = value();
        else if (['--output', '-o', '--quiet', '-q'].includes(flag))
          flag === '--quiet' || flag === '-q' || value();
        else if (/^(\||&&|;|>|2>)/.test(flag)) break;
        else if (flag.startsWith('-')) left.push({ line, what: `${flag} of "artillery run"` });
        else suite.scenario = flag;
      }
      suite.name = String(suite.scenario ?? 'load').replace(/^.*\/|\.\w+$/g, '');
      suites.push(suite);
      continue;
    }
    const [, background] = /^(.*\S)\s*&\s*$/.exec(shown) ?? [];
    if (background !== undefined) {
      const holder = /\bnode\s+([\w./-]*(?:room|owner|hold|host|session)[\w./-]*)/i.exec(background)?.[1];
      const held = holder === undefined ? null : roomOf(readBeside(holder));
      if (held !== null) {
        room = held.room;
        for (const what of held.left) left.push({ line, what: `${what} (in ${holder})` });
      } else if (holder === undefined && start === undefined)
        start = background.replace(/\s*(>|2>|&>).*$/, '').replace(/^nohup\s+/, '');
      else left.push({ line, what: shown });
      continue;
    }
    // What a readiness probe, the owner of the server and the report take the place of.
    if (
      /^(#|set -|sleep\b|kill\b|trap\b|wait\b|$|\w+=\$[!(]?!?\s*$|(npx\s+)?artillery report|fi$|done$|exit\b|echo\b|cd "\$)/.test(
        shown,
      )
    )
      continue;
    if (/^\w+=\$!/.test(shown)) continue;
    if (/wait-on|curl .*(health|ready)/.test(shown)) continue;
    left.push({ line, what: shown });
  }
  const settings = {
    suites,
    target: {
      ...(start === undefined ? {} : { start }),
      ...(url === undefined || start !== undefined ? {} : { url }),
    },
    ...(room === undefined ? {} : { room }),
  };
  if (start !== undefined && url !== undefined) {
    const port = /:(\d+)/.exec(url)?.[1];
    if (port !== undefined) Object.assign(settings.target, { port: Number(port) });
  }
  return { tool: 'Artillery', files: { 'tailgate.yml': stringify(settings) }, left: inOrder(left) };
}

/** The room that a script of Node opens and holds: what it connects with, and what it emits first. */
function roomOf(text: string | null): { room: Record<string, unknown>; left: string[] } | null {
  if (text === null) return null;
  const left: string[] = [];
  const emits = [...text.matchAll(/\.emit(?:WithAck)?\(\s*['"`]([\w:.-]+)['"`]\s*(,)?/g)].map((match) => {
    const given =
      match[2] === undefined
        ? ''
        : untilClosed(text, match.index! + match[0].length).split(/,\s*(?:\(|async|function|\w+\s*=>)/)[0]!;
    const data = given.trim() === '' ? undefined : literal(given);
    if (given.trim() !== '' && data === undefined) left.push(`the data of "${match[1]}": ${given.trim()}`);
    return { event: match[1]!, ...(data === undefined ? {} : { data }) };
  });
  const isEnd = ({ event }: { event: string }): boolean => /delete|close|end|destroy/i.test(event);
  const create = emits.find((emit) => !isEnd(emit));
  if (create === undefined) return null;
  const remove = emits.find(isEnd);
  for (const kind of ['auth', 'extraHeaders'])
    if (new RegExp(`\\b${kind}\\s*:`).test(text))
      left.push(`"${kind}" of its connection: set room.${kind === 'auth' ? 'auth' : 'headers'}`);
  return { room: { create, ...(remove === undefined ? {} : { delete: remove }) }, left };
}

function importK6(text: string): Imported {
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
  const duration = /\bduration\s*:\s*['"](\d+[smh])['"]/.exec(text)?.[1];
  const vus = Number(/\bvus\s*:\s*(\d+)/.exec(text)?.[1] ?? 1);
  const stages = [...text.matchAll(/\{\s*duration\s*:\s*['"](\d+[smh])['"]\s*,\s*target\s*:\s*(\d+)\s*\}/g)];
  // Users at a time are arrivals of as many, each staying for a session.
  const rate = (users: number): number => Math.max(0.1, Math.round((users * 10_000) / closesMs) / 10);
  let last = 1;
  const phases =
    stages.length === 0
      ? [{ duration: duration ?? 20, arrivalRate: rate(vus) }]
      : stages.map(([, length, target]) => {
          const phase = { duration: length!, arrivalRate: rate(last), rampTo: rate(Number(target)) };
          last = Number(target);
          return phase;
        });
  const target = isSocketIo ? url.replace(/^ws/, 'http').replace(/\/socket\.io.*$/, '') : url;
  const script = {
    config: { target, phases, ...(isSocketIo ? { socketio: { transports: ['websocket'] } } : {}) },
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

function importJmeter(text: string): Imported {
  const left: Imported['left'] = [];
  const flow: Record<string, unknown>[] = [];
  const config: Record<string, unknown> = {};
  let phases: object[] = [{ duration: 20, arrivalRate: 2 }];
  let count = 1;
  const template = (value: string): string => value.replaceAll(/\$\{(\w+)\}/g, '{{ $1 }}');
  const entities: Record<string, string> = {
    '&quot;': '"',
    '&apos;': "'",
    '&lt;': '<',
    '&gt;': '>',
    '&#xd;': '',
    '&#10;': '\n',
  };
  const plain = (value: string): string =>
    value
      .replaceAll(/&(?:quot|apos|lt|gt|#xd|#10);/g, (entity) => entities[entity]!)
      .replaceAll('&amp;', '&');
  const silent = /^(TestPlan|Arguments|hashTree|ResultCollector|LoopController|HeaderManager)$/;
  const elements = /<([\w.]+)\b[^>]*\btestclass="([^"]+)"[^>]*?(\/?)>/g;
  for (const match of text.matchAll(elements)) {
    if (/enabled="false"/.test(match[0])) continue;
    const kind = match[2]!.replace(/^.*\./, '');
    const end = match[3] === '/' ? match.index! : text.indexOf(`</${match[1]}>`, match.index);
    const body = text.slice(match.index, end);
    const prop = (name: string): string =>
      plain(new RegExp(`<\\w+Prop name="${name}">([^<]*)<`).exec(body)?.[1] ?? '');
    const skip = (what: string): void => void left.push({ line: lineAt(text, match.index!), what });
    const name = /testname="([^"]*)"/.exec(match[0])?.[1] ?? kind;
    const value = (data: string): unknown => {
      const rendered = template(data);
      try {
        return JSON.parse(rendered) as unknown;
      } catch {
        return rendered;
      }
    };
    const connectTo = (): void => {
      const server = prop('server');
      if (server === '' || config.target !== undefined) return;
      config.target = `${prop('TLS') === 'true' ? 'wss' : 'ws'}://${template(server)}:${template(prop('port') || '80')}${template(`/${prop('path').replace(/^\//, '')}`)}`;
    };
    switch (kind) {
      case 'ThreadGroup': {
        const users = Number(prop('ThreadGroup.num_threads')) || 1;
        const ramp = Math.max(1, Number(prop('ThreadGroup.ramp_time')) || 1);
        phases = [{ duration: ramp, arrivalCount: users }];
        count = Number(prop('LoopController.loops')) || 1;
        if (count === -1 || prop('ThreadGroup.scheduler') === 'true')
          skip('a thread group that runs for a time: set "phases"');
        break;
      }
      case 'OpenWebSocketSampler':
        connectTo();
        break;
      case 'RequestResponseWebSocketSampler':
        connectTo();
        flow.push({ send: value(prop('requestData')), response: true });
        break;
      case 'SingleWriteWebSocketSampler':
        connectTo();
        flow.push({ send: value(prop('requestData')) });
        break;
      case 'SingleReadWebSocketSampler':
        connectTo();
        flow.push({ wait: true });
        break;
      case 'CloseWebSocketSampler':
      case 'PingPongSampler':
        break;
      case 'ConstantTimer':
        flow.push({ think: `${Number(prop('ConstantTimer.delay')) || 0}ms` });
        break;
      case 'CSVDataSet':
        config.payload = {
          path: prop('filename'),
          fields: prop('variableNames').split(','),
          ...(prop('ignoreFirstLine') === 'true' ? { skipHeader: true } : {}),
        };
        break;
      default:
        if (!silent.test(kind)) skip(`${kind} "${name}"`);
    }
  }
  const steps = count > 1 ? [{ loop: flow, count }] : flow;
  const script = {
    config: { ...config, phases },
    scenarios: [{ name: 'JMeter', engine: 'ws', flow: steps }],
  };
  return { tool: 'JMeter', files: { 'scenario.yml': stringify(script) }, left: inOrder(left) };
}
