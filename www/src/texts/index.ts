import { settings } from '../app/settings';
import { texts as english, type Text, type TextKey } from './en';

/** The languages of the app, with their names in themselves. */
export const LANGUAGES: Record<string, string> = { en: 'English', sw: 'Kiswahili', ar: 'العربية' };

/** Those that are written from right to left. */
const RIGHT_TO_LEFT = ['ar'];

export const language = settings.language ?? preferred();

const plural = new Intl.PluralRules(language);
const integer = new Intl.NumberFormat(language);

/** For Intl: the chosen language, with the region of the browser where it speaks the same one. */
export const locale = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

document.documentElement.lang = language;
document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr';

/**
 * A function that gives the text of a key with `{name}` replaced by values. Where a text has several plural forms, `count`
 * chooses one by the rules of the language.
 */
export function translator<Key extends string>(
  texts: Record<Key, Text>,
): (key: Key, values?: Record<string, string | number>) => string {
  return (key, values = {}) => {
    const text: Text = texts[key];
    const form = typeof text === 'string' ? text : (text[plural.select(Number(values['count']))] ?? text.other);
    return form.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? '';
      return typeof value === 'number' ? integer.format(value) : value;
    });
  };
}

/** The texts that every page shares, and those of till and scans. */
export const t = translator<TextKey>(
  await loadTexts(language, english, { sw: () => import('./sw'), ar: () => import('./ar') }),
);

/** English is part of the app; another language is fetched, or comes from the service worker, before the page is drawn. */
export async function loadTexts<Key extends string>(
  language: string,
  english: Record<Key, Text>,
  others: Record<string, () => Promise<{ texts: Record<Key, Text> }>>,
): Promise<Record<Key, Text>> {
  const other = others[language];
  return other ? (await other()).texts : english;
}

/** The first language that the browser asks for and the app has. */
function preferred(): string {
  return navigator.languages.map((tag) => tag.split('-')[0] ?? '').find((tag) => tag in LANGUAGES) ?? 'en';
}
