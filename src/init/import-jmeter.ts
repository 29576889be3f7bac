import { stringify } from 'yaml';
import { type Imported, inOrder, lineAt } from './script-text.ts';

/** The WebSocket samplers of a JMeter plan as a scenario. */
export function importJmeter(text: string): Imported {
  const left: Imported['left'] = [];
  const flow: Record<string, unknown>[] = [];
  const config: Record<string, unknown> = {};
  let phases: object[] = [{ duration: 20, arrivalRate: 2 }];
  let count = 1;
  const template = (value: string): string => value.replaceAll(/\$\{(\w+)\}/g, '{{ $1 }}');
  const headers: Record<string, string> = {};
  const variables: Record<string, string> = {};
  const silent = /^(TestPlan|hashTree|ResultCollector|LoopController)$/;
  const elements = /<([\w.]+)\b[^>]*\btestclass="([^"]+)"[^>]*?(\/?)>/g;
  const { plan, others } = oneGroup(withoutDisabled(text));
  left.push(...others);
  for (const match of plan.matchAll(elements)) {
    const kind = match[2]!.replace(/^.*\./, '');
    const end = match[3] === '/' ? match.index! : endOf(plan, match.index!, match[1]!);
    const body = plan.slice(match.index, end);
    const prop = (name: string): string =>
      plain(new RegExp(`<\\w+Prop name="${name}">([^<]*)<`).exec(body)?.[1] ?? '');
    const skip = (what: string): void => void left.push({ line: lineAt(text, match.index!), what });
    const name = /testname="([^"]*)"/.exec(match[0])?.[1] ?? kind;
    /** A property of JMeter's command line has its default, and is told. */
    const known = (data: string): string =>
      data.replaceAll(/\$\{__(?:P|property)\((\w[\w.-]*)(?:,([^)]*))?\)\}/g, (_, property, preset = '') => {
        skip(
          `the property ${property}: ${preset === '' ? 'it has no default' : `its default, ${preset}, is written`}`,
        );
        return preset;
      });
    const pairs = (type: string): [string, string][] =>
      [
        ...body.matchAll(
          new RegExp(`<elementProp\\b[^>]*elementType="${type}"[^>]*>([\\s\\S]*?)</elementProp>`, 'g'),
        ),
      ].map(([, inner]) => {
        const of = (part: string): string =>
          plain(new RegExp(`<stringProp name="${type}.${part}">([^<]*)<`).exec(inner!)?.[1] ?? '');
        return [of('name'), template(known(of('value')))];
      });
    const value = (data: string): unknown => {
      const rendered = template(known(data));
      try {
        return JSON.parse(rendered) as unknown;
      } catch {
        return rendered;
      }
    };
    const connectTo = (): void => {
      const server = prop('server');
      if (server === '' || config.target !== undefined) return;
      const address = `${server}:${prop('port') || '80'}/${prop('path').replace(/^\//, '')}`;
      config.target = `${prop('TLS') === 'true' ? 'wss' : 'ws'}://${template(known(address))}`;
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
      case 'Arguments':
        if (!match[0].includes('name="HTTPsampler'))
          Object.assign(variables, Object.fromEntries(pairs('Argument')));
        break;
      case 'HeaderManager':
        Object.assign(headers, Object.fromEntries(pairs('Header')));
        break;
      default:
        if (!silent.test(kind)) skip(`${kind} "${name}"`);
    }
  }
  if (typeof config.target === 'string') {
    // An address is one for all users: it is written out.
    config.target = config.target.replaceAll(/\{\{ (\w+) \}\}/g, (whole, name) => variables[name] ?? whole);
    const unknown = /\{\{ (\w+) \}\}/.exec(config.target as string)?.[1];
    if (unknown !== undefined)
      left.push({ line: 1, what: `the address: nothing gives "${unknown}" its value` });
  }
  const steps = count > 1 ? [{ loop: flow, count }] : flow;
  const script = {
    config: {
      ...config,
      phases,
      ...(Object.keys(variables).length === 0 ? {} : { variables }),
      ...(Object.keys(headers).length === 0 ? {} : { ws: { headers } }),
    },
    scenarios: [{ name: 'JMeter', engine: 'ws', flow: steps }],
  };
  return { tool: 'JMeter', files: { 'scenario.yml': stringify(script) }, left: inOrder(left) };
}

/** A plan without what is disabled, and what is below it; places in the text stay where they are. */
function withoutDisabled(text: string): string {
  let plan = text;
  for (const match of text.matchAll(/<([\w.]+)\b[^>]*\benabled="false"[^>]*>/g))
    plan = blank(plan, match.index, endOfTree(text, match.index, match[1]!));
  return plan;
}

/** A scenario has the users of one thread group: the first, without those of the others, which are told. */
function oneGroup(text: string): { plan: string; others: Imported['left'] } {
  const groups = [...text.matchAll(/<([\w.]+)\b[^>]*\btestclass="([\w.]*ThreadGroup)"[^>]*>/g)];
  const kept = groups.find(([, , kind]) => kind === 'ThreadGroup') ?? groups[0];
  let plan = text;
  const others = groups.filter((group) => group !== kept);
  for (const { index, 1: tag } of others) plan = blank(plan, index, endOfTree(text, index, tag!));
  return {
    plan,
    others: others.map(({ 0: element, index }) => ({
      line: lineAt(text, index),
      what: `a further thread group, "${/testname="([^"]*)"/.exec(element)?.[1] ?? ''}": write a scenario of its own`,
    })),
  };
}

/** Where the element that begins at `start` ends. */
function endOf(text: string, start: number, tag: string): number {
  const ends = new RegExp(`<(/?)${tag.replaceAll('.', '\\.')}\\b[^>]*?(/?)>`, 'g');
  ends.lastIndex = start;
  let depth = 0;
  for (let found = ends.exec(text); found !== null; found = ends.exec(text)) {
    depth += found[1] === '/' ? -1 : found[2] === '/' ? 0 : 1;
    if (depth === 0) return ends.lastIndex;
  }
  return text.length;
}

/** Where the element that begins at `start` ends, with the tree below it, which stands behind it. */
function endOfTree(text: string, start: number, tag: string): number {
  const end = endOf(text, start, tag);
  const tree = /^\s*<hashTree\b/.exec(text.slice(end));
  return tree === null ? end : endOf(text, end + tree[0].length - '<hashTree'.length, 'hashTree');
}

const blank = (text: string, from: number, to: number): string =>
  `${text.slice(0, from)}${text.slice(from, to).replaceAll(/[^\n]/g, ' ')}${text.slice(to)}`;

/** Text as it stands in XML. */
function plain(value: string): string {
  const entities: Record<string, string> = {
    '&quot;': '"',
    '&apos;': "'",
    '&lt;': '<',
    '&gt;': '>',
    '&#xd;': '',
    '&#10;': '\n',
  };
  return value
    .replaceAll(/&(?:quot|apos|lt|gt|#xd|#10);/g, (entity) => entities[entity]!)
    .replaceAll('&amp;', '&');
}
