/** Takes the place of Artillery's runner where its configuration helpers import it for these two functions. */
export const templateFunctions = {
  contextFuncs: {
    $randomNumber: (low: number, high: number): number => Math.floor(low + Math.random() * (high - low + 1)),
    $randomString: (length = 10): string => {
      const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
      return Array.from({ length }, () => alphabet.charAt((Math.random() * alphabet.length) | 0)).join('');
    },
  },
};
