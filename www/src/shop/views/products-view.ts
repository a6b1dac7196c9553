import { html, nothing, type TemplateResult } from 'lit';

import { addressOf, api, changeHeaders, got, type Product, refusalOf, thumbnailOf } from '../../api/client';
import { locale } from '../../texts';
import { icon } from '../../ui/icon';
import { priceText } from '../price';
import { shop } from '../shop';
import { s } from '../texts';
import { field, onSubmit, View } from '../view';

/** Photos from which on a product is recognised well. */
export const ENOUGH_PHOTOS = 10;

/** The products of the channel: found, added, brought in and taken out. */
export class ProductsView extends View {
  #search = '';
  #archived: Product[] | null = null;

  protected override render(): TemplateResult {
    const wanted = this.#search.toLocaleLowerCase();
    const all = [...shop.products, ...(this.#archived ?? [])];
    const found = all.filter(({ id, name, barcode }) =>
      [id, name, barcode ?? ''].some((text) => text.toLocaleLowerCase().includes(wanted)),
    );
    return html`<div class="row spread"><h1>${s('nav.products')}</h1>
        <a class="quiet page-link" href=${shop.href('confirm')} data-testid="confirm">${icon('check')} ${s('confirm')}</a></div>
      ${shop.may('edit') ? this.#add() : nothing}
      ${this.notice()}
      <label class="field">${s('products.search')}
        <input type="search" autocomplete="off" data-testid="search" .value=${this.#search} @input=${(event: Event) => {
          this.#search = (event.target as HTMLInputElement).value;
          this.requestUpdate();
        }} /></label>
      ${
        found.length
          ? html`<ul class="tiles" data-testid="products">${found.map(tile)}</ul>`
          : html`<p class="note">${s(all.length ? 'products.notFound' : 'products.none')}</p>`
      }
      ${this.#files()}`;
  }

  #add(): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const price = priceText(field(form, 'price'));
        if (price === null) return s('products.badPrice');
        const body = { name: field(form, 'name'), price: price || null, barcode: field(form, 'barcode') || null };
        const params = { path: { channel: shop.id } };
        const product = await got(api.POST('/api/v1/channels/{channel}/products', { params, body }));
        form.reset();
        form.querySelector('input')?.focus();
        await shop.refresh();
        return s('products.added', { name: product.name });
      });
    });
    return html`<form class="card fields inline" @submit=${submit}>
      <label>${s('products.name')} <input name="name" required maxlength="100" autocomplete="off" data-testid="product-name" /></label>
      <label>${s('products.price')} <input name="price" inputmode="decimal" autocomplete="off" data-testid="product-price" /></label>
      <label>${s('products.barcode')} <input name="barcode" inputmode="numeric" maxlength="32" autocomplete="off" /></label>
      <button type="submit" class="main" data-testid="product-add" ?disabled=${this.busy}>${icon('add')} ${s('products.add')}</button>
    </form>`;
  }

  #files(): TemplateResult {
    const channel = encodeURIComponent(shop.id);
    const send =
      (path: string, type: string | null) =>
      (event: Event): void => {
        const input = event.target as HTMLInputElement;
        const file = input.files?.[0];
        input.value = '';
        if (!file) return;
        void this.act(async () => {
          const form = new FormData();
          form.append('archive', file);
          const headers = { ...changeHeaders(), ...(type && { 'Content-Type': type }) };
          const response = await fetch(addressOf(`channels/${channel}/${path}`), {
            method: 'POST',
            headers,
            body: type ? file : form,
          });
          const body: unknown = await response.json().catch(() => null);
          if (!response.ok) throw refusalOf(response.status, body);
          await shop.refresh();
          const { created, changed, stored, duplicates } = body as Record<string, number>;
          return type
            ? s('products.brought', { created: created ?? 0, changed: changed ?? 0 })
            : s('products.zipped', { stored: stored ?? 0, duplicates: duplicates ?? 0 });
        });
      };
    const showArchived = (event: Event): void => {
      if (!(event.target as HTMLInputElement).checked) {
        this.#archived = null;
        this.requestUpdate();
        return;
      }
      void this.act(async () => {
        const params = { path: { channel: shop.id }, query: { archived: true, limit: 500 } };
        const { items } = await got(api.GET('/api/v1/channels/{channel}/products', { params }));
        this.#archived = items.filter(({ archivedAt }) => archivedAt != null);
      });
    };
    return html`<section class="card">
      <h2>${s('products.files')}</h2>
      <label class="check"><input type="checkbox" @change=${showArchived} /> <span>${s('products.showArchived')}</span></label>
      <div class="row">
        <a class="quiet page-link" download href=${addressOf(`channels/${channel}/products.export?format=csv`)}>${s('products.export')}</a>
        ${
          shop.may('edit')
            ? html`<label class="quiet file">${s('products.import')}
                  <input type="file" accept=".csv,text/csv" data-testid="import-csv" ?disabled=${this.busy} @change=${send('products.import', 'text/csv')} /></label>
                <label class="quiet file">${s('products.zip')}
                  <input type="file" accept=".zip,application/zip" data-testid="import-zip" ?disabled=${this.busy} @change=${send('photos.import', null)} /></label>`
            : nothing
        }
      </div>
      <p class="note">${s('products.zipNote')}</p>
    </section>`;
  }
}
customElements.define('shop-products', ProductsView);

function tile(product: Product): TemplateResult {
  const { id, name, photos, archivedAt } = product;
  return html`<li><a class="tile" href=${shop.href('products', id)} data-testid="product" data-product=${id}>
    ${thumb(product)}
    <b>${name}</b>
    <span>${money(product)}</span>
    <span class=${photos < ENOUGH_PHOTOS ? 'few' : 'note'}>${s('products.photos', { count: photos })}</span>
    ${archivedAt == null ? nothing : html`<span class="pill">${s('product.archived')}</span>`}
  </a></li>`;
}

/** A product's picture, or its first letter. */
export function thumb({ name, picture }: Pick<Product, 'name' | 'picture'>): TemplateResult {
  return picture
    ? html`<img class="thumb" loading="lazy" alt="" src=${thumbnailOf(shop.id, picture)} />`
    : html`<span class="thumb letter" aria-hidden="true">${name.charAt(0).toLocaleUpperCase()}</span>`;
}

/** A product's price in its currency; empty where it has none. */
export function money({ price, currency }: Pick<Product, 'price' | 'currency'>): string {
  if (price == null) return '';
  const unit = currency ?? shop.channel?.settings.currency ?? null;
  return Number(price).toLocaleString(locale, unit ? { style: 'currency', currency: unit } : {});
}
