import type { ReadScenario } from './read-scenario.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { allSteps } from './scenario-steps.ts';
import { isMapping } from './script.ts';

type Spec = Readonly<Record<string, unknown>>;

/** A part of a step that does nothing. */
type Unread = { at: ScenarioPath; message: string };

/** What the package of `socketio-v3` does not read in the steps of a scenario, or reads as something that never holds. Pure. */
export const packageWarnings = (
  scenario: Pick<ReadScenario, 'scenarios' | 'config' | 'script'>,
): { place: ScenarioPath; message: string }[] =>
  [...allSteps(scenario)].flatMap(({ spec, engine, place }) =>
    engine === 'socketio-v3'
      ? [...unreadKeys(spec), ...unreadBinary(spec), ...matchesThatNeverHold(spec)].map(
          ({ at, message }) => ({ place: [...place, ...at], message }),
        )
      : [],
  );

function unreadKeys(spec: Spec): Unread[] {
  const { emit, acknowledge, response, connect, reconnect, timeout, beforeRequest, afterResponse } = spec;
  const unread = (at: ScenarioPath, what: string, write = ''): Unread => ({
    at,
    message: `${what} with "engine: socketio-v3", whose package does not read it. Write ${write}"engine: socketio".`,
  });
  const found: Unread[] = [];
  if (isMapping(emit) && emit.args !== undefined)
    found.push(unread(['emit', 'args'], '"args" means nothing', '"emit: [event, ...]", or '));
  if (isSaid(acknowledge) && isSaid(response))
    found.push(unread(['acknowledge'], '"acknowledge" means nothing beside "response"'));
  if (afterResponse !== undefined) found.push(unread(['afterResponse'], '"afterResponse" means nothing'));
  if (Array.isArray(beforeRequest))
    found.push(
      unread(['beforeRequest'], 'A list of functions in "beforeRequest" means nothing', 'one function, or '),
    );
  if (emit === undefined && isSaid(connect ?? reconnect) && timeout !== undefined)
    found.push(unread(['timeout'], '"timeout" means nothing beside "connect"'));
  for (const { key, answer } of answersOf(spec))
    if (answer.concat !== undefined) found.push(unread([key, 'concat'], '"concat" means nothing'));
  return found;
}

function unreadBinary({ emit }: Spec): Unread[] {
  return JSON.stringify(emit ?? null).includes('"$binary"')
    ? [
        {
          at: ['emit'],
          message:
            '"$binary" is sent as it stands with "engine: socketio-v3". Let a function of "beforeRequest" put a Buffer in, or write "engine: socketio".',
        },
      ]
    : [];
}

function matchesThatNeverHold(spec: Spec): Unread[] {
  return answersOf(spec)
    .filter(({ answer }) =>
      [answer.match].flat().some((one) => isMapping(one) && !extractors.some((name) => name in one)),
    )
    .map(({ key }) => ({
      at: [key, 'match'],
      message: `A match without "json" never holds with "engine: socketio-v3". Write "${key}: { data: ... }" for a whole answer, or "engine: socketio".`,
    }));
}

const extractors = ['json', 'xpath', 'regexp', 'header', 'selector'];

function answersOf({ acknowledge, response }: Spec): { key: string; answer: Spec }[] {
  return Object.entries({ acknowledge, response }).flatMap(([key, answer]) =>
    isMapping(answer) ? [{ key, answer }] : [],
  );
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}
