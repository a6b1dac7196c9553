import { html, nothing, type TemplateResult } from 'lit';

import { locale, t } from '../texts';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';
import { readBarcode } from './barcode';
import type { Product } from './catalogue';
import { formatMoney } from './money';
import { picture } from './picture';
import { search } from './search';

/** What a search is for. */
export interface SearchPurpose {
  correcting: boolean;
  /** The products as they are now: the catalogue may arrive while the sheet is open. */
  products: () => readonly Product[];
  /** The camera's video, where it is live, to read barcodes from. */
  video: HTMLVideoElement | null;
  /** Called with the product that was chosen; null stands for none of the products, where that can be said. */
  chosen(product: Product | null): void;
  teach(name: string): void;
  openItem(name: string): void;
}

/** Finds a product by name, by the digits of its barcode, or by its barcode. */
export class SearchSheet extends Sheet {
  #purpose: SearchPurpose | undefined;
  #typed = '';
  #message = '';
  #reading: AbortController | undefined;

  find(purpose: SearchPurpose): void {
    this.#purpose = purpose;
    this.#typed = this.#message = '';
    this.open();
  }

  protected override heading(): string {
    return t(this.#purpose?.correcting ? 'search.correct' : 'search.title');
  }

  protected override closed(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #end(then: (purpose: SearchPurpose) => void): void {
    const purpose = this.#purpose;
    const typed = this.#typed;
    this.close();
    this.#typed = typed;
    if (purpose) then(purpose);
  }

  async #read(video: HTMLVideoElement): Promise<void> {
    const reading = new AbortController();
    this.#reading = reading;
    this.#message = t('search.reading');
    this.requestUpdate();
    const code = await readBarcode(video, reading.signal).catch(() => null);
    if (this.#reading !== reading) return;
    this.#reading = undefined;
    this.#message = '';
    const product = this.#purpose?.products().find(({ barcode }) => barcode !== null && barcode === code);
    if (product) this.#end(({ chosen }) => chosen(product));
    else if (code) {
      this.#typed = code;
      this.#message = t('search.unknownCode', { code });
    }
    this.requestUpdate();
  }

  protected override body(): TemplateResult {
    const purpose = this.#purpose!;
    const found = search(purpose.products(), this.#typed);
    const type = (event: Event): void => {
      this.#typed = (event.target as HTMLInputElement).value;
      this.#message = '';
      this.requestUpdate();
    };
    const submit = (event: Event): void => {
      event.preventDefault();
      if (found[0] && this.#typed !== '') this.#end(({ chosen }) => chosen(found[0]!));
    };
    return html`
      <form class="search" role="search" @submit=${submit}>
        <label for="search-field">${t('search.label')}</label>
        <input id="search-field" data-first data-testid="search" type="search" autocomplete="off" enterkeyhint="search"
          .value=${this.#typed} @input=${type} />
        ${
          purpose.video
            ? html`<button type="button" class="quiet" ?disabled=${this.#reading !== undefined}
                @click=${() => void this.#read(purpose.video!)}>${icon('barcode')} ${t('search.barcode')}</button>`
            : nothing
        }
      </form>
      <p class="note" role="status">${this.#message || (found.length ? t('search.found', { count: found.length }) : t('search.nothing'))}</p>
      <ul class="choices" data-testid="found">
        ${found.map(
          (product) => html`<li>
            <button type="button" class="choice" @click=${() => this.#end(({ chosen }) => chosen(product))}>
              ${picture(product)}<span class="choice-name">${product.name}</span>
              <span class="choice-price">${priceOf(product)}</span>
            </button>
          </li>`,
        )}
      </ul>
      <div class="row actions">
        <button type="button" class="quiet" data-testid="teach" @click=${() => this.#end(({ teach }) => teach(this.#typed))}>
          ${icon('teach')} ${t('search.teach')}
        </button>
        ${
          purpose.correcting
            ? html`<button type="button" class="quiet" @click=${() => this.#end(({ chosen }) => chosen(null))}>
                ${icon('close')} ${t('search.noProduct')}
              </button>`
            : html`<button type="button" class="quiet" data-testid="open-item"
                @click=${() => this.#end(({ openItem }) => openItem(this.#typed))}>${icon('tag')} ${t('search.open')}</button>`
        }
      </div>
    `;
  }
}
customElements.define('jicho-search', SearchSheet);

export function priceOf({ price, currency }: Product): string {
  return price === null ? t('answer.noPrice') : formatMoney(price, currency, locale);
}
