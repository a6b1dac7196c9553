import { html, nothing, type TemplateResult } from 'lit';

import { type Agreement, addressOf, api, got, type Photo } from '../../api/client';
import { locale } from '../../texts';
import { percent } from '../../ui/format';
import { icon } from '../../ui/icon';
import { shop } from '../shop';
import { s } from '../texts';
import { field, onSubmit, View } from '../view';

/** A second person says what photos show, without being told what the first one said. */
export class ConfirmView extends View {
  #waiting: Photo[] | null = null;
  #agreement: Agreement | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load());
  }

  async #load(): Promise<void> {
    const params = { path: { channel: shop.id } };
    [this.#waiting, this.#agreement] = await Promise.all([
      got(api.GET('/api/v1/channels/{channel}/confirmations', { params })),
      got(api.GET('/api/v1/channels/{channel}/agreement', { params })),
    ]);
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const photo = this.#waiting?.[0];
    return html`<h1>${s('confirm')}</h1>
      <p>${s('confirm.why')}</p>
      ${this.notice()}
      ${photo && shop.may('edit') ? this.#ask(photo) : this.#waiting ? html`<p class="note">${s('confirm.none')}</p>` : nothing}
      ${this.#agreement ? this.#told(this.#agreement) : nothing}`;
  }

  #ask(photo: Photo): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const params = { path: { channel: shop.id, photo: photo.id } };
        const body = { product: field(form, 'product') };
        await got(api.POST('/api/v1/channels/{channel}/photos/{photo}/confirmation', { params, body }));
        form.reset();
        await this.#load();
        return s('confirm.thanks');
      });
    });
    const file = addressOf(`channels/${encodeURIComponent(shop.id)}/photos/${encodeURIComponent(photo.id)}/file`);
    return html`<form class="card fields" @submit=${submit}>
      <img class="photo-full" src=${file} alt=${s('confirm.photo')} />
      <label>${s('confirm.what')}
        <select name="product" required data-testid="confirm-as">
          <option value="">${s('confirm.pick')}</option>
          ${shop.products.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
        </select></label>
      <button type="submit" class="main" data-testid="confirm-now" ?disabled=${this.busy}>${icon('check')} ${s('confirm.say')}</button>
    </form>`;
  }

  #told({ waiting, confirmed, agreeing, kappa }: Agreement): TemplateResult {
    return html`<section class="card" data-testid="agreement">
      <h2>${s('agreement')}</h2>
      <dl>
        <div><dt>${s('agreement.waiting')}</dt><dd>${waiting.toLocaleString(locale)}</dd></div>
        <div><dt>${s('agreement.confirmed')}</dt><dd>${confirmed.toLocaleString(locale)}</dd></div>
        <div><dt>${s('agreement.share')}</dt><dd>${confirmed ? percent(agreeing / confirmed) : '–'}</dd></div>
        <div><dt>${s('agreement.kappa')}</dt>
          <dd>${kappa == null ? '–' : kappa.toLocaleString(locale, { maximumFractionDigits: 2 })}</dd></div>
      </dl>
      <p class="note">${s('agreement.note')}</p>
    </section>`;
  }
}
customElements.define('shop-confirm', ConfirmView);
