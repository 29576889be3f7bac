import type { CalledFunction, SideWork } from './side-work.ts';

/** The work of one side in two pairs as if it had been counted in one: the slices of both, one after the other. */
export const joinWork = (first: SideWork, second: SideWork): SideWork => ({
  node: union(first.node, second.node, (version) => version).sort(),
  scripts: union(first.scripts, second.scripts, ({ url, hash }) => `${url} ${hash}`),
  functions: joinFunctions(first, second),
  messages: [...first.messages, ...second.messages],
  latenciesMs: Object.fromEntries(
    Object.entries(first.latenciesMs).flatMap(([metric, values]) => {
      const others = second.latenciesMs[metric];
      return others === undefined ? [] : [[metric, [...values, ...others]]];
    }),
  ),
  profiles: [...first.profiles, ...second.profiles],
  stacks: [...first.stacks, ...second.stacks],
  profiledMessages: first.profiledMessages + second.profiledMessages,
  profiledQueueUs: first.profiledQueueUs + second.profiledQueueUs,
  allocated:
    first.allocated === null || second.allocated === null
      ? (first.allocated ?? second.allocated)
      : {
          bytes: first.allocated.bytes + second.allocated.bytes,
          inWorkersBytes: first.allocated.inWorkersBytes + second.allocated.inWorkersBytes,
          messages: first.allocated.messages + second.allocated.messages,
        },
  profiledCpuUs:
    first.profiledCpuUs === null && second.profiledCpuUs === null
      ? null
      : (first.profiledCpuUs ?? 0) + (second.profiledCpuUs ?? 0),
});

/** A function that did not run in one of them ran no time in its slices. */
function joinFunctions(first: SideWork, second: SideWork): CalledFunction[] {
  const none = ({ messages }: SideWork): number[] => messages.map(() => 0);
  const keyOf = ({ url, line, column, body }: CalledFunction): string => `${url}:${line}:${column}:${body}`;
  const later = new Map(second.functions.map((one) => [keyOf(one), one]));
  const known = new Set(first.functions.map(keyOf));
  return [
    ...first.functions.map((one) => ({
      ...one,
      calls: [...one.calls, ...(later.get(keyOf(one))?.calls ?? none(second))],
    })),
    ...second.functions
      .filter((one) => !known.has(keyOf(one)))
      .map((one) => ({ ...one, calls: [...none(first), ...one.calls] })),
  ];
}

function union<T>(first: readonly T[], second: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map([...first, ...second].map((one) => [keyOf(one), one])).values()];
}
