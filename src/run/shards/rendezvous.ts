import { z } from 'zod';
import { tailgateVersion } from '../../host/versions.ts';
import { shownRun } from './ci-run.ts';
import type { Message } from './peer.ts';
import type { ShardBlob } from './shard-blob.ts';

/**
 * What shards say to each other. Shard 1 leads: the others come to it, compare their clocks with its own, say who they
 * are, and from then on drive their parts of each load as it tells them.
 */

/** What must be the same in all shards of a run. */
export type RunIdentity = {
  tailgate: string;
  run: ShardBlob['run'];
  commit: string | null;
  count: number;
  seed: number;
  suites: { suite: string; scenarioHash: string; settingsHash: string }[];
};

/** Asks for the clock of shard 1; every second, so that both know that the other is there. */
export type Ping = { type: 'ping'; askedUs: number };
export type Pong = { type: 'pong'; askedUs: number; nowUs: number; machine: string };

/** A shard comes, or tells that it cannot. */
export type Hello = {
  type: 'hello';
  number: number;
  identity: RunIdentity;
  machine: string;
  /** How well it knows the clock of shard 1, and the time that a question took at most, microseconds. */
  errorUs: number;
  roundTripUs: number;
};
export type Cannot = { type: 'cannot'; number: number; reason: string };

/** Shard 1 asks for something of one load; answered by `Answer` with the same id. */
export type Ask = { type: 'ask'; load: number; id: number; order: unknown };
export type Answer = { type: 'answer'; id: number; value?: unknown; error?: unknown };
/** What a load tells without being asked. */
export type Event = { type: 'event'; load: number; event: unknown };
/** The run is over; `problem` is why it has no verdict, a sentence. */
export type End = { type: 'end'; problem: string | null };

const identitySchema = z.object({
  tailgate: z.string(),
  run: z.object({ id: z.string(), attempt: z.number() }).nullable(),
  commit: z.string().nullable(),
  count: z.number(),
  seed: z.number(),
  suites: z.array(z.object({ suite: z.string(), scenarioHash: z.string(), settingsHash: z.string() })),
});
const helloSchema = z.object({
  type: z.literal('hello'),
  number: z.number().int().positive(),
  identity: identitySchema,
  machine: z.string(),
  errorUs: z.number().nonnegative(),
  roundTripUs: z.number().nonnegative(),
});
const cannotSchema = z.object({
  type: z.literal('cannot'),
  number: z.number().int().positive(),
  reason: z.string(),
});

/** The first words of a shard; null when they are none. */
export const readGreeting = (message: Message): Hello | Cannot | null =>
  helloSchema.safeParse(message).data ?? cannotSchema.safeParse(message).data ?? null;

/** Why a shard is not of the run of shard 1, a clause; null when it is. */
export const disagreement = (own: RunIdentity, theirs: RunIdentity): string | null => {
  if (theirs.tailgate !== own.tailgate)
    return `it runs Tailgate ${theirs.tailgate}, and shard 1 ${tailgateVersion}`;
  if (theirs.count !== own.count) return `it is one of ${theirs.count} shards, and shard 1 of ${own.count}`;
  if (JSON.stringify(theirs.run) !== JSON.stringify(own.run))
    return `it is of ${shownRun(theirs.run)}, and shard 1 of ${shownRun(own.run)}`;
  if (theirs.commit !== own.commit)
    return `it has checked out ${shownCommit(theirs.commit)}, and shard 1 ${shownCommit(own.commit)}`;
  if (theirs.seed !== own.seed) return `it has the seed ${theirs.seed}, and shard 1 ${own.seed}`;
  const names = (identity: RunIdentity): string =>
    identity.suites.map(({ suite }) => `"${suite}"`).join(', ');
  if (names(theirs) !== names(own)) return `it has the suites ${names(theirs)}, and shard 1 ${names(own)}`;
  for (const [index, { suite, scenarioHash, settingsHash }] of theirs.suites.entries()) {
    const wanted = own.suites[index]!;
    if (scenarioHash !== wanted.scenarioHash) return `its scenario of suite "${suite}" is another one`;
    if (settingsHash !== wanted.settingsHash) return `its settings of suite "${suite}" are others`;
  }
  return null;
};

const shownCommit = (commit: string | null): string => commit?.slice(0, 10) ?? 'no commit';
