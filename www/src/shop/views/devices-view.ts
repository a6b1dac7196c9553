import { html, nothing, type TemplateResult } from 'lit';

import { api, got, type Key, type Role } from '../../api/client';
import { dateTime } from '../../ui/format';
import { icon } from '../../ui/icon';
import { copyable } from '../copy';
import '../install-panel';
import { LinkSheet } from '../link-sheet';
import { ROLES } from '../roles';
import { shop } from '../shop';
import { s } from '../texts';
import '../try-panel';
import { field, onSubmit, View } from '../view';

/** Tills and scanners, the people who may sign in, and their keys. */
export class DevicesView extends View {
  readonly #link = new LinkSheet();
  #keys: Key[] = [];
  #secret = '';
  #deleting = '';

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.#everywhere) void this.act(() => this.#load());
  }

  /** Keys are of the whole service, so that only who administers all of it may see them. */
  get #everywhere(): boolean {
    return shop.may('administer') && shop.session?.channels == null;
  }

  async #load(): Promise<void> {
    this.#keys = await got(api.GET('/api/v1/keys'));
  }

  protected override render(): TemplateResult {
    const here = this.#keys.filter(({ channels }) => channels == null || channels.includes(shop.id));
    const devices = here.filter(({ role }) => role === 'device');
    const people = here.filter(({ role }) => role !== 'device');
    return html`<h1>${s('devices')}</h1>
      ${this.notice()}
      <shop-install></shop-install>
      ${shop.may('predict') && shop.status?.version ? html`<shop-try></shop-try>` : nothing}
      ${
        this.#everywhere
          ? html`<section class="card" data-testid="devices"><h2>${s('devices.paired')}</h2>
                ${devices.length ? this.#list(devices) : html`<p class="note">${s('devices.none')}</p>`}</section>
              <section class="card" data-testid="keys"><h2>${s('keys')}</h2>
                ${people.length ? this.#list(people) : html`<p class="note">${s('keys.none')}</p>`}</section>
              ${this.#new()}${this.#invite()}`
          : nothing
      }${this.#link}`;
  }

  #list(keys: Key[]): TemplateResult {
    const remove = (id: string): void => {
      if (this.#deleting !== id) {
        this.#deleting = id;
        this.requestUpdate();
        return;
      }
      void this.act(async () => {
        await got(api.DELETE('/api/v1/keys/{key}', { params: { path: { key: id } } }));
        await this.#load();
        return s('keys.deleted');
      });
    };
    return html`<ul>${keys.map(
      ({ id, name, role, createdAt, expiresAt }) => html`<li class="row spread list-row">
        <span><b>${name}</b><br /><span class="note">${s(`role.${role}`)} · ${dateTime(createdAt)}
          ${expiresAt == null ? '' : s('keys.until', { time: dateTime(expiresAt) })}</span></span>
        <button type="button" class="quiet danger" aria-label=${s('keys.deleteOf', { name })} ?disabled=${this.busy} @click=${() => remove(id)}>
          ${icon('trash')} ${s(this.#deleting === id ? 'photo.deleteSure' : 'keys.delete')}</button></li>`,
    )}</ul>`;
  }

  #new(): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const days = Number(field(form, 'days'));
        const body = {
          name: field(form, 'name'),
          role: field(form, 'role') as Role,
          channels: field(form, 'where') === 'here' ? [shop.id] : null,
          expiresInDays: days > 0 ? days : null,
        };
        const key = await got(api.POST('/api/v1/keys', { body }));
        this.#secret = key.secret;
        form.reset();
        await this.#load();
      });
    });
    return html`<form class="card fields" @submit=${submit}>
      <h2>${s('keys.new')}</h2>
      <label>${s('keys.name')} <input name="name" required maxlength="100" autocomplete="off" data-testid="key-name" /></label>
      ${roleChoice('key-role')}
      <label>${s('keys.where')} <select name="where"><option value="here">${s('keys.here')}</option><option value="all">${s('keys.all')}</option></select></label>
      <label>${s('keys.days')} <input name="days" type="number" min="1" max="3650" inputmode="numeric" /></label>
      <button type="submit" class="main" data-testid="key-make" ?disabled=${this.busy}>${icon('add')} ${s('keys.make')}</button>
      ${this.#secret ? html`<p class="good" role="status">${s('keys.once')}</p>${copyable(this.#secret, s('signIn.key'), 'secret')}` : nothing}
    </form>`;
  }

  #invite(): TemplateResult {
    const submit = onSubmit((form) => {
      const role = field(form, 'role') as Role;
      this.#link.show(s('invite'), s('invite.how', { role: s(`role.${role}`) }), () =>
        got(
          api.POST('/api/v1/links', {
            body: { purpose: 'sign-in', role, channels: [shop.id], expiresInMinutes: 1440 },
          }),
        ),
      );
    });
    return html`<form class="card fields" @submit=${submit}>
      <h2>${s('invite')}</h2>
      ${roleChoice('invite-role')}
      <button type="submit" class="quiet" data-testid="invite">${icon('share')} ${s('invite.make')}</button>
    </form>`;
  }
}
customElements.define('shop-devices', DevicesView);

function roleChoice(testId: string): TemplateResult {
  const people = ROLES.filter((role) => role !== 'uploader' && (role !== 'device' || testId === 'key-role'));
  return html`<label>${s('keys.role')}
    <select name="role" data-testid=${testId}>${people.map(
      (role) =>
        html`<option value=${role} ?selected=${role === 'operator'}>${s(`role.${role}`)}: ${s(`role.${role}.may`)}</option>`,
    )}</select></label>`;
}
