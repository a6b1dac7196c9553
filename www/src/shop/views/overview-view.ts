import { html, nothing, type TemplateResult } from 'lit';

import { type Agreement, api, got, type Series } from '../../api/client';
import { locale } from '../../texts';
import { dateTime, percent } from '../../ui/format';
import { icon } from '../../ui/icon';
import '../chart';
import { daysOf } from '../series';
import { shop } from '../shop';
import { s } from '../texts';
import { View } from '../view';

/** How the channel is: its figures, accuracy over time, what devices ask and what was corrected. */
export class OverviewView extends View {
  #series: Series | null = null;
  #agreement: Agreement | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      const params = { path: { channel: shop.id } };
      [this.#series, this.#agreement] = await Promise.all([
        got(api.GET('/api/v1/channels/{channel}/series', { params })),
        got(api.GET('/api/v1/channels/{channel}/agreement', { params })),
      ]);
    });
  }

  protected override render(): TemplateResult {
    const { status, products } = shop;
    const photos = products.reduce((sum, product) => sum + product.photos, 0);
    const waiting = this.#agreement?.waiting ?? 0;
    return html`<h1>${shop.channel?.name}</h1>
      ${this.notice()}
      ${
        status && !status.version && shop.may('edit')
          ? html`<a class="main page-link" href=${shop.href('setup')} data-testid="go-setup">${icon('teach')} ${s('setup.go')}</a>`
          : nothing
      }
      <div class="figures">
        ${figure(status?.accuracy == null ? '–' : percent(status.accuracy, 1), s('model.accuracy'), shop.href('model'))}
        ${figure(products.length.toLocaleString(locale), s('nav.products'), shop.href('products'))}
        ${figure(photos.toLocaleString(locale), s('model.photos'), shop.href('products'))}
        ${figure(waiting.toLocaleString(locale), s('agreement.waiting'), shop.href('confirm'))}
      </div>
      <p class="note">${status?.lastTraining == null ? s('overview.untrained') : s('overview.trained', { time: dateTime(status.lastTraining) })}</p>
      ${this.#series ? this.#charts(this.#series) : nothing}
      ${
        status?.version && shop.may('edit')
          ? html`<p><a class="quiet page-link" href=${shop.href('setup')}>${icon('teach')} ${s('setup')}</a></p>`
          : nothing
      }`;
  }

  #charts(series: Series): TemplateResult {
    const { releases } = series;
    const days = daysOf(series);
    const accuracy = [
      { name: s('model.accuracy'), values: releases.map((one) => one.accuracy ?? null), colour: '--match' as const },
      {
        name: s('compare.field'),
        values: releases.map((one) => one.fieldAccuracy ?? null),
        colour: '--focus' as const,
      },
    ];
    const answers = [
      { name: s('overview.answers'), values: days.map((one) => one.answers), colour: '--match' as const },
      { name: s('overview.corrected'), values: days.map((one) => one.corrected), colour: '--alarm' as const },
    ];
    return html`<section class="card"><h2>${s('overview.accuracy')}</h2>
        ${
          releases.length
            ? html`<shop-chart .name=${s('overview.accuracy')} .times=${releases.map(({ trainedAt }) => trainedAt / 1000)} .lines=${accuracy} .shares=${true}></shop-chart>`
            : html`<p class="note">${s('overview.noModels')}</p>`
        }</section>
      <section class="card"><h2>${s('overview.use')}</h2>
        ${
          days.length
            ? html`<shop-chart .name=${s('overview.use')} .times=${days.map(({ time }) => time)} .lines=${answers}></shop-chart>`
            : html`<p class="note">${s('overview.noUse')}</p>`
        }</section>`;
  }
}
customElements.define('shop-overview', OverviewView);

function figure(value: string, name: string, href: string): TemplateResult {
  return html`<a class="card figure" href=${href}><b>${value}</b> <span>${name}</span></a>`;
}
