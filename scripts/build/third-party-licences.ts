import type { BundledPackage } from './bundled-packages.ts';

/** Licences under which code may be bundled. Not among them: BSL and BUSL, which forbid production use. */
const allowedLicences = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'Unlicense',
]);

/** Code that has no place in the bundle, by package or by folder of Artillery. */
const forbidden: readonly RegExp[] = [
  /^(@aws-sdk|@smithy|aws-sdk|@azure|@opentelemetry)(\/|$)/,
  /playwright|datadog|dogapi|hot-shots|opentracing|upstash|mixpanel|posthog/i,
];
const forbiddenArtilleryFiles =
  /^dist\/lib\/(platform\/|cmds\/|telemetry|launch-platform|queue-consumer|create-bom)|builtin-packages\/artillery-(engine-playwright|plugin-publish-metrics|plugin-slack)/;

const isAllowed = (licence: string): boolean =>
  licence
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/)
    .some((choice) => choice.split(/\s+AND\s+/).every((part) => allowedLicences.has(part.trim())));

/** Everything that must not be in the bundle and is: one sentence each. */
export const licenceProblems = (packages: readonly BundledPackage[]): string[] =>
  packages.flatMap((one) => [
    ...(forbidden.some((pattern) => pattern.test(one.name)) ? [`${one.name} must not be bundled`] : []),
    ...(one.name === 'artillery'
      ? one.files
          .filter((file) => forbiddenArtilleryFiles.test(file))
          .map((file) => `artillery/${file} must not be bundled`)
      : []),
    ...(isAllowed(one.licence) ? [] : [`${one.name}@${one.version} has the licence "${one.licence}"`]),
    ...(one.text === '' ? [`${one.name}@${one.version} brings no licence text`] : []),
    ...(/Business Source License|Artillery Cloud/i.test(one.text)
      ? [`${one.name}@${one.version} carries another licence`]
      : []),
  ]);

const rule = '-'.repeat(80);

const npmPage = (name: string, version: string): string =>
  `https://www.npmjs.com/package/${name}/v/${version}`;

/** Where the source of a package under the Mozilla Public License is, which its licence asks to say. */
const sourceOf = (one: BundledPackage, packages: readonly BundledPackage[]): string[] => {
  if (!one.licence.includes('MPL-2.0')) return [];
  const artillery = packages.find(({ name }) => name === 'artillery');
  // Artillery brings its own plugins inside of its package.
  const places =
    one.name.startsWith('artillery-plugin-') && artillery !== undefined
      ? [`${npmPage('artillery', artillery.version)}, folder dist/builtin-packages/${one.name}`]
      : [npmPage(one.name, one.version), ...(one.repository === null ? [] : [one.repository])];
  return [
    `Source code of the files below, unmodified: ${places.join(', ')}`,
    ...one.files.map((file) => `  ${file}`),
  ];
};

/** The text of THIRD_PARTY_LICENSES. */
export const thirdPartyLicences = (packages: readonly BundledPackage[]): string =>
  [
    'This folder contains code of the packages below, each under its own licence.',
    'Tailgate itself is under the MIT licence.',
    ...packages.map((one) =>
      [
        rule,
        `${one.name} ${one.version}`,
        `Licence: ${one.licence}`,
        ...sourceOf(one, packages),
        '',
        one.text,
        '',
      ].join('\n'),
    ),
  ].join('\n\n');
