import { problemsOf, TailgateError, throwProblems } from '../errors.ts';
import { asInputs } from '../settings/input-overlay.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import type { RoomSettings } from '../settings/settings-schema.ts';
import { ownerCredentials } from '../side/room/owner-credentials.ts';
import { targetAddress, wantsFreePort } from '../side/target/target-address.ts';

/** Stands for every secret: what is checked here is what surrounds them. */
const anySecret = new Proxy<Record<string, string>>({}, { get: () => 'secret' });

/**
 * Checks what a side is opened with as far as that takes no server: the address, and the templates of the room. Throws
 * SETTINGS_INVALID_VALUE, with its line, for each that would fail only once the server runs.
 */
export const checkOpenings = async (plan: RunPlan, loaded: LoadedSettings): Promise<void> => {
  const problems = new Map<string, TailgateError>();
  for (const suite of plan.suites) {
    const name = suite.level?.suite ?? suite.name;
    const index = loaded.settings.suites.findIndex((candidate) => candidate.name === name);
    for (const check of checksOf(suite)) {
      try {
        await check();
      } catch (failure) {
        for (const { code, what, fix, exit, where, cause } of problemsOf(failure)) {
          const key = where.key ?? 'target.url';
          const place = loaded.placeOf(['suites', index, ...key.split('.')]);
          const problem = new TailgateError(code, what, fix, exit, place, cause);
          // Who has no file reads of flags and not of its keys.
          const found = loaded.file === null ? asInputs(problem, loaded.inputSource) : problem;
          // Suites that share a room share its mistakes.
          problems.set(found.message, found);
        }
      }
    }
  }
  throwProblems([...problems.values()]);
};

function checksOf({ target, room }: SuitePlan): (() => unknown)[] {
  return [
    () => targetAddress(target, wantsFreePort(target) ? 1 : null),
    ...(room === null ? [] : [() => fillRoom(room)]),
  ];
}

/** Fills every template of the room, as its owner will. Throws SETTINGS_INVALID_VALUE. */
async function fillRoom(room: RoomSettings): Promise<void> {
  const owner = await ownerCredentials(room, { env: anySecret, nowMs: Date.now() });
  if (room.create !== undefined) owner.argumentsOf(room.create, {}, 'room.create');
  const captured = Object.fromEntries(Object.keys(room.capture).map((name) => [name, '']));
  if (room.delete !== undefined) owner.argumentsOf(room.delete, captured, 'room.delete');
}
