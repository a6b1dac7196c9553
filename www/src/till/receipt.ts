import { html, type TemplateResult } from 'lit';

import { locale, t } from '../texts';
import { dateTime } from '../ui/format';
import { formatMoney, toMinor } from './money';
import type { Sale } from './sale';

/** A receipt on the screen and, by the page's print styles, on paper. */
export function receiptView(sale: Sale): TemplateResult {
  const money = (amount: number): string => formatMoney(toMinor(amount, sale.currency), sale.currency, locale);
  return html`<section class="receipt" aria-label=${t('receipt.title')} data-testid="receipt">
    <p>${t('receipt.number', { number: sale.number })}<br />${dateTime(sale.at)}</p>
    <table>
      <tbody>
        ${sale.lines.map(
          (line) => html`<tr><td>${line.quantity} × ${line.name}</td><td>${money(line.total)}</td></tr>`,
        )}
      </tbody>
      <tfoot>
        <tr><th scope="row">${t('basket.total')}</th><td data-testid="receipt-total">${money(sale.total)}</td></tr>
        <tr><td>${t(`pay.${sale.payment.method}`)}</td><td>${money(sale.payment.given)}</td></tr>
        <tr><td>${t('pay.change')}</td><td>${money(sale.payment.change)}</td></tr>
      </tfoot>
    </table>
  </section>`;
}

/** The same as plain text, for sharing. */
export function receiptText(sale: Sale): string {
  const money = (amount: number): string => formatMoney(toMinor(amount, sale.currency), sale.currency, locale);
  return [
    t('receipt.number', { number: sale.number }),
    dateTime(sale.at),
    ...sale.lines.map((line) => `${line.quantity} × ${line.name}  ${money(line.total)}`),
    `${t('basket.total')}  ${money(sale.total)}`,
  ].join('\n');
}
