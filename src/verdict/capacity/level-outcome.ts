import type { TailgateError } from '../../errors.ts';
import { metricOf } from '../../metrics/metric.ts';
import { formatValue } from '../../metrics/notation.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import { valuesOf } from '../../metrics/values.ts';
import type { AppliedLimit, SuiteJudgement } from '../judgement.ts';
import { type CapacityReason, inOrderOfCause } from './capacity-reason.ts';
import { exhaustedResources, type ServerMeans } from './exhausted.ts';
import type { Outcome } from './search.ts';
import { pilesUp, type UsersSample } from './users-growth.ts';

/** Everything that one measurement of one load gave. */
export type LevelEvidence = {
  /** Virtual users a second that were asked for. */
  load: number;
  round: RoundMeasurement | null;
  /** Of the round, by its absolute limits; null when there is none. */
  judgement: SuiteJudgement | null;
  /** What ended the measurement early, or kept it from being judged. */
  problem: TailgateError | null;
  /** Why the generator was the bottleneck; null when it was not. */
  bottleneck: string | null;
  /** Users that ran in the step, sampled; empty when the step began before sessions ended as fast as they started. */
  users: readonly UsersSample[];
  means: ServerMeans;
};

export type LevelOutcome = { outcome: Outcome; reasons: CapacityReason[] };

/** Problems by which a server answers a load that it cannot take. */
const serverProblems: readonly string[] = ['TARGET_DIED', 'ROOM_LOST'];

/** Less than this of the load is not the load that was asked for. */
const reachedShare = 0.9;

/**
 * What a load showed. It holds when every limit held and users left as fast as they came. It breaks when one did not,
 * or when the server died of it. Nothing can be said of it when the generator was at its end, or a limit had nothing to
 * judge by. The reasons name resources that were used up before the limits that broke for it.
 */
export const levelOutcome = (evidence: LevelEvidence): LevelOutcome => {
  const { load, round, judgement, problem, bottleneck } = evidence;
  if (problem !== null && serverProblems.includes(problem.code)) {
    const used = round === null ? [] : exhaustedResources(round, evidence.means);
    const died: CapacityReason = { what: 'server', explanation: problem.what.split('\n')[0] ?? '' };
    return { outcome: 'breaks', reasons: inOrderOfCause([died, ...used]) };
  }
  if (problem !== null || round === null)
    return invalid('generator', problem?.what.split('\n')[0] ?? 'Nothing was measured.');
  if (bottleneck !== null)
    return invalid(
      'generator',
      `The load generator was at its end: ${bottleneck}. It says nothing of the server.`,
    );
  const achieved = achievedLoad(round);
  if (achieved === null || achieved < reachedShare * load)
    return invalid(
      'generator',
      `The load generator reached ${formatValue(achieved ?? 0, 'count')} of ${formatValue(load, 'count')} users a second.`,
    );
  const failed = failedAltogether(round);
  const broken = brokenLimits(round, judgement);
  const piling = pilesUp(evidence.users, load);
  const reasons: CapacityReason[] = [
    ...broken,
    ...(failed !== null && !broken.some(({ what }) => what === 'errors') ? [failed] : []),
    ...(piling === null
      ? []
      : [
          {
            what: 'throughput' as const,
            explanation: `Of ${formatValue(load, 'count')} users a second ${formatValue(piling.perSecond, 'count')} did not leave again: the server completes fewer than arrive.`,
          },
        ]),
  ];
  if (reasons.length > 0) {
    const used = exhaustedResources(round, evidence.means);
    return { outcome: 'breaks', reasons: inOrderOfCause([...used, ...reasons]) };
  }
  const unjudged = limitsOf(judgement).find(({ limit }) => limit.verdict !== 'pass');
  if (unjudged !== undefined) return invalid('limit', unjudged.limit.explanation);
  if (judgement === null || judgement.verdict !== 'pass')
    return invalid('limit', judgement?.reason ?? 'Nothing was judged.');
  return { outcome: 'holds', reasons: [] };
};

/** Users a second that the generator started in the step; null when it drove no load. */
export const achievedLoad = (round: RoundMeasurement): number | null =>
  round.activeMs <= 0 ? null : round.generator.startedArrivals / (round.activeMs / 1000);

function invalid(what: CapacityReason['what'], explanation: string): LevelOutcome {
  return {
    outcome: 'invalid',
    reasons: [{ what, explanation }],
  };
}

/**
 * Attempts that failed at a load at which a limit found nothing to judge: no latency comes from users that cannot
 * connect.
 */
function failedAltogether(round: RoundMeasurement): CapacityReason | null {
  const share = valuesOf([round]).value('errors.rate', 'value') ?? 0;
  if (share < 0.5) return null;
  return {
    what: 'errors',
    explanation: `${formatValue(share, 'ratio')} of the attempts failed.${mostFrequentError(round)}`,
  };
}

/** "Most frequent: "connect timeout" (http://... did not answer within 10000 ms)." */
function mostFrequentError({ errors }: RoundMeasurement): string {
  const [first] = [...errors].sort((a, b) => b.count - a.count);
  if (first === undefined) return '';
  const message = first.messages[0] ?? '';
  return ` The most frequent: "${first.name}"${message === '' ? '' : ` (${message})`}.`;
}

function brokenLimits(round: RoundMeasurement, judgement: SuiteJudgement | null): CapacityReason[] {
  return limitsOf(judgement)
    .filter(({ limit }) => limit.verdict === 'fail')
    .map(({ metric, limit }) => {
      const what = metricOf(metric).topic;
      const errors = what === 'errors' ? mostFrequentError(round) : '';
      return { what, explanation: `${limit.explanation}${errors}` };
    });
}

function limitsOf(judgement: SuiteJudgement | null): { metric: string; limit: AppliedLimit }[] {
  return (judgement?.metrics ?? []).flatMap(({ id, limit }) =>
    limit.map((one) => ({ metric: id, limit: one })),
  );
}
