import { html, type TemplateResult } from 'lit';

import type { Product } from './catalogue';

/** How many colours the stylesheet has for letters: the page's policy allows no inline styles. */
const HUES = 8;

/** The small picture of a product; without one its first letter on a colour that is always the same. */
export function picture({ label, name, picture }: Pick<Product, 'label' | 'name' | 'picture'>): TemplateResult {
  if (picture) return html`<img class="thumb" src=${picture} alt="" />`;
  let hash = 0;
  for (const letter of label) hash = (hash * 31 + letter.codePointAt(0)!) % HUES;
  return html`<span class="thumb letter" aria-hidden="true" data-hue=${hash}>${[...name][0]?.toLocaleUpperCase() ?? '?'}</span>`;
}
