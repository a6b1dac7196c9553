/** Amounts are whole numbers of the currency's smallest unit, such as cents, so that totals are exact. */
export type Minor = number;

/** Digits behind the decimal point of a currency: 2 for EUR, 0 for JPY, 3 for KWD. */
export function digitsOf(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

export function toMinor(amount: number, currency: string): Minor {
  return Math.round(amount * 10 ** digitsOf(currency));
}

export function toMajor(amount: Minor, currency: string): number {
  return amount / 10 ** digitsOf(currency);
}

export function formatMoney(amount: Minor, currency: string, locale: string): string {
  const value = toMajor(amount, currency);
  try {
    return value.toLocaleString(locale, { style: 'currency', currency });
  } catch {
    return `${value.toLocaleString(locale)} ${currency}`.trim();
  }
}

/**
 * An amount as a person types it, in whatever digits and with a comma or a point: `1,50`, `1.50`, `١٫٥`. Null where it is none,
 * or is negative.
 */
export function parseAmount(text: string, currency: string): Minor | null {
  const plain = text
    .trim()
    .replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
    .replace(/[,٫]/g, '.');
  if (!/^\d{1,9}(\.\d{0,3})?$|^\.\d{1,3}$/.test(plain)) return null;
  return toMinor(Number(plain), currency);
}

/** Notes and rounded amounts that a customer may well give for a total, the smallest first, without the total itself. */
export function likelyNotes(total: Minor, currency: string): Minor[] {
  const unit = 10 ** digitsOf(currency);
  const steps = [1, 5, 10, 20, 50, 100, 200, 500, 1000].map((step) => step * unit);
  const amounts = steps.map((step) => Math.ceil(total / step) * step).filter((amount) => amount > total);
  return [...new Set(amounts)].sort((a, b) => a - b).slice(0, 3);
}
