import { html, nothing, type TemplateResult } from 'lit';

import { addressOf, api, got, type Photo } from '../api/client';
import { dateTime } from '../ui/format';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';
import { shop } from './shop';
import { s } from './texts';
import { findingText } from './upload-panel';
import { explained, fact, field, onSubmit } from './view';

/** One photo in full: moved to another product, disputed, made the product's picture, or deleted. */
export class PhotoSheet extends Sheet {
  #photo: Photo | undefined;
  #changed: () => void = () => undefined;
  #problem = '';
  #deleting = false;

  show(photo: Photo, changed: () => void): void {
    this.#photo = photo;
    this.#changed = changed;
    this.#problem = '';
    this.#deleting = false;
    this.open();
  }

  protected override heading(): string {
    return s('photo');
  }

  #do(action: () => Promise<unknown>): void {
    action()
      .then(() => {
        this.#changed();
        this.close();
      })
      .catch((error: unknown) => {
        this.#problem = explained(error);
        this.requestUpdate();
      });
  }

  protected override body(): TemplateResult {
    const photo = this.#photo!;
    const path = { channel: shop.id, photo: photo.id };
    const change = (body: { product?: string; disputed?: boolean; dispute?: string }): void =>
      this.#do(() => got(api.PATCH('/api/v1/channels/{channel}/photos/{photo}', { params: { path }, body })));
    const file = addressOf(`channels/${encodeURIComponent(shop.id)}/photos/${encodeURIComponent(photo.id)}/file`);
    const findings = photo.findings.map(findingText).filter(Boolean);
    return html`<img class="photo-full" src=${file} alt=${shop.nameOf(photo.product)} />
      <p class="problem" role="status">${this.#problem}</p>
      <dl>
        ${fact(s('photo.added'), dateTime(photo.createdAt))}
        ${fact(s('photo.size'), `${photo.width} × ${photo.height}`)}
        ${fact(s('photo.source'), s(`photo.source.${sourceOf(photo.source)}`))}
        ${fact(s('photo.second'), photo.confirmedAs == null ? '' : shop.nameOf(photo.confirmedAs))}
      </dl>
      ${findings.length ? html`<p class="few">${findings.join(' ')}</p>` : nothing}
      ${photo.disputedAt == null ? nothing : html`<p class="problem">${s('photo.disputed', { why: photo.dispute ?? '' })}</p>`}
      ${shop.may('edit') ? this.#actions(photo, change) : nothing}`;
  }

  #actions(
    photo: Photo,
    change: (body: { product?: string; disputed?: boolean; dispute?: string }) => void,
  ): TemplateResult {
    const picture = (): void =>
      this.#do(() => {
        const params = { path: { channel: shop.id, product: photo.product } };
        return got(api.PATCH('/api/v1/channels/{channel}/products/{product}', { params, body: { picture: photo.id } }));
      });
    const remove = (): void => {
      if (!this.#deleting) {
        this.#deleting = true;
        this.requestUpdate();
        return;
      }
      const params = { path: { channel: shop.id, photo: photo.id } };
      this.#do(() => got(api.DELETE('/api/v1/channels/{channel}/photos/{photo}', { params })));
    };
    return html`<form class="fields" @submit=${onSubmit((form) => change({ product: field(form, 'product') }))}>
        <label>${s('photo.move')}
          <select name="product" data-testid="move-to">
            ${shop.products.map(({ id, name }) => html`<option value=${id} ?selected=${id === photo.product}>${name}</option>`)}
          </select></label>
        <button type="submit" class="quiet" data-testid="move">${s('photo.moveNow')}</button>
      </form>
      <div class="row">
        <button type="button" class="quiet" data-testid="make-picture" @click=${picture}>${icon('photo')} ${s('photo.picture')}</button>
        ${
          photo.disputedAt == null
            ? html`<button type="button" class="quiet" data-testid="dispute" @click=${() => change({ disputed: true, dispute: s('photo.doubt') })}>
                ${s('photo.dispute')}</button>`
            : html`<button type="button" class="quiet" @click=${() => change({ disputed: false })}>${icon('check')} ${s('photo.settle')}</button>`
        }
        <button type="button" class="quiet danger" data-testid="delete-photo" @click=${remove}>
          ${icon('trash')} ${s(this.#deleting ? 'photo.deleteSure' : 'photo.delete')}</button>
      </div>`;
  }
}
customElements.define('shop-photo', PhotoSheet);

const SOURCES = ['upload', 'link', 'import', 'lesson', 'device'] as const;

function sourceOf(word: string): (typeof SOURCES)[number] {
  return SOURCES.find((one) => one === word) ?? 'upload';
}
