import { html, nothing, type TemplateResult } from 'lit';

import { root } from '../app/root';
import { t } from '../texts';
import { AppElement } from '../ui/element';
import { type IconName, icon } from '../ui/icon';
import type { View } from './route';
import { shop } from './shop';
import { s } from './texts';
import { explained } from './view';
import './views/channels-view';
import './views/confirm-view';
import './views/devices-view';
import './views/model-view';
import './views/overview-view';
import './views/product-view';
import './views/products-view';
import './views/sales-view';
import './views/settings-view';
import './views/setup-view';
import './views/sign-in-view';
import './views/upload-view';

/** The views of the bar. All of them are for reading; what changes something hides by itself. */
const BAR: [view: Exclude<View, 'setup' | 'confirm'>, icon: IconName][] = [
  ['overview', 'chart'],
  ['products', 'tag'],
  ['model', 'teach'],
  ['sales', 'cart'],
  ['devices', 'scan'],
  ['settings', 'settings'],
];

/** The owner's page: who is signed in, which channel is open, and one of its views. */
export class ShopPage extends AppElement {
  #shown = '';
  #problem = '';

  override connectedCallback(): void {
    super.connectedCallback();
    shop.subscribe(() => this.requestUpdate());
  }

  /** Another view is read from its beginning, as another page would be. */
  protected override updated(): void {
    const { channel, view, item } = shop.route;
    const shown = `${shop.state}/${channel}/${view}/${item}`;
    if (shown === this.#shown) return;
    const first = this.#shown === '' || this.#shown.startsWith('opening');
    this.#shown = shown;
    document.title = `Jicho: ${shop.channel?.name ?? s('shop')}`;
    if (first) return;
    scrollTo({ top: 0 });
    this.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
  }

  protected override render(): TemplateResult {
    return html`<a class="skip" href="#main" @click=${this.#skip}>${s('skip')}</a>
      ${this.#header()}
      ${shop.channel && shop.may('read') ? this.#nav() : nothing}
      <main class="shop" id="main" tabindex="-1">${this.#main()}</main>`;
  }

  // The address behind `#` names the view, so that the link must not change it.
  #skip = (event: Event): void => {
    event.preventDefault();
    this.querySelector<HTMLElement>('main')?.focus();
  };

  #header(): TemplateResult {
    const signOut = (): void => {
      shop.signOut().catch((error: unknown) => {
        this.#problem = explained(error);
        this.requestUpdate();
      });
    };
    const { channels, channel } = shop;
    return html`<header class="shop-bar">
      <a class="quiet page-link" href=${root.href}>${icon('cart')} <span class="wide">${t('pages.till')}</span></a>
      ${
        channel && channels.length + Number(shop.may('administer')) > 1
          ? html`<a class="shop-name" href="#/" data-testid="channels" aria-label=${s('channels.other', { name: channel.name })}>
              ${channel.name} ${icon('down')}</a>`
          : html`<b class="shop-name">${channel?.name ?? 'Jicho'}</b>`
      }
      <span class="gap"></span>
      ${
        shop.session
          ? html`<button type="button" class="quiet" data-testid="sign-out" @click=${signOut}>
              ${icon('lock')} <span class="wide">${s('signOut')}</span></button>`
          : nothing
      }
      <p class="problem" role="status">${this.#problem}</p>
    </header>`;
  }

  #nav(): TemplateResult {
    const { view } = shop.route;
    const current = view === 'setup' ? 'overview' : view === 'confirm' ? 'products' : view;
    return html`<nav class="shop-nav" aria-label=${s('nav')}>
      ${BAR.map(
        ([
          one,
          sign,
        ]) => html`<a href=${shop.href(one)} data-testid="nav-${one}" aria-current=${one === current ? 'page' : 'false'}>
          ${icon(sign)} <span>${s(`nav.${one}`)}</span></a>`,
      )}
    </nav>`;
  }

  #main(): TemplateResult {
    if (shop.state === 'opening') return html`<p class="note">${s('opening')}</p>`;
    if (shop.state === 'unreachable') {
      return html`<section class="card">
        <h1>${s('error.title')}</h1><p>${s('error.unreachable')}</p>
        <button type="button" class="main" @click=${() => void shop.resume()}>${icon('refresh')} ${s('again')}</button>
      </section>`;
    }
    if (shop.state === 'out') return html`<shop-sign-in></shop-sign-in>`;
    if (shop.session?.role === 'device') return html`<p class="problem">${s('error.forbidden')}</p>`;
    if (!shop.may('read')) return html`<shop-upload></shop-upload>`;
    if (!shop.channel) return html`<shop-channels></shop-channels>`;
    const { view, item } = shop.route;
    switch (view) {
      case 'setup':
        return html`<shop-setup></shop-setup>`;
      case 'products':
        return item ? html`<shop-product .product=${item}></shop-product>` : html`<shop-products></shop-products>`;
      case 'confirm':
        return html`<shop-confirm></shop-confirm>`;
      case 'model':
        return html`<shop-model></shop-model>`;
      case 'sales':
        return html`<shop-sales></shop-sales>`;
      case 'devices':
        return html`<shop-devices></shop-devices>`;
      case 'settings':
        return html`<shop-settings></shop-settings>`;
      default:
        return html`<shop-overview></shop-overview>`;
    }
  }
}
customElements.define('jicho-shop', ShopPage);
