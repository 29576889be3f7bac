import artilleryPackage from '../../node_modules/artillery/package.json' with { type: 'json' };
import packageFile from '../../package.json' with { type: 'json' };

// The bundle takes the version alone of either file: see scripts/build/artillery-parts.ts.

/** Version of Tailgate, as in package.json. */
export const tailgateVersion: string = packageFile.version;

/** Version of the Artillery whose runner is in the bundle. */
export const artilleryVersion: string = artilleryPackage.version;
