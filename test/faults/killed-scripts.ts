/** What `killed-writes.ts` kills that no command does alone: `node killed-scripts.ts KIND FOLDER RECORD [ADDRESS]`. */
import path from 'node:path';
import { BranchStore } from '../../src/baseline/branch-store.ts';
import { GitDataBranch } from '../../src/baseline/git-data-branch.ts';
import { createGithubClient } from '../../src/github/client.ts';
import { gitDataApi } from '../../src/github/git-data-api.ts';
import { openBisectFile } from '../../src/run/bisect-file.ts';
import { openJobFile } from '../../src/run/job-file.ts';
import { readRecords } from '../../src/run/read-records.ts';

const [kind, folder = '', record = '', address = ''] = process.argv.slice(2);
const series = { suite: 's', scenarioHash: 'a', settingsHash: 'b' };

switch (kind) {
  case 'jobs': {
    const file = await openJobFile(path.join(folder, 'jobs.jsonl'), series);
    await file.append({
      schemaVersion: 1,
      ...series,
      truth: 1,
      metric: 'chat.ack',
      design: 'slices',
      machine: record,
      startedAt: '2026-01-01T00:00:00Z',
      minutes: 1,
      pairs: [],
    });
    break;
  }
  case 'bisect': {
    const file = await openBisectFile(folder, { good: 'g', bad: 'b', ...series }, '');
    await file.append({ kind: 'broken', commit: record, reason: 'x' });
    break;
  }
  case 'api': {
    const client = createGithubClient({ token: 'token', apiUrl: address, paced: false, retryBaseMs: 5 });
    const branch = new GitDataBranch(gitDataApi(client, { owner: 'acme', repo: 'chat' }), 'tailgate');
    const store = new BranchStore(branch, { retention: { keep: 200, keepDays: 36_500 } });
    await store.append(await readRecords(path.join(folder, `${record}.jsonl`)));
    break;
  }
  default:
    throw new Error(`There is no "${kind}".`);
}
