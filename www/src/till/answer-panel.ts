import { html, nothing, type TemplateResult } from 'lit';

import { t } from '../texts';
import { percent } from '../ui/format';
import { icon } from '../ui/icon';
import type { Product } from './catalogue';
import { picture } from './picture';
import { priceOf } from './search-sheet';
import type { View } from './view';

export interface AnswerActions {
  add(product: Product): void;
  /** None of what is shown: find it otherwise. */
  search(): void;
  teach(): void;
  openItem(): void;
}

/** What the camera sees, as large buttons that add it. `notice` stands instead while there is no answer. */
export function answerPanel(view: View | null, notice: string, on: AnswerActions): TemplateResult {
  return html`<section class="answer" aria-label=${t('answer.label')} data-testid="answer" data-decision=${view?.decision ?? 'none'}>
    ${
      view
        ? html`<p class="hint" data-testid="hint" ?hidden=${!view.hint}>${view.hint ? t(`hint.${view.hint}`) : ''}</p>
            ${BODIES[view.decision](view, on)}`
        : html`<p class="notice" data-testid="notice">${notice}</p>`
    }
  </section>`;
}

const BODIES: Record<View['decision'], (view: View, on: AnswerActions) => TemplateResult> = {
  match: ({ products: [product], confidence }, on) =>
    product
      ? html`<button type="button" class="add" data-testid="add" data-label=${product.label} @click=${() => on.add(product)}>
            ${picture(product)}
            <span class="add-name" data-testid="result-label">${product.name}</span>
            <span class="add-price">${priceOf(product)}</span>
            <span class="add-sign">${icon('add')} ${t('answer.add')}</span>
            <span class="sure" data-testid="result-confidence">${t('answer.sure', { percent: percent(confidence) })}</span>
          </button>
          <div class="row"><button type="button" class="link" data-testid="other" @click=${on.search}>${t('answer.other')}</button></div>`
      : html`${nothing}`,
  unsure: ({ products }, on) => html`<h2>${t('answer.unsure')}</h2>
    <ul class="choices" data-testid="unsure">
      ${products.map(
        (product) => html`<li>
          <button type="button" class="choice" data-label=${product.label} @click=${() => on.add(product)}>
            ${picture(product)}<span class="choice-name">${product.name}</span>
            <span class="choice-price">${priceOf(product)}</span>
          </button>
        </li>`,
      )}
      <li><button type="button" class="choice none" data-testid="none" @click=${on.search}>${icon('search')} ${t('answer.none')}</button></li>
    </ul>`,
  unknown: (_view, on) => html`<h2 data-testid="unknown">${t('answer.unknown')}</h2>
    <div class="row actions">
      <button type="button" class="quiet" data-testid="find" @click=${on.search}>${icon('search')} ${t('search.title')}</button>
      <button type="button" class="quiet" data-testid="teach-unknown" @click=${on.teach}>${icon('teach')} ${t('search.teach')}</button>
      <button type="button" class="quiet" @click=${on.openItem}>${icon('tag')} ${t('search.open')}</button>
    </div>`,
};
