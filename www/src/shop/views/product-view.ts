import { html, nothing, type TemplateResult } from 'lit';

import { api, got, type NewLink, type Photo, type Product, thumbnailOf } from '../../api/client';
import { icon } from '../../ui/icon';
import { LinkSheet } from '../link-sheet';
import { PhotoSheet } from '../photo-sheet';
import { priceText } from '../price';
import { uploadLink } from '../route';
import { shop } from '../shop';
import { s } from '../texts';
import '../upload-panel';
import { field, onSubmit, View } from '../view';
import { ENOUGH_PHOTOS } from './products-view';

/** Photos that are fetched at once. */
const PAGE = 60;

/** One product: its facts and its photos. */
export class ProductView extends View {
  product = '';
  #shown = '';
  readonly #link = new LinkSheet();
  readonly #sheet = new PhotoSheet();
  #known: Product | null = null;
  #photos: Photo[] = [];
  #next: string | null = null;

  /** The product may become another one while the view stays. */
  protected override willUpdate(): void {
    if (this.product === this.#shown) return;
    this.#shown = this.product;
    this.#known = null;
    this.#photos = [];
    void this.act(() => this.#load());
  }

  async #load(): Promise<void> {
    const path = { channel: shop.id, product: this.product };
    this.#known = await got(api.GET('/api/v1/channels/{channel}/products/{product}', { params: { path } }));
    await this.#page(undefined);
  }

  async #page(after: string | undefined): Promise<void> {
    const query = { product: this.product, limit: PAGE, ...(after !== undefined && { after: Number(after) }) };
    const page = await got(
      api.GET('/api/v1/channels/{channel}/photos', { params: { path: { channel: shop.id }, query } }),
    );
    const photos = page.items as Photo[];
    this.#photos = after === undefined ? photos : [...this.#photos, ...photos];
    this.#next = page.next ?? null;
    this.requestUpdate();
  }

  #changed = (): void => {
    void this.act(async () => {
      await Promise.all([this.#load(), shop.refresh()]);
    });
  };

  protected override render(): TemplateResult {
    const known = this.#known;
    return html`<p><a class="quiet page-link" href=${shop.href('products')}>${icon('undo')} ${s('nav.products')}</a></p>
      <h1>${known?.name ?? shop.nameOf(this.product)}</h1>
      ${this.notice()}
      ${shop.may('upload') && known?.archivedAt == null ? this.#upload() : nothing}
      <section>
        <h2>${s('product.photos', { count: known?.photos ?? 0 })}</h2>
        ${(known?.photos ?? 0) < ENOUGH_PHOTOS ? html`<p class="few">${s('product.more', { count: ENOUGH_PHOTOS })}</p>` : nothing}
        <ul class="photos" data-testid="photo-list">${this.#photos.map((photo) => this.#thumb(photo))}</ul>
        ${
          this.#next === null
            ? nothing
            : html`<button type="button" class="quiet" @click=${() => void this.act(() => this.#page(this.#next ?? undefined))}>${s('more')}</button>`
        }
      </section>
      ${known && shop.may('edit') ? this.#facts(known) : nothing}
      ${this.#sheet}${this.#link}`;
  }

  #upload(): TemplateResult {
    const phone = (): void =>
      this.#link.show(s('phone'), s('phone.how', { name: this.#known?.name ?? '' }), async () => {
        const body = { purpose: 'upload' as const, channels: [shop.id] };
        const link: NewLink = await got(api.POST('/api/v1/links', { body }));
        return { ...link, url: uploadLink(link.url, this.product, this.#known?.name ?? '') };
      });
    return html`<shop-upload-panel .channel=${shop.id} .product=${this.product} .onStored=${this.#changed}></shop-upload-panel>
      ${
        shop.may('edit')
          ? html`<button type="button" class="quiet" data-testid="phone" @click=${phone}>${icon('phone')} ${s('phone')}</button>`
          : nothing
      }`;
  }

  #thumb(photo: Photo): TemplateResult {
    const marked =
      photo.disputedAt != null ? s('photo.mark.disputed') : photo.findings.length ? s('photo.mark.hard') : '';
    return html`<li><button type="button" class="photo" aria-label=${`${s('photo')} ${marked}`}
      @click=${() => this.#sheet.show(photo, this.#changed)}>
      <img loading="lazy" alt="" src=${thumbnailOf(shop.id, photo.id)} />
      ${marked ? html`<span class="mark">${marked}</span>` : nothing}
    </button></li>`;
  }

  #facts({ name, price, barcode, archivedAt, photos }: Product): TemplateResult {
    const path = { channel: shop.id, product: this.product };
    const change = (body: {
      name?: string;
      price?: string | null;
      barcode?: string | null;
      archived?: boolean;
    }): void =>
      void this.act(async () => {
        await got(api.PATCH('/api/v1/channels/{channel}/products/{product}', { params: { path }, body }));
        await Promise.all([this.#load(), shop.refresh()]);
        return s('saved');
      });
    const submit = onSubmit((form) => {
      const typed = priceText(field(form, 'price'));
      if (typed === null) this.say(s('products.badPrice'), true);
      else change({ name: field(form, 'name'), price: typed || null, barcode: field(form, 'barcode') || null });
    });
    const remove = (): void =>
      void this.act(async () => {
        await got(api.DELETE('/api/v1/channels/{channel}/products/{product}', { params: { path } }));
        await shop.refresh();
        shop.go('products');
      });
    return html`<form class="card fields" @submit=${submit}>
      <h2>${s('product.facts')}</h2>
      <label>${s('products.name')} <input name="name" required maxlength="100" .value=${name} autocomplete="off" data-testid="edit-name" /></label>
      <label>${s('products.price')} <input name="price" inputmode="decimal" .value=${price ?? ''} autocomplete="off" data-testid="edit-price" /></label>
      <label>${s('products.barcode')} <input name="barcode" maxlength="32" .value=${barcode ?? ''} autocomplete="off" /></label>
      <div class="row">
        <button type="submit" class="main" data-testid="save" ?disabled=${this.busy}>${icon('check')} ${s('save')}</button>
        <button type="button" class="quiet" data-testid="archive" ?disabled=${this.busy} @click=${() => change({ archived: archivedAt == null })}>
          ${s(archivedAt == null ? 'product.archive' : 'product.unarchive')}</button>
        ${
          photos === 0
            ? html`<button type="button" class="quiet danger" ?disabled=${this.busy} @click=${remove}>${icon('trash')} ${s('product.delete')}</button>`
            : nothing
        }
      </div>
      <p class="note">${s('product.archiveNote')}</p>
    </form>`;
  }
}
customElements.define('shop-product', ProductView);
