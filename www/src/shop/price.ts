/**
 * A price as people type it, in whatever digits and with a comma or a point, as the service takes it: decimal text. Empty stands for no price; null for what is no price.
 */
export function priceText(typed: string): string | null {
  const text = typed
    .trim()
    .replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
    .replace(/[,٫]/, '.');
  return text === '' || /^\d{1,12}(\.\d{1,4})?$/.test(text) ? text : null;
}
