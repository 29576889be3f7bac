import path from 'node:path';

const isSet = (value) => value !== undefined && value !== '' && value !== 'false' && value !== '0';

/** Whether what runs here is a test, by the usual variables. */
export const isTestRun = (env) => env.NODE_ENV === 'test' || isSet(env.CI);

/**
 * The file of the database that `env.DATABASE_URL` names ("file:" and a path, relative to `cwd`); the real one,
 * `location-messages.db`, where it names none. Throws in tests and in CI unless the name of the file says that it is a
 * test database: a load test must never fill the real one.
 */
export const databaseFile = (env, cwd) => {
  const url = env.DATABASE_URL;
  if (!isSet(url)) {
    if (isTestRun(env))
      throw new Error('DATABASE_URL is not set. In tests and in CI it must name a test database.');
    return path.resolve(cwd, 'location-messages.db');
  }
  if (!url.startsWith('file:')) throw new Error('DATABASE_URL must begin with "file:"');
  const file = path.resolve(cwd, url.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
  const words = path
    .basename(file)
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  if (isTestRun(env) && !words.includes('test'))
    throw new Error(
      `DATABASE_URL names "${path.basename(file)}". In tests and in CI the name must have the word "test" in it.`,
    );
  return file;
};
