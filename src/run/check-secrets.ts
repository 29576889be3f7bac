import { problemsOf, type SourcePosition, TailgateError, throwProblems } from '../errors.ts';
import { readGithubContext } from '../github/github-context.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import { resolveSecret, resolveSecretsIn, type SecretSource } from '../settings/secrets.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Throws SECRET_MISSING, with its file and line, for every secret of the plan that the environment does not hold, before
 * anything is started.
 */
export const checkSecrets = (plan: RunPlan, env: Env, loaded: LoadedSettings): void => {
  const problems = new Map<string, TailgateError>();
  const source = sourceOf(env);
  for (const suite of plan.suites) {
    const name = suite.level?.suite ?? suite.name;
    const index = loaded.settings.suites.findIndex((candidate) => candidate.name === name);
    for (const resolve of secretsOf(suite, env, source)) {
      try {
        resolve();
      } catch (failure) {
        for (const problem of problemsOf(failure)) {
          const found = placed(problem, index, loaded);
          // Suites that share a room share its secret too.
          problems.set(found.message, found);
        }
      }
    }
  }
  throwProblems([...problems.values()]);
};

/** Runs of forks and of Dependabot get no secrets of the repository. */
function sourceOf(env: Env): SecretSource {
  if (env.GITHUB_ACTIONS !== 'true') return 'terminal';
  const { fork, dependabot } = readGithubContext(env);
  return fork || dependabot ? 'fork' : 'workflow';
}

function secretsOf({ target, room, measure }: SuitePlan, env: Env, source: SecretSource): (() => unknown)[] {
  const jwt = measure.jwt;
  const token = room?.token;
  const ownerJwt = room?.jwt;
  return [
    ...(jwt === undefined ? [] : [() => resolveSecret(jwt.secret, env, 'measure.jwt.secret', source)]),
    ...(token === undefined ? [] : [() => resolveSecret(token, env, 'room.token', source)]),
    ...(ownerJwt === undefined ? [] : [() => resolveSecret(ownerJwt.secret, env, 'room.jwt.secret', source)]),
    ...Object.entries(room?.headers ?? {}).map(
      ([name, header]) =>
        () =>
          resolveSecret(header, env, `room.headers.${name}`, source),
    ),
    ...Object.entries(target.resources?.headers ?? {}).map(
      ([name, header]) =>
        () =>
          resolveSecret(header, env, `target.resources.headers.${name}`, source),
    ),
    () => resolveSecretsIn(room?.auth ?? {}, env, 'room.auth', source),
    ...(['create', 'delete'] as const).flatMap((emit) =>
      (['data', 'args'] as const).map(
        (name) => () => resolveSecretsIn(room?.[emit]?.[name], env, `room.${emit}.${name}`, source),
      ),
    ),
  ];
}

/** The same error at the place where the user wrote the secret, instead of at its key. */
function placed(problem: TailgateError, suiteIndex: number, loaded: LoadedSettings): TailgateError {
  const { key } = problem.where;
  if (key === undefined || suiteIndex < 0) return problem;
  const steps = key.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  const where: SourcePosition = loaded.placeOf(['suites', suiteIndex, ...steps, 'env']);
  return new TailgateError(problem.code, problem.what, problem.fix, problem.exit, where, problem.cause);
}
