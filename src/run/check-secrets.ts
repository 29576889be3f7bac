import { problemsOf, type TailgateError, throwProblems } from '../errors.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { resolveSecret, resolveSecretsIn } from '../settings/secrets.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Throws SECRET_MISSING for every secret of the plan that the environment does not hold, before anything is started. */
export const checkSecrets = (plan: RunPlan, env: Env): void => {
  const problems = new Map<string, TailgateError>();
  const attempt = (resolve: () => unknown): void => {
    try {
      resolve();
    } catch (failure) {
      for (const problem of problemsOf(failure)) problems.set(problem.message, problem);
    }
  };
  for (const { room, measure } of plan.suites) {
    const { jwt } = measure;
    if (jwt !== undefined) attempt(() => resolveSecret(jwt.secret, env, 'measure.jwt.secret'));
    if (room === null) continue;
    const { token, jwt: ownerJwt } = room;
    if (token !== undefined) attempt(() => resolveSecret(token, env, 'room.token'));
    if (ownerJwt !== undefined) attempt(() => resolveSecret(ownerJwt.secret, env, 'room.jwt.secret'));
    for (const [name, header] of Object.entries(room.headers))
      attempt(() => resolveSecret(header, env, `room.headers.${name}`));
    attempt(() => resolveSecretsIn(room.auth, env, 'room.auth'));
  }
  throwProblems([...problems.values()]);
};
