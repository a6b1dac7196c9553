/**
 * How hard a passphrase is to guess, 0 to 4, for the meter beside the field. It counts different characters and kinds of
 * them; the vault itself refuses what is plainly weak.
 */
export function strength(passphrase: string): number {
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(passphrase)).length;
  const different = new Set(passphrase).size;
  const bits = Math.min(passphrase.length, 2 * different) * Math.log2(10 + 16 * kinds);
  return [30, 50, 70, 90].filter((limit) => bits >= limit).length;
}
