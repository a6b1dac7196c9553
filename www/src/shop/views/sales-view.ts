import { html, nothing, type TemplateResult } from 'lit';

import { addressOf, api, got, type StoredSale } from '../../api/client';
import { locale } from '../../texts';
import { dateTime } from '../../ui/format';
import { icon } from '../../ui/icon';
import { shop } from '../shop';
import { s } from '../texts';
import { View } from '../view';

/** The sales that tills have sent, newest first. */
export class SalesView extends View {
  #sales: StoredSale[] | null = null;
  #next: string | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#page());
  }

  async #page(): Promise<void> {
    const query = { limit: 50, ...(this.#next !== null && { after: Number(this.#next) }) };
    const params = { path: { channel: shop.id }, query };
    const { items, next } = await got(api.GET('/api/v1/channels/{channel}/sales', { params }));
    this.#sales = [...(this.#sales ?? []), ...items];
    this.#next = next ?? null;
  }

  protected override render(): TemplateResult {
    const sales = this.#sales;
    return html`<div class="row spread"><h1>${s('nav.sales')}</h1>
        <a class="quiet page-link" download href=${addressOf(`channels/${encodeURIComponent(shop.id)}/sales.export`)} data-testid="sales-export">
          ${icon('share')} ${s('sales.export')}</a></div>
      ${this.notice()}
      ${sales?.length ? html`<ul class="list" data-testid="sales">${sales.map(row)}</ul>` : sales ? html`<p class="note">${s('sales.none')}</p>` : nothing}
      ${
        this.#next === null
          ? nothing
          : html`<button type="button" class="quiet" @click=${() => void this.act(() => this.#page())}>${s('more')}</button>`
      }`;
  }
}
customElements.define('shop-sales', SalesView);

function row({ sale, receivedFrom }: StoredSale): TemplateResult {
  const money = (amount: number): string =>
    amount.toLocaleString(locale, { style: 'currency', currency: sale.currency });
  return html`<li class="card"><details>
    <summary><span class="row spread"><b>${sale.number ?? '–'}</b> <span class="note">${dateTime(sale.at)}</span> <b>${money(sale.total)}</b></span></summary>
    <dl>${sale.lines.map(
      ({ name, quantity, total }) =>
        html`<div><dt>${s('sales.line', { quantity, name })}</dt><dd>${money(total)}</dd></div>`,
    )}<div><dt>${s('sales.from')}</dt><dd>${receivedFrom}</dd></div></dl>
  </details></li>`;
}
