/** Variables by which CI systems are known that do not set `CI`. */
const ownVariables = ['GITHUB_ACTIONS', 'JENKINS_URL', 'TF_BUILD', 'TEAMCITY_VERSION', 'BUILD_URL'];

/** Whether a CI system runs this process, and not somebody at a desk. */
export const isCi = (env: Readonly<Record<string, string | undefined>>): boolean => {
  const ci = (env.CI ?? '').toLowerCase();
  return !['', 'false', '0'].includes(ci) || ownVariables.some((name) => (env[name] ?? '') !== '');
};
