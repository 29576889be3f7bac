import { execFileSync } from 'node:child_process';

const redisVersion = (): string | null => {
  try {
    return execFileSync('redis-server', ['--version'], { encoding: 'utf8', timeout: 10_000 });
  } catch {
    return null;
  }
};

/**
 * Why tests with a real Redis cannot run here, for the option `skip`; false where they can. In CI they must: there it
 * is an error.
 */
export const withoutRedis: string | false = (() => {
  if (redisVersion() !== null) return false;
  const reason = 'redis-server is not installed';
  const { CI } = process.env;
  if (CI !== undefined && CI !== '' && CI !== 'false')
    throw new Error(`${reason}; the tests of the chat cluster need it in CI`);
  return reason;
})();
