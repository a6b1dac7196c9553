import { html, type TemplateResult } from 'lit';

import { addressOf, api, got } from '../api/client';
import { root } from '../app/root';
import { AppElement } from '../ui/element';
import { icon } from '../ui/icon';
import { copyable } from './copy';
import { LinkSheet } from './link-sheet';
import { shop } from './shop';
import { s } from './texts';

/** How the channel comes onto a till or into an app of one's own. */
export class InstallPanel extends AppElement {
  readonly #link = new LinkSheet();

  protected override render(): TemplateResult {
    const { id } = shop;
    const models = new URL('assets/ml-models/', root).href;
    const code = `import { Jicho } from 'jicho';\n\nconst eye = await Jicho.open({ channel: '${id}', models: '${models}' });\nconst answer = await eye.recognize(video);\nconsole.log(answer.decision, answer.predictions[0]?.label);`;
    const curl = `curl -H "Authorization: Bearer $KEY" -F image=@photo.jpg ${addressOf(`channels/${encodeURIComponent(id)}/predict`)}`;
    const pair = (): void =>
      this.#link.show(s('pair'), s('pair.how'), () =>
        got(api.POST('/api/v1/links', { body: { purpose: 'pair', channels: [id] } })),
      );
    const everywhere = shop.may('administer') && shop.session?.channels == null;
    return html`<section class="card">
        <h2>${s('install.till')}</h2>
        <p>${s('install.how')}</p>
        <div class="row">
          ${
            everywhere
              ? html`<button type="button" class="main" data-testid="pair" @click=${pair}>${icon('phone')} ${s('pair')}</button>`
              : html`<p class="note">${s('pair.mayNot')}</p>`
          }
          <a class="quiet page-link" href=${new URL(`?channel=${encodeURIComponent(id)}`, root).href}>${icon('cart')} ${s('install.open')}</a>
        </div>
      </section>
      <details class="card"><summary>${s('install.own')}</summary>
        <h3>${s('install.models')}</h3>${copyable(models, s('install.models'), 'models-url')}
        <h3>${s('install.code')}</h3>${copyable(code, s('install.code'), 'code')}
        <h3>${s('install.curl')}</h3>${copyable(curl, s('install.curl'), 'curl')}
      </details>${this.#link}`;
  }
}
customElements.define('shop-install', InstallPanel);
