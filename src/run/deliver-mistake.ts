import path from 'node:path';
import { environmentFingerprint } from '../baseline/fingerprint.ts';
import type { TailgateError } from '../errors.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { unsearchedReport } from '../report/build-capacity.ts';
import { buildReport } from '../report/build-report.ts';
import type { ActionMode } from '../settings/action-mode.ts';
import { inputText } from '../settings/input-overlay.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import { settingsSchema } from '../settings/settings-schema.ts';
import { deliver, keepReporting } from './deliver.ts';
import { folderOf, type JobCommand, jobDelivery, madeByJob } from './job-delivery.ts';
import { commitsOf, findProvenance } from './provenance.ts';
import { readFirst, removeOldReports } from './report-folder.ts';

/**
 * Tells readers of a job in a workflow that it came to no measurement: a summary and a comment that speak of an earlier
 * commit must not stay the last word, nor a check. Where the settings could not be read (`loaded` null) a comment is
 * brought up to date, and none is made, and nobody knows the name of the check. Elsewhere the log is all there is.
 */
export async function deliverMistake(
  command: JobCommand,
  mode: ActionMode,
  loaded: LoadedSettings | null,
  problems: readonly TailgateError[],
): Promise<void> {
  const { host, inputs, github } = command;
  if (host.kind !== 'actions') return;
  const cwd = loaded?.cwd ?? folderOf(host, inputs);
  const unread = settingsSchema.parse({ comment: 'on-fail', failOn: [] });
  const settings = loaded?.settings ?? {
    ...unread,
    reportDir: path.resolve(cwd, inputText(inputs, 'report-dir') ?? unread.reportDir),
  };
  const provenance = await findProvenance(cwd, host.env, github?.context ?? null);
  const known = {
    problems,
    environment: { ...environmentFingerprint(), pinning: null },
    commits: commitsOf(provenance, null),
    runUrl: provenance.runUrl,
    startedAt: new Date().toISOString(),
    durations: { totalMs: 0, buildMs: 0, loadMs: 0 },
  };
  const isSearch = mode === 'capacity';
  const report = isSearch
    ? unsearchedReport(known)
    : {
        ...buildReport({ suites: [], failOn: settings.failOn, ...known }),
        ...madeByJob(command, mode),
      };
  await keepReporting(report, () =>
    removeOldReports(settings.reportDir, { kept: readFirst(settings), isSearch }),
  );
  await deliver(
    maskStrings(report, (text) => host.mask(text)),
    {
      ...jobDelivery(command, { settings, cwd }, mode, provenance),
      // A mistake fails the step whatever the settings say, and so the check.
      failOn: [...settings.failOn, 'invalid'],
      outputs: {
        verdict: 'invalid',
        regressions: '[]',
        'baseline-commit': '',
        ...(isSearch ? { capacity: '' } : {}),
      },
      print: null,
      tell: null,
    },
  );
}
