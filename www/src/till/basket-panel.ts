import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import { locale, t } from '../texts';
import { time } from '../ui/format';
import { icon } from '../ui/icon';
import { count, type Line, total } from './basket';
import { formatMoney } from './money';
import type { Till } from './till';

export interface BasketActions {
  correct(): void;
  pay(): void;
  toggle(): void;
}

/** The basket: a bar with count and total that opens on a phone, and a column that is always open on a wide screen. */
export function basketPanel(till: Till, open: boolean, on: BasketActions): TemplateResult {
  const { basket, currency, parked } = till;
  const money = (amount: number): string => formatMoney(amount, currency, locale);
  const items = t('basket.items', { count: count(basket) });
  const empty = basket.lines.length === 0;
  return html`<section class="basket" aria-label=${t('basket.title')} data-testid="basket" ?data-open=${open}>
    <div class="basket-lines" id="basket-lines">
      <h2>${t('basket.title')}</h2>
      ${empty ? html`<p class="note">${t('basket.empty')}</p>` : nothing}
      <ol>
        ${repeat(
          basket.lines,
          ({ id }) => id,
          (line) => lineView(till, line, money, on),
        )}
      </ol>
      <div class="row actions">
        <button type="button" class="quiet" data-testid="undo" ?disabled=${!till.canUndo} @click=${() => till.undo()}>
          ${icon('undo')} ${t('basket.undo')}
        </button>
        <button type="button" class="quiet" data-testid="park" ?disabled=${empty} @click=${() => till.park()}>
          ${icon('park')} ${t('basket.park')}
        </button>
      </div>
      ${
        parked.length
          ? html`<h3>${t('basket.parked', { count: parked.length })}</h3>
              <ul class="parked" data-testid="parked">
                ${parked.map(
                  (sale) => html`<li>
                    <span>${t('basket.parkedAt', { time: time(sale.at), items: t('basket.items', { count: count(sale.basket) }) })}</span>
                    <b>${money(total(sale.basket))}</b>
                    <button type="button" class="quiet" @click=${() => till.resume(sale)}>${t('basket.resume')}</button>
                  </li>`,
                )}
              </ul>`
          : nothing
      }
    </div>
    <div class="basket-bar">
      <button type="button" class="basket-toggle" aria-expanded=${open} aria-controls="basket-lines"
        aria-label=${`${items}. ${t(open ? 'basket.hide' : 'basket.show')}`} @click=${on.toggle}>
        ${icon('cart')} <span data-testid="basket-count">${items}</span>
      </button>
      <p class="basket-total"><span>${t('basket.total')}</span> <b data-testid="total">${money(total(basket))}</b></p>
      <button type="button" class="main" data-testid="pay" ?disabled=${empty} @click=${on.pay}>${t('basket.pay')}</button>
    </div>
  </section>`;
}

function lineView(till: Till, line: Line, money: (amount: number) => string, on: BasketActions): TemplateResult {
  const { id, name, price, quantity } = line;
  const last = id === till.basket.last;
  const set = (value: number): void => till.setQuantity(id, value);
  return html`<li class="line" data-testid="line">
    <span class="line-name">${name}</span>
    <span class="line-sum">${money(price * quantity)}</span>
    <span class="line-each">${t('basket.each', { price: money(price) })}</span>
    <span class="stepper">
      <button type="button" class="round" aria-label=${t('basket.less', { name })} @click=${() => set(quantity - 1)}>
        ${icon(quantity === 1 ? 'trash' : 'minus')}
      </button>
      <output aria-label=${t('basket.quantity')}>${quantity.toLocaleString(locale)}</output>
      <button type="button" class="round" aria-label=${t('basket.more', { name })} @click=${() => set(quantity + 1)}>
        ${icon('add')}
      </button>
    </span>
    ${
      last
        ? html`<button type="button" class="link wrong" data-testid="wrong" aria-label=${t('basket.wrongLabel', { name })}
            @click=${on.correct}>${t('basket.wrong')}</button>`
        : nothing
    }
  </li>`;
}
