import type { BaseCommit } from '../baseline/base-commit.ts';
import { tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { RunPlan } from '../settings/run-plan.ts';
import { isOneOf, readCommitIds, shortCommit } from '../side/target/deployed-commit.ts';
import type { Sides } from './prepare-sides.ts';
import type { Provenance } from './provenance.ts';

/** Which commits run where nothing is started, as far as the servers tell. */
export type DeployedVersions = {
  /** The base commit; null where it is not told, or git says it. */
  baseSha: string | null;
  /** What the reader must know, a sentence each. */
  notes: string[];
};

/**
 * Asks servers that run already which commit they were built from, and sets what the sides may be from then on. The head
 * must be the commit that is judged. The base version must be the base commit, or, where the user named none, one that
 * the head comes from. A command that asks runs in `cwd`. Throws TARGET_VERSION_UNREADABLE and TARGET_VERSION_OTHER.
 */
export const deployedVersions = async (
  plan: RunPlan,
  sides: Sides,
  base: BaseCommit | null,
  { provenance, host, cwd }: { provenance: Provenance; host: Host; cwd: string },
): Promise<DeployedVersions> => {
  const commits = headCommits(provenance);
  const untold = new Set<string>();
  sides.head.commits = commits;
  const deployed = plan.suites.filter(({ target }) => target.start === undefined);
  for (const { target } of deployed) if (target.version === undefined) untold.add(target.url);
  const told = deployed.find(({ target }) => target.version !== undefined)?.target.version;
  if (base?.deployed === undefined || sides.baseline === null)
    return { baseSha: null, notes: provenance.inCi ? noteOf(untold, null, commits) : [] };
  const { url, expected, named, ancestor } = base.deployed;
  if (told === undefined) return { baseSha: null, notes: noteOf(untold, url, commits) };
  const ids = await readCommitIds(told, {
    url,
    side: 'baseline',
    cwd,
    env: host.env,
    secrets: host.secrets,
  });
  const isExpected = expected !== null && isOneOf(ids, [expected]);
  let found: string | null = isExpected ? expected : null;
  for (const id of named || isExpected ? [] : ids) found ??= await ancestor(id);
  if (found === null || commits.includes(found))
    throw tailgateError('TARGET_VERSION_OTHER', {
      url,
      side: 'baseline',
      found: ids,
      wanted: [
        ...(expected === null ? [] : [shortCommit(expected)]),
        ...(named || provenance.headSha === null
          ? []
          : [`a commit that ${shortCommit(provenance.headSha)} comes from`]),
      ],
    });
  sides.baseline.commits = [found];
  sides.baseline.version = `the base version (${shortCommit(found)})`;
  const between =
    isExpected || expected === null
      ? []
      : [
          `The base version at ${url} is ${shortCommit(found)}, and the change begins at ${shortCommit(expected)}: what came in between is part of what is judged.`,
        ];
  return { baseSha: found, notes: [...between, ...noteOf(untold, null, commits)] };
};

/** What the head may have been built from: what is checked out, or the head of the pull request of which that is a merge. */
export const headCommits = ({ headSha, mergedSha }: Provenance): string[] =>
  [headSha, mergedSha].filter((sha) => sha !== null);

function noteOf(untold: ReadonlySet<string>, baseUrl: string | null, commits: readonly string[]): string[] {
  const [commit] = commits;
  if (untold.size === 0) return [];
  const urls = [...(baseUrl === null ? [] : [baseUrl]), ...untold].join(' and at ');
  const what =
    baseUrl === null
      ? `${commit === undefined ? 'which commit' : `that ${shortCommit(commit)}`} runs`
      : 'which commits run';
  return [
    `Nothing tells ${what} at ${urls}: the verdict is about what was deployed there during the run ("target.version" checks it).`,
  ];
}
