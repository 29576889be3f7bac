import { guessTyped, guessValue } from './guess-value.ts';

/** A file of the project: its path from the root, and its text. */
export type SourceFile = { path: string; text: string };

/** A message that the code of a server handles, and a first guess of what to send. */
export type FoundEvent = {
  name: string;
  namespace: string;
  args: unknown[];
  /** Its handler calls back. */
  acknowledged: boolean;
  /** What its handler does, as far as its text tells. */
  does: 'identify' | 'join' | 'say' | 'leave' | 'other';
};

export type FoundCode = {
  protocols: ('socketio' | 'ws' | 'stomp')[];
  events: FoundEvent[];
  /** Paths of endpoints, as the code names them. */
  paths: string[];
  /** Variables of the environment that are ports. */
  portVariables: string[];
  /** Literal ports that something listens on. */
  ports: number[];
  /** Destinations of STOMP that are subscribed to. */
  topics: string[];
  /** It reads JSON, so that a plain text may end it. */
  readsJson: boolean;
  /** Files that listen on a port: what may be started where nothing says so. */
  entries: string[];
};

/** A first scenario is short. */
const mostEvents = 12;

const reserved = new Set(
  'connection connect disconnect disconnecting error connect_error close open message ping pong end data exit SIGINT SIGTERM uncaughtException unhandledRejection listening upgrade request finish drain newListener removeListener'.split(
    ' ',
  ),
);

/** Reads, from the text of a server, what its clients can send it. */
export const findEvents = (files: readonly SourceFile[]): FoundCode => {
  const server = files.filter(({ path }) => !isClient(path));
  const all = server.map(({ text }) => text).join('\n');
  const found = (pattern: RegExp): string[] => [
    ...new Set([...all.matchAll(pattern)].map((match) => match[1]!)),
  ];
  const protocols: FoundCode['protocols'] = [];
  if (/['"]socket\.io['"]|@nestjs\/websockets|SubscribeMessage|socketio/.test(all))
    protocols.push('socketio');
  if (/['"](ws|sockjs|uWebSockets\.js|websocket|@fastify\/websocket|express-ws|faye-websocket)['"]/.test(all))
    protocols.push('ws');
  if (/@MessageMapping|EnableWebSocketMessageBroker|stomp/i.test(all)) protocols.push('stomp');
  const prefix = /setApplicationDestinationPrefixes\(\s*"([^"]+)"/.exec(all)?.[1] ?? '';
  const events = new Map<string, FoundEvent>();
  const add = (event: FoundEvent): void => {
    const key = `${event.namespace} ${event.name}`;
    if (!events.has(key)) events.set(key, event);
  };
  // Names of events may stand where clients read them too.
  const named = files.map(({ text }) => text).join('\n');
  for (const { text } of server) {
    for (const event of listeners(text, named)) add(event);
    for (const event of gateways(text, all)) add(event);
    for (const event of tables(text)) add(event);
    if (protocols.includes('ws')) for (const event of typedMessages(text)) add(event);
    for (const [, name] of text.matchAll(/@MessageMapping\(\s*"([^"]+)"/g))
      add({
        name: `${prefix}${name!.startsWith('/') ? '' : '/'}${name}`.replaceAll(/\{\w+\}/g, 'room-1'),
        namespace: 'stomp',
        args: [{ text: 'hello from tailgate', content: 'hello from tailgate' }],
        acknowledged: false,
        does: 'say',
      });
  }
  return {
    protocols,
    events: [...events.values()].slice(0, mostEvents),
    paths: [
      ...found(/(?:(?:path|addEndpoint|prefix)\s*[:(]|\bpath\s*\|\|)\s*['"](\/[\w./-]*)['"]/g),
      // A path that is put together: its last part.
      ...found(/\b\w*path\w*\s*=\s*`[^`\n]*[}/]([\w-]+)`/gi).map((part) => `/${part}`),
      ...found(/\b\w*_?PATH\s*=\s*['"]\/?([\w-]+)['"]/g).map((part) => `/${part}`),
    ],
    portVariables: found(/(?:process\.env|env)\.(\w*PORT\w*)/g),
    ports: found(/listen\(\s*(?:process\.env\.\w+\s*\|\|\s*)?(\d{2,5})\b/g).map(Number),
    readsJson: /JSON\.parse/.test(all),
    topics: [
      ...found(/@SendTo\(\s*"([^"]+)"/g),
      ...(protocols.includes('stomp') ? found(/\.(?:subscribe|send)\(\s*['"](\/[\w./-]+)['"]/g) : []),
    ],
    entries: server
      .filter(
        ({ path, text }) => /\.[cm]?js$/.test(path) && /\.listen\(|new WebSocket(?:\.)?Server\(/.test(text),
      )
      .map(({ path }) => path),
  };
};

export const isClient = (path: string): boolean =>
  /(^|\/)(public|static|client[\w-]*|frontend|www|dist\/client|test|tests|__tests__|spec|examples?|docs|bench|playwright|e2e|cypress)\//.test(
    path,
  ) || /\.(test|spec|min|d)\.\w+$/.test(path);

/** `socket.on('name', (payload, callback) => ...)`, `socket.on(EVENTS.NAME, ...)`, `onEvent(socket, 'name', ...)`. */
function listeners(text: string, all: string): FoundEvent[] {
  const pattern =
    /(?:\b(\w+)\s*\.\s*(?:on|once)\(|\b(?:on|listen|handle|register|add)\w*\(\s*(?=socket\s*,|client\s*,)(\w+)\s*,)\s*(?:(['"`])([\w:.\-/ ]+)\3|((?:\w+\.)?[A-Z][A-Z\d_]*|\w+\.\w+))\s*,/g;
  const namespace = /\.of\(\s*['"`](\/[\w/-]+)['"`]\s*\)/.exec(text)?.[1] ?? '/';
  return [...text.matchAll(pattern)].flatMap((match): FoundEvent[] => {
    const [whole, direct, passed, , literal, constant] = match;
    const receiver = direct ?? passed;
    const name = literal ?? constantValue(constant!, all);
    if (
      name === undefined ||
      reserved.has(name) ||
      /^(process|app|server|http|https|req|res|emitter|redis|db|mongoose|stream|child|worker|parser|sub|pub)$/i.test(
        receiver!,
      )
    )
      return [];
    const rest = callText(text, match.index! + whole.length);
    const handler = /^\s*(?:async\s*)?(?:function\s*\w*\s*)?(?:\(([^)]*)\)|(\w+)\s*=>)/.exec(rest);
    // A handler that has a name is defined elsewhere.
    const named = handler === null ? /^\s*(\w+)/.exec(rest)?.[1] : undefined;
    const defined = named === undefined ? null : definition(text, named);
    const parameters = splitTop(handler?.[1] ?? handler?.[2] ?? defined?.parameters ?? '');
    return [eventOf(name, namespace, parameters, defined?.body ?? rest)];
  });
}

/** The text that a constant holds: `NAME: 'value'` or `NAME = 'value'`, if there is one. */
const constantValue = (constant: string, all: string): string | undefined =>
  new RegExp(`\\b${constant.split('.').at(-1)!}\\s*[:=]\\s*['"]([\\w:.\\-/ ]+)['"]`).exec(all)?.[1];

function definition(text: string, name: string): { parameters: string; body: string } | null {
  const match = new RegExp(
    `(?:function\\s+${name}\\s*|\\b${name}\\s*=\\s*(?:async\\s*)?(?:function\\s*)?)\\(([^)]*)\\)`,
  ).exec(text);
  return match === null
    ? null
    : { parameters: match[1]!, body: text.slice(match.index, match.index + 1_500) };
}

/** `for (const [name, handle] of Object.entries(handlers)) socket.on(name, ...)`. */
function tables(text: string): FoundEvent[] {
  const table = /Object\.(?:entries|keys)\(\s*(\w+)\s*\)[^;]{0,120}\.on\(\s*\w+\s*,/.exec(text)?.[1];
  const start = table === undefined ? -1 : text.search(new RegExp(`\\b${table}\\b[^=;]{0,60}=\\s*\\{`));
  if (start === -1) return [];
  const body = text.slice(start, start + 8_000);
  const member =
    /^(?: {2,4}|\t)(?:async\s+)?(?:'([^'\n]+)'|"([^"\n]+)"|(\w+))\s*(?::\s*(?:async\s*)?(?:function\s*)?)?\(([^)]*)\)\s*(?:=>|\{)/gm;
  return [...body.slice(0, body.search(/^\}/m)).matchAll(member)].map((match) => {
    const given = splitTop(match[4]!).filter((each) => !/^(socket|client|ws|io)$/.test(each));
    const event = eventOf(
      match[1] ?? match[2] ?? match[3]!,
      '/',
      given,
      body.slice(match.index!, match.index! + 800).split(/^ {2}\w/m)[0]!,
    );
    // Whether the answer is called back is decided where all of them are called.
    return { ...event, acknowledged: true };
  });
}

/** `@SubscribeMessage('name') method(@MessageBody() body: Dto)`, or a payload behind the socket without a decorator. */
function gateways(text: string, all: string): FoundEvent[] {
  const namespace = /@WebSocketGateway\([^)]*namespace:\s*['"`]\/?([\w/-]+)['"`]/s.exec(text)?.[1];
  return [...text.matchAll(/@SubscribeMessage\(\s*(?:['"`]([^'"`]+)['"`]|([\w.]+))\s*\)/g)].flatMap(
    (match) => {
      const name = match[1] ?? constantValue(match[2]!, all);
      if (name === undefined) return [];
      const rest = text.slice(match.index! + match[0].length, match.index! + 1_500);
      const opens = rest.indexOf('(', rest.search(/^\s*(?:async\s+|public\s+)*\w+\s*\(/m));
      const parameters = splitTop(callText(rest, opens + 1));
      const body =
        parameters.find((each) => each.startsWith('@MessageBody')) ??
        parameters.find((each, index) => index > 0 && !each.startsWith('@'));
      const [, field, plain = '', type = ''] =
        /^(?:@MessageBody\((?:\s*['"](\w+)['"])?(?:[^()]|\([^()]*\))*\)\s*)?(?:readonly\s+)?(\w+|\{[^}]*\})\s*(?::\s*([\s\S]+))?$/.exec(
          body ?? '',
        ) ?? [];
      const object = plain.startsWith('{') ? undefined : typedObject(type.trim(), all);
      const guess = eventOf(
        name,
        namespace === undefined ? '/' : `/${namespace}`,
        plain === '' ? [] : [plain],
        rest,
      );
      const args = object === undefined ? guess.args : [object];
      return [
        {
          ...guess,
          args: field === undefined || object !== undefined ? args : [{ [field]: args[0] }],
          acknowledged: true,
        },
      ];
    },
  );
}

/** An object of a declared type: `{ text: string }`, or a class, interface or type of that name; enums give their first value. */
function typedObject(type: string, all: string, depth = 0): object | undefined {
  const declared = /^\w+$/.test(type)
    ? new RegExp(
        `(?:class|interface|type)\\s+${type}\\b[^{;]*\\{([\\s\\S]*?)\\n?\\s*\\}(?:\\s*;|\\s*\\n|\\s*$)`,
      ).exec(all)?.[1]
    : /^\{([\s\S]*)\}$/.exec(type)?.[1];
  if (declared === undefined || depth > 3) return undefined;
  const fields = [
    ...declared.matchAll(
      /(?:^|[;,{\n])\s*((?:@\w+\((?:[^()]|\([^()]*\))*\)\s*)*)(?:public\s+|readonly\s+)*(\w+)(\?)?!?\s*:\s*([^;,\n]+)/g,
    ),
  ].filter(([, decorators, , optional]) => optional === undefined && !decorators!.includes('@IsOptional'));
  if (fields.length === 0) return undefined;
  return Object.fromEntries(
    fields.map(([, decorators, name, , stated]) => {
      const own = stated!.trim();
      const literal = new RegExp(`enum\\s+${own}\\b\\s*\\{[^=}]*=\\s*['"]([^'"]+)['"]`).exec(all)?.[1];
      return [
        name!,
        decorators!.includes('@IsUUID') && !own.endsWith(']')
          ? '00000000-0000-4000-8000-000000000001'
          : (literal ?? typedObject(own, all, depth + 1) ?? guessTyped(name!, own)),
      ];
    }),
  );
}

/** `case 'join':` and `type === 'join'`, of servers that tell JSON messages apart by a field. */
function typedMessages(text: string): FoundEvent[] {
  const field =
    /switch\s*\(\s*\w+\.(type|event|action|method|kind|cmd|op)\s*\)/.exec(text)?.[1] ??
    /\.(type|event|action|method|kind|cmd|op)\s*===?\s*['"`]/.exec(text)?.[1];
  if (field === undefined) return [];
  const pattern = new RegExp(`(?:case\\s+|\\.${field}\\s*===?\\s*)['"\`]([\\w:.-]+)['"\`]`, 'g');
  return [...text.matchAll(pattern)].map((match) => {
    const after = text.slice(match.index! + match[0].length, match.index! + 800).split(/\bcase\s+['"`]/)[0]!;
    const names = [
      ...new Set(
        [...after.matchAll(/\b(?:msg|message|data|parsed|payload|m)\.(\w+)/g)].map(([, name]) => name!),
      ),
    ].filter((name) => name !== field);
    const guess = eventOf(match[1]!, 'ws', [`{ ${names.join(', ')} }`], after);
    const [fields] = guess.args;
    return { ...guess, args: [{ [field]: match[1]!, ...(typeof fields === 'object' ? fields : {}) }] };
  });
}

function eventOf(name: string, namespace: string, parameters: readonly string[], body: string): FoundEvent {
  const last = parameters.at(-1) ?? '';
  const acknowledged =
    /^(cb|callback|ack|acknowledge|done|fn|respond|reply|answer|next)\w*$/i.test(last.trim()) ||
    (/^\w+$/.test(last.trim()) && new RegExp(`\\b${last.trim()}\\s*\\(`).test(body));
  const given = acknowledged ? parameters.slice(0, -1) : parameters;
  const does: FoundEvent['does'] = /leave|exit|stop|disconnect|delete|remove|logout/i.test(name)
    ? 'leave'
    : /\.join\(/.test(body) || /join|enter|subscribe|create/i.test(name)
      ? 'join'
      : /user|nick|login|auth|register|identify|hello|init/i.test(name)
        ? 'identify'
        : /emit\(|\.send\(|broadcast|publish/.test(body)
          ? 'say'
          : 'other';
  return {
    name,
    namespace,
    args: given.map((parameter) => guessOf(parameter.trim(), name, body)),
    acknowledged,
    does,
  };
}

/** What to send for a parameter: an object with the fields that the handler reads, or a text. */
function guessOf(parameter: string, event: string, body: string): unknown {
  const destructured = /^\{([^}]*)\}/.exec(parameter)?.[1];
  const plain = /^(\w+)/.exec(parameter)?.[1] ?? '';
  const read = [...body.matchAll(new RegExp(`\\b${plain || '-'}\\??\\.(\\w+)(?!\\w*\\s*\\()`, 'g'))].map(
    ([, name]) => name!,
  );
  const spread = new RegExp(`\\{([^{}]*)\\}\\s*=\\s*${plain || '-'}\\b`).exec(body)?.[1];
  const names = (destructured ?? spread)?.split(',').map((part) => /^\s*(\w+)/.exec(part)?.[1] ?? '') ?? read;
  const fields = [...new Set(names)].filter(
    (name) =>
      name !== '' &&
      !/^(length|toString|trim|map|forEach|split|toLowerCase|replace|slice|substring|includes|startsWith)$/.test(
        name,
      ),
  );
  return fields.length > 0
    ? Object.fromEntries(fields.map((field) => [field, guessValue(field)]))
    : guessValue(
        /^(data|payload|msg|message|body|arg|args|value|obj)?$/i.test(plain) ? `${event} ${plain}` : plain,
      );
}

/** The text of a call's other arguments, up to its closing parenthesis. */
function callText(text: string, start: number): string {
  let depth = 1;
  for (let at = start; at < Math.min(text.length, start + 4_000); at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return text.slice(start, start + 1_500);
}

/** Parts between commas that are in no bracket. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if ('{[(<'.includes(character)) depth += 1;
    if ('}])>'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part].map((each) => each.trim()).filter((each) => each !== '');
}
