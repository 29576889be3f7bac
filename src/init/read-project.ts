import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { jsonOf } from '../record/recording.ts';
import { type FoundCode, findEvents, isClient } from './find-events.ts';
import { type FoundHandshake, findHandshake } from './find-handshake.ts';

export type Project = {
  /** Command that installs, and builds where there is something to build; null without a package.json. */
  build: string | null;
  /** Commands that may start the server, the likeliest first. */
  starts: string[];
  code: FoundCode;
  handshake: FoundHandshake;
  /** Ports that Dockerfile and compose name. */
  ports: number[];
  ci: 'github' | 'gitlab' | 'jenkins';
  /** Where each of these was read, for the user. */
  sources: string[];
};

const mostFiles = 400;
const mostBytes = 300_000;

/** Reads what a project says about its server: package.json, lockfile, Dockerfile, compose, and its code. */
export const readProject = (folder: string): Project => {
  const has = (name: string): boolean => existsSync(path.join(folder, name));
  const read = (name: string): string => (has(name) ? readFileSync(path.join(folder, name), 'utf8') : '');
  const manifest = (jsonOf(read('package.json')) ?? {}) as {
    scripts?: Record<string, string>;
    main?: string;
    bin?: string | Record<string, string>;
  };
  const dockerfile = read('Dockerfile');
  const compose = ['compose.yml', 'compose.yaml', 'docker-compose.yml', 'docker-compose.yaml'].find(has);
  const sources = ['package.json', 'Dockerfile', compose ?? ''].filter((name) => name !== '' && has(name));
  const files = sourceFiles(folder);
  const code = findEvents(files);
  const examples = ['.env.example', '.env.sample', '.env.template', compose ?? ''].filter(
    (name) => name !== '',
  );
  return {
    build: buildOf(manifest.scripts ?? {}, has),
    starts: startsOf(manifest, dockerfile, folder, code.entries),
    code,
    handshake: findHandshake(
      files
        .filter(({ path: file }) => !isClient(file))
        .map(({ text }) => text)
        .join('\n'),
      examples.map(read).join('\n'),
    ),
    ports: [...exposed(dockerfile), ...(compose === undefined ? [] : published(read(compose)))],
    ci: has('.gitlab-ci.yml') ? 'gitlab' : has('Jenkinsfile') ? 'jenkins' : 'github',
    sources,
  };
};

function buildOf(scripts: Record<string, string>, has: (name: string) => boolean): string | null {
  if (!has('package.json'))
    return has('mvnw')
      ? './mvnw -q package -DskipTests'
      : has('gradlew')
        ? './gradlew -q build -x test'
        : null;
  const [install, run] = has('pnpm-lock.yaml')
    ? ['pnpm install --frozen-lockfile', 'pnpm run']
    : has('yarn.lock')
      ? ['yarn install --frozen-lockfile', 'yarn']
      : has('package-lock.json') || has('npm-shrinkwrap.json')
        ? ['npm ci', 'npm run']
        : ['npm install', 'npm run'];
  return scripts.build === undefined ? install! : `${install} && ${run} build`;
}

function startsOf(
  {
    scripts = {},
    main,
    bin,
  }: { scripts?: Record<string, string>; main?: string; bin?: string | Record<string, string> },
  dockerfile: string,
  folder: string,
  entries: readonly string[],
): string[] {
  const watches = (script: string | undefined): boolean =>
    /nodemon|ts-node-dev|--watch|concurrently/.test(script ?? '');
  const named = ['start:prod', 'start', 'serve', 'server', 'dev'].filter(
    (name) => scripts[name] !== undefined,
  );
  const steady = [
    ...named.filter((name) => !watches(scripts[name])),
    ...named.filter((name) => watches(scripts[name])),
  ];
  const files = [
    ...(typeof bin === 'string' ? [bin] : Object.values(bin ?? {})),
    ...(main === undefined ? [] : [main]),
    ...[
      'server.js',
      'app.js',
      'index.js',
      'main.js',
      'src/server.js',
      'src/index.js',
      'src/app.js',
      'server/index.js',
      'server.mjs',
      'index.mjs',
      'server/server.js',
      'bin/www',
    ],
    // Built ones are started by what a script says.
    ...entries.filter((file) => !/^(dist|build|lib|out)\//.test(file)).slice(0, 4),
  ].filter((file) => existsSync(path.join(folder, file)) && statSync(path.join(folder, file)).isFile());
  const command = /^(?:CMD|ENTRYPOINT)\s+(.+)$/m.exec(dockerfile)?.[1];
  const list = command === undefined ? undefined : jsonOf(command);
  return [
    ...new Set([
      // Without npm between it and us, a signal reaches the server itself.
      ...steady.map((name) =>
        /^node [\w./-]+$/.test(scripts[name]!)
          ? scripts[name]!
          : name === 'start'
            ? 'npm start'
            : `npm run ${name}`,
      ),
      ...(command === undefined ? [] : [Array.isArray(list) ? list.join(' ') : command]),
      ...files.map((file) => `node ${file.replace(/^\.\//, '')}`),
    ]),
  ];
}

const exposed = (dockerfile: string): number[] =>
  [...dockerfile.matchAll(/^EXPOSE\s+(\d+)/gm)].map(([, port]) => Number(port));

function published(text: string): number[] {
  try {
    const { services = {} } = parse(text) as { services?: Record<string, { ports?: unknown[] }> };
    return Object.values(services).flatMap(({ ports = [] }) =>
      ports.flatMap((port) => {
        const inside =
          typeof port === 'object' && port !== null
            ? (port as { target?: number }).target
            : Number(/(\d+)(?:\/tcp)?$/.exec(String(port))?.[1]);
        return inside === undefined || Number.isNaN(inside) ? [] : [inside];
      }),
    );
  } catch {
    return [];
  }
}

/** Names of source files below a folder, those near its root first. */
function filesBelow(folder: string, skipped: RegExp, below = '', depth = 0): string[] {
  if (depth > 6) return [];
  const entries = readdirSync(path.join(folder, below), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.([cm]?[jt]s|java|kt)$/.test(entry.name));
  const folders = entries.filter((entry) => entry.isDirectory() && !skipped.test(entry.name));
  return [
    ...files.map(({ name }) => `${below}${name}`),
    ...folders.flatMap(({ name }) => filesBelow(folder, skipped, `${below}${name}/`, depth + 1)),
  ];
}

const never = '^(node_modules|\\.\\w+|coverage|vendor|bower_components|target)$';

function sourceFiles(folder: string): { path: string; text: string }[] {
  const own = filesBelow(folder, new RegExp(`${never}|^(dist|build|out)$`));
  // A published package may have its server only as it was built.
  const all = own.some((file) => !/config/.test(file)) ? own : filesBelow(folder, new RegExp(never));
  return all.slice(0, mostFiles).flatMap((file) => {
    const at = path.join(folder, file);
    return statSync(at).size > mostBytes ? [] : [{ path: file, text: readFileSync(at, 'utf8') }];
  });
}
