import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import type { BaselineRecord, BaselineStore } from '../../src/baseline/baseline-record.ts';
import { FileStore } from '../../src/baseline/file-store.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import type { GateRequest } from '../../src/run/gate-request.ts';
import { findProvenance } from '../../src/run/provenance.ts';
import { readHistory } from '../../src/run/read-history.ts';
import { recordBaseline } from '../../src/run/record-baseline.ts';
import { recordOf } from '../baseline/records.ts';
import { load } from '../settings/settings-fixture.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-record-baseline-'));
after(() => rmSync(root, { recursive: true, force: true }));

type Env = Record<string, string>;

/** A run of these settings in an environment: whether it is stored, what its log says, and what its report said before. */
const run = async (env: Env, { mode = 'branch', record = false } = {}) => {
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream;
  const host = createTerminalHost({
    env,
    cwd: root,
    signal: new AbortController().signal,
    stderr,
    stdout: stderr,
    live: createLiveLine(stderr),
  });
  const loaded = await load({
    'tailgate.yml': `target: { url: "http://127.0.0.1:1" }\nbaseline: { mode: ${mode}, record: always }\nsuites: [{ name: chat, scenario: chat.yml }]\n`,
    'chat.yml': '',
  });
  const provenance = await findProvenance(root, env, null);
  const store: BaselineStore = new FileStore(
    path.join(root, `${JSON.stringify([env, mode, record])}.jsonl`),
    {
      keep: 9,
      keepDays: 9,
    },
  );
  const records: BaselineRecord[] = [recordOf(1, { suite: 'chat', recordedAt: new Date().toISOString() })];
  const request = { loaded, host, provenance, store, key: '', compares: true } as unknown as GateRequest;
  const { warnings } = await readHistory(request, 'chat', records[0]!.fingerprint, undefined);
  const stored = await recordBaseline(
    { host, inputs: { source: 'cli', values: {} }, github: null, record },
    loaded,
    provenance,
    store,
    { verdict: 'pass', records, accepting: '' },
  );
  return {
    stored,
    before: warnings.join('\n'),
    log: String((stderr as unknown as PassThrough).read() ?? ''),
  };
};

test('a pull request of any system only reads what the branches share, and says so when it was to store', async () => {
  for (const env of [
    { CI_MERGE_REQUEST_IID: '3' },
    { CHANGE_ID: '12' },
    { GITHUB_EVENT_NAME: 'pull_request' },
  ]) {
    const { stored, log, before } = await run({ CI: 'true', ...env });
    assert.equal(stored, false, JSON.stringify(env));
    assert.match(log, /Not stored in .*: a pull request only reads what others are compared with/);
    assert.match(before, /a run on the default branch in CI stores one/);
    assert.equal((await run({ CI: 'true', ...env }, { mode: 'file' })).stored, true, 'a file is its own');
    assert.equal(
      (await run({ CI: 'true', ...env }, { record: true })).stored,
      true,
      'a command that says so',
    );
  }
  const branch = await run({ CI: 'true' });
  assert.equal(branch.stored, true);
  assert.match(branch.before, /this run becomes the first/);
  assert.match((await run({})).log, /outside of CI a run is stored only if it is told so/);
});
