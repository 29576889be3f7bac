import packageFile from '../../package.json' with { type: 'json' };

/** Version of Tailgate, as in package.json. */
export const tailgateVersion: string = packageFile.version;
