import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';
import type { BundledPackage } from '../../scripts/build/bundled-packages.ts';
import { licenceProblems, thirdPartyLicences } from '../../scripts/build/third-party-licences.ts';
import { buildBundle, bundleBytes, bundleFiles, maxBundleBytes } from '../../scripts/build.ts';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');

/** Packages among the inputs, told by their path alone: `node_modules/NAME/...`, the innermost. */
const packagesByPath = (metafile: Metafile): string[] => [
  ...new Set(
    Object.keys(metafile.inputs).flatMap((input) => {
      const names = [...input.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)];
      return names.at(-1)?.[1] ?? [];
    }),
  ),
];

describe('the committed bundle', () => {
  let fresh = '';
  let metafile: Metafile;

  before(async () => {
    fresh = path.join(await mkdtemp(path.join(os.tmpdir(), 'tailgate-dist-')), 'dist');
    metafile = await buildBundle(fresh);
  });
  after(async () => {
    await rm(path.dirname(fresh), { recursive: true, force: true });
  });

  test('is what the sources give: run "npm run build" when this fails', async () => {
    const files = await bundleFiles(fresh);
    assert.deepEqual(await bundleFiles(dist), files);
    for (const file of files) {
      const [committed, built] = await Promise.all(
        [dist, fresh].map((folder) => readFile(path.join(folder, file))),
      );
      assert.ok(committed!.equals(built!), `dist/${file} is stale`);
    }
  });

  test('has every program, and the engines that the runner imports by name', async () => {
    const files = await bundleFiles(fresh);
    for (const program of [
      'action',
      'post',
      'report',
      'cli',
      'load-worker',
      'engine-socketio-v3',
      'engine-stomp',
    ])
      assert.ok(files.includes(`${program}.js`), `${program}.js is missing`);
  });

  test('is at most 8 MB', async () => {
    const bytes = await bundleBytes(dist);
    assert.ok(bytes <= maxBundleBytes, `${bytes} bytes`);
  });

  test('contains nothing of clouds, browsers and monitoring vendors', () => {
    const inputs = Object.keys(metafile.inputs);
    assert.ok(inputs.some((input) => input.endsWith('artillery/dist/lib/core/runner.js')));
    const unwanted =
      /node_modules\/(@aws-sdk|@smithy|@azure|@opentelemetry|playwright|@playwright|datadog-metrics|dogapi|hot-shots|@upstash|mixpanel|opentracing)|artillery\/dist\/lib\/(platform|cmds|telemetry|launch-platform)|artillery-(engine-playwright|plugin-publish-metrics|plugin-slack)/;
    assert.deepEqual(
      inputs.filter((input) => unwanted.test(input)),
      [],
    );
  });

  test('keeps our names, so that a stack from the field can be read', async () => {
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
    const programs = await Promise.all(
      (await bundleFiles(fresh))
        .filter((file) => file.endsWith('.js'))
        .map((file) => readFile(path.join(fresh, file), 'utf8')),
    );
    const bundle = programs.join('\n');
    const files = globSync('src/{run,verdict,generator}/*.ts', { cwd: root });
    const names = files.flatMap((file) => {
      const bundled = inputs.some(([input, { bytesInOutput }]) => input === file && bytesInOutput > 500);
      const text = bundled ? readFileSync(path.join(root, file), 'utf8') : '';
      return [...text.matchAll(/^(?:export )?const (\w+) = (?:async )?\(/gm)].map(([, name]) => name!);
    });
    assert.ok(names.length > 50);
    const lost = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(bundle));
    // What is called in one place may be written there.
    assert.ok(lost.length < names.length / 20, lost.join(', '));
  });

  test('has next to nothing twice', () => {
    const copies = new Map<string, Map<string, number>>();
    for (const output of Object.values(metafile.outputs))
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        const [, folder, name] = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input) ?? [];
        if (folder === undefined || name === undefined) continue;
        const sizes = copies.get(name) ?? new Map<string, number>();
        copies.set(name, sizes.set(folder, (sizes.get(folder) ?? 0) + bytesInOutput));
      }
    const repeated = [...copies].flatMap(([name, sizes]) => {
      const bytes = [...sizes.values()].sort((a, b) => b - a).slice(1);
      return bytes.some((size) => size > 40_000) ? [`${name}: ${bytes.join(' and ')} bytes again`] : [];
    });
    assert.deepEqual(repeated, []);
  });

  test("names the folder of nobody's machine", async () => {
    for (const file of await bundleFiles(fresh)) {
      const text = await readFile(path.join(fresh, file), 'utf8');
      assert.ok(!text.includes(root), `${file} contains ${root}`);
      assert.ok(
        !text.includes(os.homedir() === '/' ? root : `${os.homedir()}/`),
        `${file} contains the home folder`,
      );
    }
  });

  test('brings the licence of every package in it, and says where MPL sources are', async () => {
    const text = await readFile(path.join(dist, 'THIRD_PARTY_LICENSES'), 'utf8');
    const entries = new Map(
      text
        .split(`\n\n${'-'.repeat(80)}\n`)
        .slice(1)
        .map((entry) => [entry.slice(0, entry.indexOf(' ')), entry] as const),
    );
    const packages = packagesByPath(metafile);
    assert.ok(packages.length > 50);
    for (const name of packages) assert.ok(entries.has(name), `${name} is bundled and not in the list`);
    for (const [name, entry] of entries) assert.ok(entry.length > 300, `${name} has no text`);
    for (const name of ['artillery', 'artillery-plugin-ensure']) {
      assert.match(entries.get(name) ?? '', /Mozilla Public License/);
      assert.match(entries.get(name) ?? '', /artillery\/v\/\d+\.\d+\.\d+/);
    }
    assert.doesNotMatch(text, /Business Source License/i);
  });

  test('runs where there is nothing else, on the Node of this machine', async () => {
    await using folder = {
      path: await mkdtemp(path.join(os.tmpdir(), 'tailgate-alone-')),
      async [Symbol.asyncDispose]() {
        await rm(this.path, { recursive: true, force: true });
      },
    };
    await cp(fresh, folder.path, { recursive: true });
    for (const node of new Set([process.execPath, 'node'])) {
      // It serves commands over a channel that is not there, and so has nothing to do.
      const { stdout } = await promisify(execFile)(
        node,
        [
          '--input-type=module',
          '--eval',
          `await import(process.argv[1]); console.log('loaded'); process.exit(0);`,
          path.join(folder.path, 'load-worker.js'),
        ],
        { env: { PATH: process.env.PATH } },
      );
      assert.equal(stdout, 'loaded\n');
    }
  });
});

describe('what may be bundled', () => {
  const one = (changes: Partial<BundledPackage>): BundledPackage => ({
    name: 'fine',
    version: '1.0.0',
    licence: 'MIT',
    text: 'Permission is hereby granted',
    repository: null,
    files: ['index.js'],
    ...changes,
  });

  test('is refused by its licence, by its name and by its folder', () => {
    assert.deepEqual(licenceProblems([one({}), one({ licence: '(MIT OR GPL-3.0)' })]), []);
    for (const bad of [
      one({ licence: 'BUSL-1.1' }),
      one({ licence: 'BSL-1.1' }),
      one({ licence: 'unknown' }),
      one({ text: '' }),
      one({ text: 'Business Source License 1.1' }),
      one({ name: '@aws-sdk/client-s3' }),
      one({ name: '@azure/identity' }),
      one({ name: '@opentelemetry/api' }),
      one({ name: 'playwright-core' }),
      one({ name: 'datadog-metrics' }),
      one({ name: 'artillery', files: ['dist/lib/platform/az/aci.js'] }),
      one({ name: 'artillery', files: ['dist/builtin-packages/artillery-engine-playwright/dist/index.js'] }),
    ])
      assert.equal(licenceProblems([bad]).length, 1, JSON.stringify(bad));
  });

  test('names the exact source of what is under the Mozilla Public License', () => {
    const text = thirdPartyLicences([
      one({ name: 'artillery', version: '2.0.34', licence: 'MPL-2.0', files: ['dist/a.js', 'dist/b.js'] }),
    ]);
    assert.match(text, /https:\/\/www\.npmjs\.com\/package\/artillery\/v\/2\.0\.34/);
    assert.match(text, /^ {2}dist\/a\.js\n {2}dist\/b\.js$/m);
  });
});
