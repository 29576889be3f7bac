import type { BundledPackage } from '../build/bundled-packages.ts';

const purl = ({ name, version }: { name: string; version: string }): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** An SPDX expression, or one licence by its identifier, as CycloneDX wants them told apart. */
const licenceOf = (licence: string): object =>
  /^[\w.-]+$/.test(licence) ? { license: { id: licence } } : { expression: licence };

/**
 * The bill of materials of the published package, as CycloneDX 1.6: what is in the bundle, which is all that a user gets.
 * The same sources give the same text.
 */
export const billOfMaterials = (version: string, packages: readonly BundledPackage[]): object => {
  const self = { name: 'tailgate', version };
  const components = packages.map((one) => ({
    type: 'library',
    'bom-ref': purl(one),
    name: one.name,
    version: one.version,
    licenses: [licenceOf(one.licence)],
    purl: purl(one),
    ...(one.repository === null ? {} : { externalReferences: [{ type: 'vcs', url: one.repository }] }),
  }));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': purl(self),
        ...self,
        licenses: [{ license: { id: 'MIT' } }],
        purl: purl(self),
      },
    },
    components,
    dependencies: [{ ref: purl(self), dependsOn: components.map((one) => one['bom-ref']) }],
  };
};
