import { html, nothing, type TemplateResult } from 'lit';

import { icon } from '../../ui/icon';
import { hashOf } from '../route';
import { shop } from '../shop';
import { s } from '../texts';
import { field, onSubmit, View } from '../view';

/** The channels that may be opened, and a new one. */
export class ChannelsView extends View {
  protected override render(): TemplateResult {
    const { channels } = shop;
    return html`<h1>${s('channels')}</h1>
      ${
        channels.length
          ? html`<ul class="list" data-testid="channel-list">
              ${channels.map(
                ({ id, name }) => html`<li><a class="list-row" href=${hashOf(id)}>
                  <b>${name}</b> <span class="note">${id}</span></a></li>`,
              )}
            </ul>`
          : html`<p class="note">${s('channels.none')}</p>`
      }
      ${shop.may('administer') && shop.session?.channels == null ? this.#new() : nothing}`;
  }

  #new(): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const name = field(form, 'name');
        const id = field(form, 'id') || idOf(name);
        const currency = field(form, 'currency').toUpperCase() || null;
        await shop.makeChannel({ id, name, settings: { currency } });
      });
    });
    return html`<form class="card fields" @submit=${submit}>
      <h2>${s('channels.new')}</h2>
      <label>${s('channels.name')} <input name="name" required maxlength="100" data-testid="channel-name" autocomplete="off" /></label>
      <label>${s('channels.id')}
        <input name="id" maxlength="40" pattern="[A-Za-z0-9_\\-]+" data-testid="channel-id" autocomplete="off" aria-describedby="id-note" /></label>
      <p class="note" id="id-note">${s('channels.idNote')}</p>
      <label>${s('channels.currency')}
        <input name="currency" maxlength="3" pattern="[A-Za-z]{3}" autocapitalize="characters" autocomplete="off" data-testid="channel-currency" /></label>
      <button type="submit" class="main" data-testid="channel-make" ?disabled=${this.busy}>${icon('add')} ${s('channels.make')}</button>
      ${this.notice()}
    </form>`;
  }
}
customElements.define('shop-channels', ChannelsView);

/** An id of the letters and digits of a name. */
function idOf(name: string): string {
  const words = name
    .normalize('NFD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return (words || `shop_${Date.now().toString(36)}`).slice(0, 40);
}
