import { html, nothing, type TemplateResult } from 'lit';

import { dateTime } from '../ui/format';
import { Sheet } from '../ui/sheet';
import { copyable } from './copy';
import { qr } from './qr';
import { s } from './texts';
import { explained } from './view';

/** A one-time link as a QR code and as text. */
export class LinkSheet extends Sheet {
  #heading = '';
  #how = '';
  #link: { url: string; expiresAt: number } | null = null;
  #problem = '';

  /** Shows the link that `make` gives. */
  show(heading: string, how: string, make: () => Promise<{ url: string; expiresAt: number }>): void {
    this.#heading = heading;
    this.#how = how;
    this.#link = null;
    this.#problem = '';
    this.open();
    make()
      .then((link) => {
        this.#link = link;
      })
      .catch((error: unknown) => {
        this.#problem = explained(error);
      })
      .finally(() => this.requestUpdate());
  }

  protected override heading(): string {
    return this.#heading;
  }

  protected override closed(): void {
    this.#link = null;
  }

  protected override body(): TemplateResult {
    const link = this.#link;
    return html`<p>${this.#how}</p>
      <p class="problem" role="status">${this.#problem}</p>
      ${
        link
          ? html`${qr(link.url, s('link.qr'))}
            ${copyable(link.url, s('link'), 'link')}
            <p class="note">${s('link.once', { time: dateTime(link.expiresAt) })}</p>
            ${/^https?:\/\/(localhost|127\.)/.test(link.url) ? html`<p class="few">${s('link.local')}</p>` : nothing}`
          : nothing
      }`;
  }
}
customElements.define('shop-link', LinkSheet);
