import { stringify } from 'yaml';
import { type Imported, inOrder, literal, type ReadBeside, untilClosed } from './script-text.ts';

/** A script of a shell that runs `artillery run` between the start of a server and its end, as settings. */
export function importArtillery(text: string, readBeside: ReadBeside): Imported {
  const left: Imported['left'] = [];
  const suites: Record<string, unknown>[] = [];
  let start: string | undefined;
  let url: string | undefined;
  let room: Record<string, unknown> | undefined;
  const lines = text.replaceAll(/\\\n/g, '\\ ').split('\n');
  for (const [index, whole] of lines.entries()) {
    const line = index + 1 + (lines.slice(0, index).join('\n').match(/\\ /g)?.length ?? 0);
    const shown = whole.replaceAll('\\ ', ' ').trim();
    for (const { text: command, background } of commandsOf(shown)) {
      const [before, after] = command.split(/\bartillery\s+run\b(.*)$/s);
      if (after !== undefined) {
        const { suite, target, left: flags } = runOf(after);
        url = target ?? url;
        const variables = [...before!.matchAll(/(?<=^|\s)\w+=\S*/g)].map(([variable]) => variable);
        for (const what of [...variables, ...flags]) left.push({ line, what });
        suite.name = String(suite.scenario ?? 'load').replace(/^.*\/|\.\w+$/g, '');
        suites.push(suite);
        continue;
      }
      if (!background) {
        if (!isSilent(command)) left.push({ line, what: command });
        continue;
      }
      const holder = /\bnode\s+([\w./-]*(?:room|owner|hold|host|session)[\w./-]*)/i.exec(command)?.[1];
      const held = holder === undefined ? null : roomOf(readBeside(holder));
      if (held !== null) {
        room = held.room;
        for (const what of held.left) left.push({ line, what: `${what} (in ${holder})` });
      } else if (holder === undefined && start === undefined)
        start = command.replace(/\s*(>|2>|&>).*$/, '').replace(/^nohup\s+/, '');
      else left.push({ line, what: command });
    }
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

/** Flags of `artillery run` with a value behind them that have no place in the settings. */
const valuedFlags =
  /^(-p|-c|--(payload|config|scenario-name|dotenv|platform|platform-opt|count|name|tags|note|key))$/;
/** What is made here in any case. */
const silentFlags = /^(-q|--quiet)$/;

/** The suite that the words behind `artillery run` describe, its target, and the flags that do not map. */
function runOf(command: string): { suite: Record<string, unknown>; target?: string; left: string[] } {
  const suite: Record<string, unknown> = {};
  const left: string[] = [];
  let target: string | undefined;
  const words = wordsOf(command);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    const [flag = '', joined] = word.startsWith('-') ? word.split(/=(.*)/s) : [word];
    const value = (): string => joined ?? words[++at] ?? '';
    /** A value that only the shell knows is named, and its key left out. */
    const told = (key: string, read: (value: string) => unknown): void => {
      const given = value();
      const known = read(given);
      if (known === undefined) left.push(`${flag} ${given}`.trim());
      else suite[key] = known;
    };
    const text = (given: string): string | undefined =>
      given === '' || /[$`]/.test(given) ? undefined : given;
    if (['--environment', '-e'].includes(flag)) told('environment', text);
    else if (['--variables', '-v'].includes(flag)) told('variables', literal);
    else if (flag === '--overrides')
      told('overrides', (given) => {
        const { config, ...others } = (literal(given) ?? {}) as Record<string, unknown>;
        for (const other of Object.keys(others)) left.push(`"${other}" of ${flag}`);
        return config;
      });
    else if (['--target', '-t'].includes(flag)) {
      const given = value();
      if (text(given) === undefined) left.push(`${flag} ${given}`.trim());
      else target = given;
    } else if (['--output', '-o'].includes(flag)) value();
    else if (silentFlags.test(flag)) continue;
    else if (['--input', '-i'].includes(flag) || !flag.startsWith('-')) {
      const file = flag.startsWith('-') ? value() : flag;
      if (suite.scenario === undefined && text(file) !== undefined) suite.scenario = file;
      else left.push(`"${file}" of "artillery run"`);
    } else {
      if (valuedFlags.test(flag)) value();
      left.push(`${flag} of "artillery run"`);
    }
  }
  return { suite, ...(target === undefined ? {} : { target }), left };
}

/** The words of a command up to where the shell ends it, without their quotes. */
function wordsOf(command: string): string[] {
  const words: string[] = [];
  const pattern = /(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^)]*\)|[^\s"'\\;&|<>()])+|\S/gs;
  for (const { 0: word, index } of command.matchAll(pattern)) {
    // Of "2>" the number is no word.
    if (/^[;&|<>()#]/.test(word) || /^\d[<>]/.test(command.slice(index))) break;
    words.push(
      word.replaceAll(
        /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
        (_, single, double, escaped) => single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped,
      ),
    );
  }
  return words;
}

/** The commands of a line of a shell, without the words that only lead from one to the next. */
function commandsOf(line: string): { text: string; background: boolean }[] {
  const commands = [{ text: '', background: false }];
  const pattern =
    /\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^)]*\)|\d*[<>]{1,2}&?|&>|&&|\|\||[;&|]|(?<=^|\s)#.*|[^\s'"\\;&|<>$]+|\s+|\$/gs;
  for (const [token] of line.matchAll(pattern)) {
    if (/^(&&|\|\||[;&|])$/.test(token)) {
      commands.at(-1)!.background = token === '&';
      commands.push({ text: '', background: false });
    } else if (!token.startsWith('#')) commands.at(-1)!.text += token;
  }
  return commands
    .map(({ text, background }) => ({
      text: text.trim().replace(/^((if|then|else|do|time|exec|!|\{|\()\s+)+/, ''),
      background,
    }))
    .filter(({ text }) => !/^(then|else|fi|do|done|[{}()]|)$/.test(text));
}

/** What a readiness probe, the owner of the server and the report take the place of. */
function isSilent(line: string): boolean {
  return (
    /^(set -|sleep\b|kill\b|trap\b|wait\b|tee\b|(npx\s+)?artillery report|exit\b|echo\b|cd "\$)/.test(line) ||
    /^\w+=\$[!?]/.test(line) ||
    /wait-on|curl .*(health|ready)/.test(line)
  );
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
