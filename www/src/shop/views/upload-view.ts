import { html, type TemplateResult } from 'lit';

import { shop } from '../shop';
import { s } from '../texts';
import '../upload-panel';
import { View } from '../view';

/** What a phone sees that was given a link: photos of one product go in, and nothing comes out. */
export class UploadView extends View {
  protected override render(): TemplateResult {
    const channel = shop.session?.channels?.[0] ?? '';
    const { product, name } = shop.upload ?? { product: '', name: '' };
    if (!channel || !product) return html`<p class="problem">${s('phone.noProduct')}</p>`;
    return html`<h1>${s('phone.title', { name: name || product })}</h1>
      <shop-upload-panel .channel=${channel} .product=${product}></shop-upload-panel>
      <p class="note">${s('phone.done')}</p>`;
  }
}
customElements.define('shop-upload', UploadView);
