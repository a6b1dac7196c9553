import { settings } from '../app/settings';
import { texts as english, type Text, type TextKey } from './en';

/** The languages of the app, with their names in themselves. */
export const LANGUAGES: Record<string, string> = { en: 'English', sw: 'Kiswahili', ar: 'العربية' };

/** Those that are written from right to left. */
const RIGHT_TO_LEFT = ['ar'];

export const language = settings.language ?? preferred();

const texts: Record<TextKey, Text> = await load();
const plural = new Intl.PluralRules(language);
const integer = new Intl.NumberFormat(language);

/** For Intl: the chosen language, with the region of the browser where it speaks the same one. */
export const locale = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

document.documentElement.lang = language;
document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr';

/**
 * The text of that key with `{name}` replaced by values. Where a text has several plural forms, `count` chooses one by the
 * rules of the language.
 */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  const text = texts[key];
  const form = typeof text === 'string' ? text : (text[plural.select(Number(values['count']))] ?? text.other);
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'number' ? integer.format(value) : value;
  });
}

/** English is part of the app; another language is fetched, or comes from the service worker, before the page is drawn. */
async function load(): Promise<Record<TextKey, Text>> {
  if (language === 'sw') return (await import('./sw')).texts;
  if (language === 'ar') return (await import('./ar')).texts;
  return english;
}

/** The first language that the browser asks for and the app has. */
function preferred(): string {
  return navigator.languages.map((tag) => tag.split('-')[0] ?? '').find((tag) => tag in LANGUAGES) ?? 'en';
}
