import { locale } from '../texts';

export function bytes(count: number): string {
  const [value, unit] =
    count < 1e6 ? [count / 1e3, 'kilobyte'] : count < 1e9 ? [count / 1e6, 'megabyte'] : [count / 1e9, 'gigabyte'];
  return value.toLocaleString(locale, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}

export function percent(share: number, digits = 0): string {
  return share.toLocaleString(locale, { style: 'percent', maximumFractionDigits: digits });
}

export function dateTime(at: string | number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? String(at)
    : date.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
}

export function day(at: number): string {
  return new Date(at).toLocaleDateString(locale, { dateStyle: 'full' });
}

export function time(at: number): string {
  return new Date(at).toLocaleTimeString(locale, { timeStyle: 'short' });
}
