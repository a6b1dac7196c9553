import { html, nothing, type TemplateResult } from 'lit';

import { t } from '../texts';
import { AppElement } from './element';
import { icon } from './icon';

/** A panel over the page, with a heading and a button that closes it. The browser keeps the focus within it. */
export abstract class Sheet extends AppElement {
  protected shown = false;

  protected abstract heading(): string;
  protected abstract body(): TemplateResult;

  /** Called when it is closed in any way. */
  protected closed(): void {}

  open(): void {
    this.shown = true;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const dialog = this.dialog;
      if (dialog && !dialog.open) dialog.showModal();
      dialog?.querySelector<HTMLElement>('[data-first]')?.focus();
    });
  }

  close(): void {
    this.dialog?.close();
  }

  private get dialog(): HTMLDialogElement | null {
    return this.querySelector('dialog');
  }

  private onClose = (): void => {
    this.shown = false;
    this.closed();
    this.requestUpdate();
  };

  protected override render(): TemplateResult | typeof nothing {
    if (!this.shown) return nothing;
    return html`<dialog class="sheet" aria-label=${this.heading()} @close=${this.onClose}>
      <header class="sheet-bar">
        <h2>${this.heading()}</h2>
        <button type="button" class="round" aria-label=${t('close')} @click=${() => this.close()}>${icon('close')}</button>
      </header>
      <div class="sheet-body">${this.body()}</div>
    </dialog>`;
  }
}
