import { SecretMask } from '../secret-mask.ts';

/** A JSON Web Token: servers like to log the tokens of those who connect, and ours are minted for one run. */
const jsonWebToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** Removes `secrets`, and every JSON Web Token, from a line of output. */
export const outputMask = (secrets: Iterable<string>): ((line: string) => string) => {
  const mask = new SecretMask();
  for (const secret of secrets) mask.add(secret);
  return (line) => {
    const masked = mask.mask(line);
    return masked.includes('eyJ') ? masked.replace(jsonWebToken, '***') : masked;
  };
};
