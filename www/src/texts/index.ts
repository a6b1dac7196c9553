import { settings } from '../app/settings';
import { texts as english, type Text, type TextKey } from './en';

/** The languages of the app, with their names in themselves. */
export const LANGUAGES: Record<string, string> = { en: 'English' };

const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ur'];

export const language = settings.language ?? preferred();

const texts: Record<TextKey, Text> = english;
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

/** The first language that the browser asks for and the app has. */
function preferred(): string {
  return navigator.languages.map((tag) => tag.split('-')[0] ?? '').find((tag) => tag in LANGUAGES) ?? 'en';
}
