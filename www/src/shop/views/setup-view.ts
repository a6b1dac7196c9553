import { html, nothing, type TemplateResult } from 'lit';

import { api, got } from '../../api/client';
import { icon } from '../../ui/icon';
import '../backbone-panel';
import '../install-panel';
import { shop } from '../shop';
import { doneOf, FEWEST_PHOTOS, FEWEST_PRODUCTS, nextOf, STEPS, type Step } from '../steps';
import { s } from '../texts';
import '../train-panel';
import '../try-panel';
import '../upload-panel';
import { field, onSubmit, View } from '../view';
import { thumb } from './products-view';

/** The way of a new channel from nothing to a till that recognises. */
export class SetupView extends View {
  #chosen: Step | null = null;
  #product = '';

  get #exists() {
    return {
      products: shop.products,
      status: shop.status,
      tried: localStorage.getItem(`jicho tried ${shop.id}`) !== null,
    };
  }

  protected override render(): TemplateResult {
    const done = doneOf(this.#exists);
    const step = this.#chosen ?? nextOf(this.#exists);
    const choose = (one: Step): void => {
      this.#chosen = one;
      this.requestUpdate();
    };
    return html`<h1>${s('setup')}</h1>
      <nav class="steps" aria-label=${s('setup')}>
        <ol>${STEPS.map(
          (one, i) => html`<li><button type="button" class="step" data-testid="step-${one}" data-done=${done.has(one)}
            aria-current=${one === step ? 'step' : 'false'} @click=${() => choose(one)}>
            <i aria-hidden="true">${done.has(one) ? icon('check') : i + 1}</i> <span>${s(`setup.${one}`)}</span>
            ${done.has(one) ? html`<span class="visually-hidden">${s('setup.stepDone')}</span>` : nothing}</button></li>`,
        )}</ol>
      </nav>
      ${this.#step(step)}
      ${this.#after(step, done, choose)}`;
  }

  #after(step: Step, done: Set<Step>, choose: (step: Step) => void): TemplateResult | typeof nothing {
    const next = STEPS[STEPS.indexOf(step) + 1];
    if (!next || (!done.has(step) && step !== 'photos')) return nothing;
    return html`<button type="button" class="main" data-testid="next" @click=${() => choose(next)}>${s('setup.next', { name: s(`setup.${next}`) })}</button>`;
  }

  #step(step: Step): TemplateResult {
    switch (step) {
      case 'products':
        return this.#products();
      case 'photos':
        return this.#photos();
      case 'train':
        return html`<shop-train .onEnd=${() => {
          this.#chosen = 'train';
          void shop.refresh();
        }}></shop-train><shop-backbones></shop-backbones>`;
      case 'try':
        return html`<shop-try .onAnswer=${() => {
          localStorage.setItem(`jicho tried ${shop.id}`, '1');
          this.#chosen = 'try';
          this.requestUpdate();
        }}></shop-try>`;
      case 'install':
        return html`<shop-install></shop-install>`;
    }
  }

  #products(): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const names = field(form, 'names')
          .split('\n')
          .map((name) => name.trim())
          .filter(Boolean);
        const params = { path: { channel: shop.id } };
        for (const name of names)
          await got(api.POST('/api/v1/channels/{channel}/products', { params, body: { name } }));
        form.reset();
        await shop.refresh();
        // What was just added is seen before the next step takes its place.
        this.#chosen = 'products';
      });
    });
    return html`<form class="card fields" @submit=${submit}>
        <h2>${s('setup.products')}</h2>
        <p>${s('setup.productsHow', { count: FEWEST_PRODUCTS })}</p>
        <label>${s('setup.names')}
          <textarea name="names" rows="5" required data-testid="names"></textarea></label>
        <button type="submit" class="main" data-testid="add-names" ?disabled=${this.busy}>${icon('add')} ${s('products.add')}</button>
        ${this.notice()}
      </form>
      <ul class="chips" data-testid="made">${shop.products.map(({ name }) => html`<li class="pill">${name}</li>`)}</ul>`;
  }

  #photos(): TemplateResult {
    const open =
      shop.products.find(({ id }) => id === this.#product) ??
      shop.products.find(({ photos }) => photos < FEWEST_PHOTOS) ??
      shop.products[0];
    if (!open) return html`<p class="note">${s('products.none')}</p>`;
    return html`<section class="card">
        <h2>${s('setup.photosOf', { name: open.name })}</h2>
        <p>${s('setup.photosHow', { count: FEWEST_PHOTOS })}</p>
        <ul class="picker">${shop.products.map(
          (
            product,
          ) => html`<li><button type="button" class="pick" aria-pressed=${product.id === open.id} data-testid="pick" data-product=${product.id}
            @click=${() => {
              this.#product = product.id;
              this.requestUpdate();
            }}>${thumb(product)} <span>${product.name}</span>
            <span class=${product.photos < FEWEST_PHOTOS ? 'few' : 'note'}>${s('products.photos', { count: product.photos })}</span></button></li>`,
        )}</ul>
      </section>
      <shop-upload-panel .channel=${shop.id} .product=${open.id} .onStored=${() => {
        // Step and product stay open, so that what came of the photos is seen, and more can follow.
        this.#chosen = 'photos';
        this.#product = open.id;
        void shop.refresh();
      }}></shop-upload-panel>`;
  }
}
customElements.define('shop-setup', SetupView);
