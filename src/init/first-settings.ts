import { stringify } from 'yaml';
import type { Project } from './read-project.ts';
import { type FoundServer, madeUpSecret } from './start-and-probe.ts';

export type FirstSettings = {
  scenario: string;
  /** Whether the scenario has deliveries of which none may be lost. */
  loses: boolean;
  /** Whether anything but connecting is timed. */
  measured: boolean;
  jwtClaims: Record<string, unknown> | null;
};

/** A quarter of the time that is given if nothing is said: 30 s. */
const slowStartMs = 7_500;

/** The text of a first tailgate.yml. */
export const firstSettings = (
  project: Project,
  server: FoundServer,
  { scenario, loses, measured, jwtClaims }: FirstSettings,
): string => {
  const path = server.protocol === 'socketio' ? server.path : '';
  const settings = {
    suites: [{ name: 'first', scenario }],
    target: {
      ...(project.build === null ? {} : { build: project.build }),
      start: server.start,
      ...(server.fixedPort ? { port: server.port } : {}),
      ...(Object.keys(server.env).length === 0 ? {} : { env: server.env }),
      ready: {
        ...(server.protocol === 'socketio'
          ? { type: 'socketio', ...(path === '' ? {} : { path }) }
          : server.protocol === 'ws'
            ? { type: 'websocket', ...(server.path === '' ? {} : { path: server.path }) }
            : { type: 'tcp' }),
        // A start that builds first takes longer on a machine that is busy.
        ...(server.readyMs < slowStartMs
          ? {}
          : { timeoutMs: Math.ceil((server.readyMs * 4) / 60_000) * 60_000 }),
      },
    },
    ...(jwtClaims === null ? {} : { measure: { jwt: { secret: madeUpSecret, claims: jwtClaims } } }),
    thresholds: [
      measured ? 'p95 < 500ms' : 'connect.handshake.p95 < 500ms',
      'errors.rate < 1%',
      ...(loses ? ['lost = 0'] : []),
    ],
  };
  const fixed = server.fixedPort
    ? `# The server listens on port ${server.port} whatever PORT says. Let it read PORT, and take "port" out: then two versions run side by side.\n`
    : '';
  const signed =
    jwtClaims === null
      ? ''
      : `# The server is started here, and takes a secret that is nobody's: tokens signed with it open nothing else.\n`;
  return `# yaml-language-server: $schema=https://raw.githubusercontent.com/tailgate/tailgate/v0/tailgate.schema.json\n${fixed}${signed}${stringify(settings)}`;
};

/** The workflow that runs the gate, and where it goes; a pipeline that exists is the user's own, and only told what to add. */
export const firstWorkflow = (ci: Project['ci'], sideBySide: boolean): { path: string; text: string } => {
  const baseline = sideBySide ? 'side-by-side' : 'none';
  switch (ci) {
    case 'github':
      return { path: '.github/workflows/performance.yml', text: github(baseline) };
    case 'gitlab':
      return { path: '.gitlab-ci.yml', text: gitlab(baseline) };
    case 'jenkins':
      return { path: 'Jenkinsfile', text: jenkins(baseline) };
  }
};

const github = (baseline: string): string => `name: performance
on: pull_request

permissions:
  contents: read
  pull-requests: write # for the comment

concurrency:
  group: performance-\${{ github.ref }}
  cancel-in-progress: true

jobs:
  gate:
    runs-on: ubuntu-24.04
    timeout-minutes: 40
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: false
      - uses: actions/setup-node@v7
        with:
          node-version: 24
      - uses: tailgate/tailgate@v0
        with:
          baseline: ${baseline}
`;

const clone =
  'git -c advice.detachedHead=false clone --quiet --depth 1 --branch v0 https://github.com/tailgate/tailgate.git';

const gitlab = (baseline: string): string => `performance-gate:
  stage: test
  image: node:24
  resource_group: performance
  timeout: 40 minutes
  variables:
    GIT_DEPTH: "50"
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - ${clone} /tmp/tailgate
    - node /tmp/tailgate/dist/cli.js run --baseline ${baseline}
  artifacts:
    when: always
    paths: [.tailgate/]
    reports:
      junit: .tailgate/junit.xml
`;

const jenkins = (baseline: string): string => `pipeline {
    agent any
    options { timeout(time: 40, unit: 'MINUTES') }
    stages {
        stage('Performance gate') {
            steps {
                sh '''
                    rm -rf "$WORKSPACE_TMP/tailgate"
                    ${clone} "$WORKSPACE_TMP/tailgate"
                    node "$WORKSPACE_TMP/tailgate/dist/cli.js" run --baseline ${baseline}
                '''
            }
        }
    }
    post {
        always {
            junit testResults: '.tailgate/junit.xml', allowEmptyResults: true
            archiveArtifacts artifacts: '.tailgate/**', allowEmptyArchive: true
        }
    }
}
`;
